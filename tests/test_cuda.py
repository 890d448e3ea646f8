"""A contender on a GPU is compared with the CPU; without one the error says what is missing."""

import pytest
import torch

import parity
from parity import registry
from parity.contract import MLP, SGD, Adam, DeviceError, Lion, RegularizedMLP
from parity.runner import run
from torch_impl.model import build_model

BACKENDS = ("jax", "torch")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("problem", ["paraboloid", "polar"])
def test_the_gpu_is_compared_with_the_cpu(backend, problem):
    experiment = parity.recipe(problem, epochs=20, contender=(f"{backend}:cuda",), reference=f"{backend}:cpu")
    if "cuda" in registry.load(backend).devices():
        result = run(experiment, throughput=False)
        assert result.verdict == "equivalent", result.summary
        assert all(":cuda:" in pair.candidate and ":cpu:" in pair.reference for pair in result.pairs)
    else:
        with pytest.raises(DeviceError, match=rf"{backend} has no device 'cuda'.*it has cpu.*GPU"):
            run(experiment, throughput=False)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="A CUDA graph is captured on a GPU, and there is none here.")
@pytest.mark.parametrize(
    "optimizer", [SGD(momentum=0.9), Adam(), Lion()], ids=lambda optimizer: type(optimizer).__name__
)
@pytest.mark.parametrize("model", [MLP(), RegularizedMLP()], ids=lambda model: type(model).__name__)
def test_cuda_graphs_climb_the_ladder(model, optimizer):
    changed = {"model": model, "optimizer": optimizer, "epochs": 20, "clip_norm": 1.0}
    for reference in ("torch:cuda:eager", "torch:cpu:eager"):
        result = run(
            parity.recipe("polar", contender=("torch:cuda:cuda_graph",), reference=reference, **changed),
            throughput=False,
        )
        assert result.verdict == "equivalent", result.summary


@pytest.mark.parametrize("model", [MLP(), RegularizedMLP()], ids=lambda model: type(model).__name__)
def test_every_tensor_is_made_on_the_device_that_was_asked_for(model):
    # PyTorch's meta device stands in for a GPU: it is another one than the default.
    with torch.device("meta"):
        built = build_model(model, 2, 2, "float32")
    assert {tensor.device.type for tensor in (*built.parameters(), *built.buffers())} == {"meta"}
