"""PyTorch's modes of execution: each computes what eager does, says what it can't do, and is seen where it is wrong."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from climbing import broken_at, by, climb, subject

import parity
from parity import registry
from parity.conformance import Case
from parity.conformance.case import STEPS
from parity.contract import (
    LBFGS,
    MLP,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    BatchOrder,
    Constant,
    Cosine,
    Data,
    InputError,
    LevenbergMarquardt,
    Lion,
    Loss,
    NAdam,
    RAdam,
    RegularizedMLP,
    RMSprop,
    TrainingConfig,
)
from torch_impl import cuda_graph, vectors
from torch_impl.modes import MODES
from torch_impl.trainer import Trainer

EXPERIMENT = parity.recipe(
    "polar", rows=40, epochs=4, batch_size=8, model=MLP((6, 5), "tanh"), optimizer=Adam(learning_rate=1e-2)
)
EXPERIMENTS = {"float64": EXPERIMENT, "float32": replace(EXPERIMENT, model=RegularizedMLP((6, 5), dropout=0.2))}
OPTIMIZERS = (
    SGD(),
    SGD(momentum=0.9, weight_decay=1e-2),
    SGD(momentum=0.9, nesterov=True),
    Adam(),
    AdamW(),
    RMSprop(),
    RMSprop(momentum=0.9),
    Adagrad(),
    NAdam(),
    RAdam(),
    Adamax(),
    Adadelta(),
    Lion(weight_decay=1e-2),
)


@pytest.fixture
def uncaptured(monkeypatch):
    """Where there is no GPU, the work that a graph would hold is done each time that the graph would be replayed."""
    monkeypatch.setattr(cuda_graph, "captured", lambda work: work)


def run(mode, config, state, data, order, dtype="float64"):
    trainer = Trainer(config, device="cpu", mode=mode, dtype=dtype)
    trainer.set_state(state)
    at = {"evaluate": data.inputs[:3], "evaluate_at": (0, order.steps), "checkpoints_at": (1, order.steps)}
    return trainer.fit(data, order, **at)


def close(expected, found):
    for name, array in expected.final.named().items():
        assert np.allclose(array, found.final.named()[name], rtol=1e-9, atol=1e-12), name
    assert np.allclose(expected.losses, found.losses, rtol=1e-9)
    assert np.allclose(expected.predictions, found.predictions, rtol=1e-9)
    assert all(np.allclose(kept, found.parameters[name], rtol=1e-9) for name, kept in expected.parameters.items())


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("mode", ["foreach", "loop", "idiomatic", "compile", "flat"])
def test_each_mode_climbs_the_ladder_against_eager_and_the_oracle(mode, dtype):
    experiment = EXPERIMENTS[dtype]
    candidate = subject(experiment, "mode", dtype, backend="torch", mode=mode)
    for other in ("torch", "numpy"):
        pair = climb(subject(experiment, other, dtype), candidate, subject(experiment, "numpy"))
        assert pair.verdict == "equivalent", (other, broken_at(pair))


def test_the_work_of_a_graph_climbs_the_ladder(uncaptured, monkeypatch):
    monkeypatch.setitem(MODES, "cuda_graph", MODES["cuda_graph"]._replace(devices=("cpu",)))
    candidate = subject(EXPERIMENT, "mode", backend="torch", mode="cuda_graph")
    pair = climb(subject(EXPERIMENT), candidate)
    assert pair.verdict == "equivalent", broken_at(pair)


@pytest.mark.parametrize(
    "model", [MLP((5, 4), "tanh"), RegularizedMLP((5, 4), dropout=0.3)], ids=["mlp", "regularized"]
)
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_every_optimizer_over_vectors_is_the_one_over_tensors(uncaptured, optimizer, model):
    # More steps than a graph holds, and not a multiple.
    steps, random = 2 * cuda_graph.TOGETHER + 3, np.random.default_rng(0)
    config = TrainingConfig(model, 3, 2, Loss(), optimizer, Cosine(), clip_norm=0.5, steps=steps)
    state = Case(registry.load("torch"), "cpu", "eager", "float64", model).state
    zero = parity.contract.zero_state(config, "float64")
    state = replace(zero, parameters=state.parameters, buffers=state.buffers)
    data = Data(random.standard_normal((24, 3)), random.uniform(size=(24, 2)))
    masks = {name: random.random((steps, 6, width)) < 0.7 for name, width in model.masks().items()}
    order = BatchOrder(steps, random.integers(0, 24, (steps, 6), dtype=np.int32), masks)
    expected = run("eager", config, state, data, order)
    for mode in ("cuda_graph", "foreach", "loop", "idiomatic"):
        close(expected, run(mode, config, state, data, order))


def test_a_compiled_run_serves_any_number_of_steps_and_rows():
    start = parity.start.draw(EXPERIMENT)
    trainer = registry.load("torch").trainer(start.config, device="cpu", mode="flat", dtype="float64")
    random = np.random.default_rng(0)

    def fit(rows, steps):
        inputs = random.standard_normal((rows, start.config.inputs))
        targets = random.standard_normal((rows, start.config.outputs))
        trainer.fit(Data(inputs, targets), BatchOrder(steps, random.integers(0, rows, (steps, 8), dtype=np.int32)))

    fit(40, 20)
    with torch._dynamo.config.patch(error_on_recompile=True):
        for rows, steps in ((40, 1), (1, 5), (300, 40), (40, 40)):
            fit(rows, steps)


def test_a_compiled_run_over_whole_batches_serves_any_number_of_rows():
    model, random = RegularizedMLP((5, 4), dropout=0.3), np.random.default_rng(0)
    config = TrainingConfig(model, 3, 2, Loss("cross_entropy"), Adam(), Cosine(), clip_norm=0.5, steps=7)
    state = Case(registry.load("torch"), "cpu", "eager", "float64", model).state

    def compare(rows, steps):
        data = Data(random.standard_normal((rows, 3)), random.uniform(size=(rows, 2)))
        masks = {name: random.random((steps, rows, width)) < 0.7 for name, width in model.masks().items()}
        expected, found = (run(mode, config, state, data, BatchOrder(steps, None, masks)) for mode in ("eager", "flat"))
        close(expected, found)

    compare(24, 7)
    with torch._dynamo.config.patch(error_on_recompile=True):
        compare(5, 2)


def test_a_fault_in_a_mode_breaks_the_step(monkeypatch):
    right = vectors.corrections

    def uncorrected(config, lr, t):
        return right(config, lr, t) | {"root_correction": np.ones_like(t)}

    monkeypatch.setattr(vectors, "corrections", uncorrected)
    candidate = subject(EXPERIMENT, "mode", backend="torch", mode="flat")
    pair = climb(subject(EXPERIMENT, calibration=by(4)), candidate)
    assert broken_at(pair) == ["step"]


@pytest.mark.parametrize("solver", [LBFGS(), LevenbergMarquardt()], ids=lambda solver: type(solver).__name__)
@pytest.mark.parametrize("mode", [mode for mode in MODES if mode not in ("eager", "idiomatic", "cuda_graph")])
def test_a_mode_that_runs_no_solver_says_so(mode, solver):
    config = replace(parity.start.draw(EXPERIMENT).config, optimizer=solver, schedule=Constant())
    with pytest.raises(InputError, match=rf"{mode}.*can't run {type(solver).__name__}.*Use one of eager, idiomatic"):
        registry.load("torch").trainer(config, device="cpu", mode=mode, dtype="float64")


def test_cuda_graphs_need_a_gpu():
    config = parity.start.draw(EXPERIMENT).config
    with pytest.raises(InputError, match=r"'cuda_graph' of torch runs on cuda, not on cpu. Use one of eager"):
        registry.load("torch").trainer(config, device="cpu", mode="cuda_graph", dtype="float64")


@pytest.mark.parametrize("mode", ["compile", "flat"])
def test_without_a_compiler_a_compiled_mode_says_what_to_install(mode, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    config = parity.start.draw(EXPERIMENT).config
    with pytest.raises(InputError, match=rf"{mode}.*'no-such-compiler' is not installed; install g\+\+.*eager"):
        registry.load("torch").trainer(config, device="cpu", mode=mode, dtype="float64")


def test_a_compiler_that_fails_is_told(monkeypatch):
    monkeypatch.setattr(torch._inductor.config.cpp, "cxx", (None, "false"))
    config = replace(parity.start.draw(EXPERIMENT).config, model=MLP((3,), "tanh"))
    trainer = Trainer(config, device="cpu", mode="flat", dtype="float64")
    data = Data(np.ones((4, config.inputs)), np.ones((4, config.outputs)))
    with pytest.raises(InputError, match=r"can't compile this run here.*use the mode eager"):
        trainer.fit(data, BatchOrder(STEPS, np.zeros((STEPS, 4), np.int32)))
