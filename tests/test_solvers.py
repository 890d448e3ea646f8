"""The twins' solvers: the oracle's steps, the suite for backends, the ladder up to the last digit, and what is refused."""

import inspect
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
from command import environment
from command import parity as command
from solving import solver_cases
from test_oracle import DEFAULT, TWINS, differences, observed, told

import jax_impl.program
import parity
from benchmarks.faults.copies import copied
from parity import registry
from parity.conformance import CHECKS
from parity.conformance.fit import continues, fits_as_it_steps
from parity.conformance.step import steps
from parity.contract import LBFGS, MLP, BatchOrder, Constant, InputError, LevenbergMarquardt, Loss
from parity.problems import recipe
from parity.start import draw

SOLVERS = [LevenbergMarquardt(), LBFGS(memory=3)]
STEPS = 12


def solving(optimizer, activation="tanh", reduction="mean", **changes):
    loss, model = Loss("mse", reduction), MLP((4, 3), activation)
    return replace(DEFAULT, model=model, loss=loss, optimizer=optimizer, steps=STEPS, **changes)


CONFIGS = [
    (solving(LevenbergMarquardt()), "float64"),
    (solving(LevenbergMarquardt(), "silu"), "float32"),
    # The first trials fail; 24 rows are no whole number of blocks.
    (solving(LevenbergMarquardt(damping=1e-10, block_rows=5), "gelu", "sum"), "float64"),
    (solving(LevenbergMarquardt(damping=1.0), "relu", outputs=1), "float64"),
    (solving(LBFGS()), "float64"),
    (solving(LBFGS(), "silu"), "float32"),
    (solving(LBFGS(memory=2, c1=0.3, c2=0.4), "elu", "sum"), "float64"),
]


@pytest.mark.parametrize(("config", "dtype"), CONFIGS, ids=[f"{told(c.optimizer)} {dtype}" for c, dtype in CONFIGS])
@pytest.mark.parametrize("twin", TWINS)
def test_a_solver_does_what_the_oracle_does(twin, config, dtype):
    assert differences(observed(twin, config, dtype, full_batch=True), config, dtype, full_batch=True) == {}


def test_the_trials_of_these_runs_fail_too():
    config, dtype = CONFIGS[2]
    slots = observed("numpy", replace(config, steps=1), dtype, full_batch=True)["damping"]
    assert min(array.min() for array in slots.values()) > 0


@pytest.mark.parametrize("optimizer", [LevenbergMarquardt(damping=2e-3), LBFGS(c2=0.4)], ids=told)
def test_a_wrong_constant_of_a_solver_is_seen(optimizer):
    config = solving(type(optimizer)())
    found = observed("torch", replace(config, optimizer=optimizer), full_batch=True)
    assert "parameters" in differences(found, config, full_batch=True)


@pytest.mark.parametrize("optimizer", SOLVERS, ids=told)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_with_a_solver_torch_conforms(check, optimizer):
    for case in solver_cases(registry.load("torch"), optimizer):
        if case.mode in ("eager", "idiomatic"):
            check(case)


@pytest.mark.parametrize("backend", ["jax", "torch"])
@pytest.mark.parametrize("optimizer", SOLVERS, ids=told)
def test_a_mode_that_runs_no_solver_says_so_before_anything_is_trained(backend, optimizer):
    (case,) = (
        case
        for case in solver_cases(registry.load(backend), optimizer)
        if (case.mode, case.device, case.dtype) == ("flat", "cpu", "float64")
    )
    with pytest.raises(InputError, match=f"'flat' of {backend} can't run {type(optimizer).__name__}.* Use one of"):
        case.trainer()


# Of the whole suite, which takes minutes to compile, what is the solver's own.
@pytest.mark.parametrize("optimizer", SOLVERS, ids=told)
def test_with_a_solver_jax_conforms(optimizer):
    case = next(case for case in solver_cases(registry.load("jax"), optimizer) if case.dtype == "float64")
    for check in (steps, fits_as_it_steps, continues):
        check(case)


@pytest.mark.parametrize("optimizer", SOLVERS, ids=told)
def test_many_runs_at_once_are_each_its_own_in_jax(optimizer):
    case = next(case for case in solver_cases(registry.load("jax"), optimizer) if case.dtype == "float64")
    opposite = {name: -array for name, array in case.state.parameters.items()}
    states, order = [case.state, replace(case.state, parameters=opposite)], BatchOrder(case.order.steps)
    for state, history in zip(states, case.trainer().fit_many(states, case.data, order), strict=True):
        alone = case.trainer()
        alone.set_state(state)
        expected = alone.fit(case.data, order)
        case.close(expected.final.named(), history.final.named(), "a run among many")
        case.close({"losses": expected.losses}, {"losses": history.losses}, "losses of a run among many")


def test_steps_are_compiled_once(monkeypatch):
    jax_impl.program.program_of.cache_clear()
    built, made = [], jax_impl.program.Program.objective
    monkeypatch.setattr(jax_impl.program.Program, "objective", lambda *args: built.append(1) or made(*args))
    case = next(case for case in solver_cases(registry.load("jax"), SOLVERS[0]) if case.mode == "step")
    trainer = case.trainer()
    trainer.step(case.batch)
    traced = len(built)
    assert traced >= 1
    for _ in range(5):
        trainer.step(case.batch)
    case.trainer().step(case.batch)
    assert len(built) == traced


ASKED = MLP((10, 5), "silu")


def small(optimizer, epochs, model=ASKED, rows=100):
    return recipe(
        "paraboloid", optimizer=optimizer, schedule=Constant(), batch_size=None, epochs=epochs, rows=rows, model=model
    )


def climbed(experiment, candidate, dtype):
    contenders = {"contender": (f"{candidate}:{dtype}",), "reference": f"torch:cpu:{dtype}"}
    (pair,) = parity.run(replace(experiment, **contenders), throughput=False).pairs
    return pair


# A run in one scan is compiled for each length of a part, and a step once.
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", SOLVERS, ids=told)
def test_the_twins_are_equivalent_on_the_ladder(optimizer, dtype):
    pair = climbed(small(optimizer, 30), "jax:cpu:step", dtype)
    assert pair.verdict == "equivalent", pair.summary


def test_where_rounding_decides_between_trials_the_twins_are_equivalent():
    """To the end, where no trial is below: whether the last one is, is a matter of the last digit."""
    experiment = small(LevenbergMarquardt(), 40, MLP((2,), "tanh"), 40)
    start = draw(experiment)
    state, train, _ = start.cast("float32")
    for twin, mode in (("jax", "step"), ("torch", "eager")):
        trainer = registry.load(twin).trainer(start.config, device="cpu", mode=mode, dtype="float32")
        trainer.set_state(state)
        behind = trainer.fit(train, start.order).final.optimizer["damping"]
        assert min(array.min() for array in behind.values()) > start.config.optimizer.range[1]
    pair = climbed(experiment, "jax:cpu:step", "float32")
    assert pair.verdict == "equivalent", pair.summary


def test_a_sum_of_rows_that_are_alike_keeps_its_digits_in_jax():
    """A unit of relu that is on for all rows gives each the same derivative, and J'J the same term as many times."""
    pair = climbed(small(LevenbergMarquardt(), 1, MLP((10, 5), "relu"), 1000), "jax:cpu:step", "float32")
    assert pair.verdict == "equivalent", pair.summary


LM, FULL = ("--optimizer", "levenberg_marquardt"), ("--batch-size", "None", "--schedule", "constant")
REFUSED = [
    ([*LM, *FULL, "--model", "regularized_mlp"], ["RegularizedMLP draws masks", "expected an MLP"]),
    ([*LM, "--batch-size", "None", "--schedule", "cosine"], ["the schedule is Cosine", "--schedule constant"]),
    ([*LM, *FULL, "--clip-norm", "1"], ["clip_norm is 1.0", "expected None"]),
    ([*LM, *FULL, "--loss.kind", "mae"], ["loss.kind is 'mae'", "expected mse"]),
    ([*LM, "--batch-size", "8", "--schedule", "constant"], ["batch_size is 8", "--batch-size None"]),
    (
        [*LM, *FULL, "--optimizer.block-rows", "100000", "--rows", "120000", "--model.hidden", "100", "100"],
        ["optimizer.block_rows is 100000", "Take block_rows = 17041 or fewer, or None"],
    ),
    ([*LM, *FULL, "--model.hidden", "200", "200"], ["41,001 x 41,001", "--optimizer lbfgs"]),
    ([*LM, *FULL, "--optimizer.damping", "1e-20"], ["damping is 1e-20", "lowest <= damping <= highest"]),
    ([*LM, *FULL, "--optimizer.learning-rate", "0.1"], ["--optimizer.learning-rate"]),
    (["--optimizer", "lbfgs", *FULL, "--optimizer.c2", "1"], ["c2 1.0", "expected c1 < c2 < 1"]),
]


@pytest.mark.parametrize(("options", "expected"), REFUSED, ids=[" ".join(options) for options, _ in REFUSED])
def test_what_a_solver_cannot_do_is_refused(options, expected, tmp_path):
    done = command(
        "run", "paraboloid", "--contender=numpy:float32", "--reference=numpy:float64", *options, cwd=tmp_path
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    for part in expected:
        assert part in done.stderr


def test_lbfgs_takes_a_loss_that_is_no_square():
    config = replace(solving(LBFGS(), "gelu"), loss=Loss("huber"))
    assert differences(observed("torch", config, full_batch=True), config, full_batch=True) == {}


def test_what_a_solver_trained_is_diagnosed(tmp_path):
    options = [*LM, "--schedule", "constant", "--epochs", "50"]
    done = command("diagnose", "paraboloid", *options, cwd=tmp_path, env=environment())
    assert done.returncode == 0, done.stderr
    assert "HEALTHY" in done.stdout


CHANGED = [
    (LevenbergMarquardt(), {"damping": 1e-2}, "consistent with damping = 0.01 instead of 0.001"),
    (LBFGS(), {"c2": 0.1}, "consistent with c2 = 0.1 instead of 0.9"),
]


@pytest.mark.parametrize(("optimizer", "constants", "text"), CHANGED, ids=["damping", "c2"])
def test_a_solver_with_another_constant_is_explained(optimizer, constants, text):
    kind = type(optimizer)
    with copied("torch", "changed") as twin:
        build = twin.optimizers.OPTIMIZERS[kind]
        twin.optimizers.OPTIMIZERS[kind] = lambda config, parameters: build(replace(config, **constants), parameters)
        pair = climbed(small(optimizer, 10), "changed:cpu", "float64")
    assert pair.verdict == "different"
    cause = pair.causes[0]
    assert (cause.code, cause.text) == (f"optimizer.{next(iter(constants))}", text)


def test_neither_framework_has_these_solvers():
    theirs = inspect.signature(torch.optim.LBFGS).parameters, inspect.signature(optax.lbfgs).parameters
    assert (theirs[0]["history_size"].default, theirs[1]["memory_size"].default, LBFGS().memory) == (100, 10, 10)
    assert (theirs[0]["max_iter"].default, theirs[0]["line_search_fn"].default) == (20, None)
    assert not any(hasattr(library, name) for library in (torch.optim, optax) for name in ("LevenbergMarquardt", "LM"))


def test_the_first_step_of_lbfgs_is_scaled_by_another_norm_in_optax_than_in_torch():
    gradient = [3.0, 4.0]
    p = torch.zeros(2, requires_grad=True)
    optimizer = torch.optim.LBFGS([p], max_iter=1)
    optimizer.step(lambda: (p.__setattr__("grad", torch.tensor(gradient)), (p * p.grad).sum())[1])
    with_norm_1 = -np.array(gradient) / 7
    with_norm_2 = -np.array(gradient) / 5
    transform = optax.scale_by_lbfgs()
    zero = jnp.zeros(2)
    direction, _ = transform.update(jnp.asarray(gradient), transform.init(zero), zero)
    np.testing.assert_allclose(p.detach(), with_norm_1, rtol=1e-6)
    np.testing.assert_allclose(-direction, with_norm_2, rtol=1e-6)


def test_a_cholesky_factor_is_of_the_lower_triangle_in_torch_and_of_the_mean_of_both_in_jax():
    lower, mean = np.array([[4.0, 0.0], [2.0, 3.0]]), np.array([[4.0, 1.0], [1.0, 3.0]])
    np.testing.assert_allclose(torch.linalg.cholesky(torch.tensor(lower)), np.linalg.cholesky(lower))
    np.testing.assert_allclose(jnp.linalg.cholesky(lower), np.linalg.cholesky(mean), rtol=1e-6)
    assert torch.linalg.cholesky_ex(-torch.tensor(mean))[1] == 1
    assert np.isnan(jnp.linalg.cholesky(-mean)).any()
