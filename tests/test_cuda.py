"""A contender on a GPU is compared with the CPU; without one the error says what is missing."""

import pytest

import parity
from parity import registry
from parity.contract import DeviceError
from parity.runner import run

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
