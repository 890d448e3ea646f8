"""JAX's modes: each climbs the ladder, a fault in one is seen at the step rung, and what it can't run is refused."""

from dataclasses import replace
from typing import get_args

import jax
import jax.numpy as jnp
import pytest

import jax_impl.flat
import jax_impl.idiomatic
from jax_impl.modes import MODES, Mode
from jax_impl.optimizers import step_scalars
from parity import registry, run
from parity.contract import LBFGS, MLP, Adam, Constant, FirstOrder, InputError, LevenbergMarquardt, Loss, TrainingConfig
from parity.problems import recipe

CACHES = (jax_impl.flat.flat_program, jax_impl.idiomatic.train_step_of, jax_impl.idiomatic.clipped)


def compared(mode, reference, *dtypes, **changes):
    """A mode and a reference over twenty-odd clipped steps on batches, with two outputs."""
    given = {"rows": 80, "epochs": 6, "batch_size": 16, "clip_norm": 0.1, "model": MLP((6, 5), "tanh"), **changes}
    contenders = tuple(f"jax:{mode}:{dtype}" for dtype in dtypes)
    return run(replace(recipe("polar"), contender=contenders, reference=reference, **given), throughput=False)


@pytest.mark.parametrize(
    ("mode", "reference", "dtypes"),
    [
        ("flat", "jax:scan", ("float64", "float32")),
        ("flat", "numpy", ("float64",)),
        ("idiomatic", "jax:scan", ("float64", "float32")),
        ("idiomatic", "numpy", ("float64",)),
    ],
)
def test_a_mode_climbs_the_ladder(mode, reference, dtypes):
    result = compared(mode, reference, *dtypes)
    assert result.verdict == "equivalent", result.summary


@pytest.fixture
def fresh():
    """What was compiled with a fault in it, or without, is not used by the other."""
    for cache in CACHES:
        cache.cache_clear()
    yield
    for cache in CACHES:
        cache.cache_clear()


def steep_product(x, kernel, *_, **__):
    """The product, with a gradient that is a millionth too large."""
    right = (kernel[:, :, None] * x.T[:, None, :]).sum(0).T
    return right + 1e-6 * (right - jax.lax.stop_gradient(right))


# The gradients that are compared one rung below are the program's, whatever the mode.
FAULTS = {
    "flat": (jax_impl.flat, "small_product", steep_product),
    "idiomatic": (jax_impl.idiomatic, "clip_by_global_norm", lambda gradients, largest: gradients),
}


@pytest.mark.parametrize("mode", FAULTS)
def test_a_fault_in_a_mode_is_seen_at_the_step(monkeypatch, fresh, mode):
    place, name, wrong = FAULTS[mode]
    monkeypatch.setattr(place, name, wrong)
    (pair,) = compared(mode, "jax:scan", "float64").pairs
    assert [rung.name for rung in pair.rungs if not rung.passed][:1] == ["step"]


class Read(dict):
    """Scalars that remember which of them were read."""

    def __init__(self, scalars):
        super().__init__(scalars)
        self.names = set()

    def __getitem__(self, name):
        self.names.add(name)
        return super().__getitem__(name)


@pytest.mark.parametrize("optimizer", get_args(FirstOrder), ids=lambda optimizer: optimizer.__name__)
def test_a_kernel_is_given_the_scalars_that_are_read_and_no_other(optimizer):
    program = jax_impl.flat.FlatProgram(replace(CONFIG, optimizer=optimizer()), "float32", one_kernel=True)
    scalars = Read({name: values[0] for name, values in step_scalars(program.config, 0, 1).items()})
    vector = jnp.ones(program.config.size)
    jax.eval_shape(lambda: program.optimizer.update(vector, program.optimizer.init(vector), vector, scalars=scalars))
    assert set(program.used(dict(scalars))) == scalars.names


SETTING = {"device": "cpu", "dtype": "float32"}
CONFIG = TrainingConfig(MLP((6, 5)), 2, 1, Loss(), Adam(), Constant(), None, 40)


@pytest.mark.parametrize("optimizer", [LevenbergMarquardt(), LBFGS(memory=3)], ids=lambda each: type(each).__name__)
def test_idiomatic_runs_solvers(optimizer):
    result = compared(
        "idiomatic", "jax:step", "float64", optimizer=optimizer, batch_size=None, clip_norm=None, schedule=Constant()
    )
    assert result.verdict == "equivalent", result.summary


def test_flat_runs_no_solver():
    config = replace(CONFIG, optimizer=LevenbergMarquardt())
    with pytest.raises(
        InputError, match=r"'flat' of jax can't run LevenbergMarquardt.*Use one of scan, step, idiomatic\."
    ):
        registry.load("jax").trainer(config, mode="flat", **SETTING)


def test_a_mode_runs_on_its_devices_alone(monkeypatch):
    monkeypatch.setitem(MODES, "flat", Mode(*MODES["flat"][:3], devices=("cuda",)))
    with pytest.raises(
        InputError, match=r"'flat' of jax runs on cuda, not on cpu\. Use one of scan, step, idiomatic\."
    ):
        registry.load("jax").trainer(CONFIG, mode="flat", **SETTING)


@pytest.mark.parametrize(
    ("hidden", "rows", "one_kernel"),
    [((10, 5), 32, True), ((16, 16), 32, True), ((10, 5), 850, True), ((16, 16), 256, False), ((64, 64), 32, False)],
)
def test_small_networks_alone_are_one_kernel(hidden, rows, one_kernel):
    device = jnp.zeros(1).device
    assert jax_impl.flat.is_small(replace(CONFIG, model=MLP(hidden)), rows, device) is one_kernel
