"""The solvers of the oracle against truth of another kind: finite differences, least squares, eigenvalues, dense formulas."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solving import solver_cases

from parity import registry
from parity.conformance import CHECKS
from parity.contract import (
    LBFGS,
    MLP,
    Batch,
    BatchOrder,
    Constant,
    Data,
    LevenbergMarquardt,
    Loss,
    State,
    TrainingConfig,
    zero_state,
)
from parity.contract.models import Activation

ROWS = 24
EPS = np.finfo("float64").eps


SMALL = MLP((4,), "tanh")


def config_of(optimizer, model=SMALL, inputs=2, outputs=2, reduction="mean", steps=40):
    return TrainingConfig(model, inputs, outputs, Loss("mse", reduction), optimizer, Constant(), None, steps)


LINEAR = MLP(())


def batch_of(config, seed=0, rows=ROWS):
    random = np.random.default_rng(seed)
    return Batch(random.standard_normal((rows, config.inputs)), random.standard_normal((rows, config.outputs)))


def start_of(config, seed=0, scale=0.7):
    random, zero = np.random.default_rng(seed + 1), zero_state(config, "float64")
    return replace(zero, parameters={n: scale * random.standard_normal(a.shape) for n, a in zero.parameters.items()})


def trainer_at(state, config, dtype="float64"):
    trainer = registry.load("numpy").trainer(config, device="cpu", mode="loop", dtype=dtype)
    trainer.set_state(state)
    return trainer


def flat(arrays):
    return np.concatenate([array.ravel() for array in arrays.values()])


def apart(vector, like):
    ends = np.cumsum([array.size for array in like.values()])[:-1]
    parts = np.split(vector, ends)
    return {name: part.reshape(array.shape) for (name, array), part in zip(like.items(), parts, strict=True)}


def at(vector, state):
    """The state with all parameters from one vector."""
    return replace(state, parameters=apart(vector, state.parameters))


def parameters_of(trainer):
    return flat(trainer.get_state().parameters)


def damping_of(trainer):
    """mu, of whose logarithm the slot is full."""
    (value,) = np.unique(flat(trainer.get_state().optimizer["damping"]))
    return trainer.config.optimizer.damping * np.exp(value)


def with_damping(state, value):
    """The state with the slot full of ln(mu / damping)."""
    return replace(state, optimizer={"damping": {n: np.full_like(a, value) for n, a in state.parameters.items()}})


def loss_at(vector, state, config, batch):
    """The loss there, by the trainer's other verb."""
    with np.errstate(all="ignore"):
        return trainer_at(at(vector, state), config).loss_and_grads(batch)[0]


def measured_jacobian(state, config, inputs):
    """(B K, P) by central differences of the predictions, from steps where cutting and rounding are both near 1e-10."""
    x, h = flat(state.parameters), 1e-5

    def predictions(moved):
        return trainer_at(at(moved, state), config).predict(inputs).ravel()

    return np.stack([(predictions(x + h * e) - predictions(x - h * e)) / (2 * h) for e in np.eye(len(x))], axis=1)


def share(config, batch):
    return 1 / batch.targets.size if config.loss.reduction == "mean" else 1.0


def least_squares(config, batch):
    """The least loss of a linear model."""
    design = np.column_stack([batch.inputs, np.ones(len(batch.inputs))])
    solution = np.linalg.lstsq(design, batch.targets, rcond=None)[0]
    return share(config, batch) * np.sum((design @ solution - batch.targets) ** 2)


@pytest.mark.parametrize("hidden", [(), (4,), (3, 5)])
@pytest.mark.parametrize("activation", get_args(Activation))
def test_the_jacobian_is_that_of_finite_differences(hidden, activation):
    from numpy_impl.jacobian import jacobian

    config = config_of(LevenbergMarquardt(), MLP(hidden, activation), inputs=3)
    state, inputs = start_of(config), batch_of(config).inputs
    predictions, found = jacobian(config.model, state.parameters, inputs)
    np.testing.assert_array_equal(predictions, trainer_at(state, config).predict(inputs))
    np.testing.assert_allclose(found, measured_jacobian(state, config, inputs), atol=1e-8)


def damped_least_squares(state, config, batch, mu):
    """x - d with d from [sqrt(c) J; sqrt(mu) I] d = [sqrt(c) r; 0], which never makes J'J."""
    x, c = flat(state.parameters), share(config, batch)
    jacobian = measured_jacobian(state, config, batch.inputs)
    residuals = trainer_at(state, config).predict(batch.inputs).ravel() - batch.targets.ravel()
    system = np.vstack([np.sqrt(c) * jacobian, np.sqrt(mu) * np.eye(len(x))])
    return x - np.linalg.lstsq(system, np.concatenate([np.sqrt(c) * residuals, np.zeros(len(x))]), rcond=None)[0]


FIRST_STEPS = [
    (model, outputs, reduction)
    for model in (LINEAR, MLP((4,), "tanh"), MLP((3, 2), "silu"))
    for outputs in (1, 2)
    for reduction in ("mean", "sum")
]


@pytest.mark.parametrize(("model", "outputs", "reduction"), FIRST_STEPS)
def test_the_first_step_of_levenberg_marquardt_is_a_damped_least_squares_solution(model, outputs, reduction):
    config = config_of(LevenbergMarquardt(damping=1.0), model, outputs=outputs, reduction=reduction)
    state, batch = start_of(config), batch_of(config)
    trainer = trainer_at(state, config)
    assert trainer.step(batch) == loss_at(flat(state.parameters), state, config, batch)
    np.testing.assert_allclose(parameters_of(trainer), damped_least_squares(state, config, batch, 1.0), atol=1e-7)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("optimizer", "steps"), [(LevenbergMarquardt(damping=1e-12), 3), (LBFGS(), 40)])
def test_a_linear_model_comes_to_the_least_squares_solution(optimizer, steps, dtype, reduction):
    config = config_of(optimizer, LINEAR, inputs=4, reduction=reduction)
    batch, trainer = batch_of(config), trainer_at(start_of(config), config, dtype)
    for _ in range(steps):
        trainer.step(batch)
    loss, gradients = trainer.loss_and_grads(batch)
    rounding = float(np.finfo(dtype).eps)
    assert loss == pytest.approx(least_squares(config, batch), rel=100 * rounding)
    assert np.abs(flat(gradients)).max() < 100 * np.sqrt(rounding) * loss
    assert gradients["layers.0.kernel"].dtype == dtype


@pytest.mark.parametrize("rows", [1, 7, ROWS, 1000])
def test_blocks_of_rows_change_nothing_but_rounding(rows):
    whole = config_of(LevenbergMarquardt(damping=0.1))
    parts = replace(whole, optimizer=replace(whole.optimizer, block_rows=rows))
    assert whole.block_rows > ROWS
    assert parts.block_rows == rows
    found = []
    for config in (whole, parts):
        trainer = trainer_at(start_of(config), config)
        trainer.step(batch_of(config))
        found.append(parameters_of(trainer))
    np.testing.assert_allclose(found[1], found[0], rtol=1e-12)


def expected_trial(state, config, batch):
    """The step, the damping behind it and the trials that failed, by the eigenvalues of A and the trainer's other verbs."""
    c, x = config.optimizer, flat(state.parameters)
    loss, gradients = trainer_at(state, config).loss_and_grads(batch)
    jacobian = measured_jacobian(state, config, batch.inputs)
    values, vectors = np.linalg.eigh(share(config, batch) * jacobian.T @ jacobian)
    along = vectors.T @ flat(gradients) / 2
    first = c.damping * np.exp(flat(state.optimizer["damping"])[0])
    # Doubled, then multiplied by 4, by 8: the sums of 1, 2, 3, ... doublings.
    for failed, mu in enumerate(first * 2.0 ** np.cumsum(np.arange(30))):
        if mu > c.highest:
            return x, mu, failed
        trial = x - vectors @ (along / (values + mu))
        below = loss_at(trial, state, config, batch)
        if below < loss:
            # What the linear model promised is the loss less that of the residuals r - J d.
            promised = np.sum(along**2 * (values + 2 * mu) / (values + mu) ** 2)
            q = (loss - below) / promised
            return trial, max(mu * max(1 / 3, 1 - (2 * q - 1) ** 3), c.lowest), failed
    raise AssertionError("the damping never came above the highest")


def test_the_damping_falls_with_the_gain_of_a_step_and_rises_ever_faster_where_trials_fail():
    config = config_of(LevenbergMarquardt(damping=1e-4), MLP((5,), "tanh"), outputs=1)
    trainer, batch = trainer_at(start_of(config, seed=3, scale=1.5), config), batch_of(config)
    failures, changes = [], []
    for _ in range(20):
        before = damping_of(trainer)
        x, mu, failed = expected_trial(trainer.get_state(), config, batch)
        trainer.step(batch)
        assert damping_of(trainer) == pytest.approx(mu, rel=1e-4)
        np.testing.assert_allclose(parameters_of(trainer), x, rtol=1e-4, atol=1e-6)
        failures.append(failed)
        changes.append(mu / before)
    assert max(failures) >= 2
    assert min(changes) == pytest.approx(1 / 3)
    assert any(1 / 3 < change / 2 ** (n * (n + 1) / 2) < 1 for n, change in zip(failures, changes, strict=True))


def test_the_damping_falls_no_further_than_it_may():
    config = config_of(LevenbergMarquardt(damping=10.0, lowest=2.0))
    trainer, batch, dampings = trainer_at(start_of(config), config), batch_of(config), []
    for _ in range(5):
        trainer.step(batch)
        dampings.append(damping_of(trainer))
    assert dampings == pytest.approx([10 / 3, 2, 2, 2, 2])


def test_where_no_trial_is_below_nothing_changes_any_more():
    config = config_of(LevenbergMarquardt(), LINEAR)
    trainer, batch = trainer_at(start_of(config), config), batch_of(config)
    losses = [trainer.step(batch) for _ in range(40)]
    assert damping_of(trainer) > config.optimizer.highest
    before = trainer.get_state()
    assert trainer.step(batch) == losses[-1]
    after = trainer.get_state()
    assert after.step == before.step + 1
    for name, array in before.named().items():
        np.testing.assert_array_equal(after.named()[name], array)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_above_the_highest_damping_a_step_changes_nothing_however_much_there_is_to_gain(dtype):
    config = config_of(LevenbergMarquardt(highest=1.0))
    state, batch = start_of(config), batch_of(config)
    top = np.dtype(dtype).type(config.optimizer.range[1])
    for damping, stays in ((np.nextafter(top, top + 1), True), (top, False)):
        trainer = trainer_at(with_damping(state, damping), config, dtype)
        before, loss = parameters_of(trainer), trainer.loss_and_grads(batch)[0]
        assert trainer.step(batch) == loss
        assert np.array_equal(parameters_of(trainer), before) == stays
        assert (damping_of(trainer) > 0.9) == stays


def test_the_slot_is_read_from_its_first_element():
    config = config_of(LevenbergMarquardt())
    state, batch = start_of(config), batch_of(config)
    mixed = with_damping(state, 0.0)
    for array in mixed.optimizer["damping"].values():
        array.ravel()[1:] = 7.0
    mixed.optimizer["damping"]["layers.0.bias"][:] = 7.0
    found = []
    for given_state in (with_damping(state, 0.0), mixed):
        trainer = trainer_at(given_state, config)
        trainer.step(batch)
        found.append(flat(trainer.get_state().named()))
    np.testing.assert_array_equal(found[1], found[0])


@pytest.mark.parametrize("optimizer", [LevenbergMarquardt(), LBFGS()])
def test_from_a_loss_that_is_not_finite_nothing_is_below(optimizer):
    config = config_of(optimizer)
    state, batch = start_of(config), batch_of(config)
    batch.targets[3, 1] = np.nan
    trainer = trainer_at(state, config)
    assert np.isnan(trainer.step(batch))
    np.testing.assert_array_equal(parameters_of(trainer), flat(state.parameters))
    if isinstance(optimizer, LevenbergMarquardt):
        # Doubled 1 + 2 + ... + 9 times, 1e-3 comes above 1e10.
        assert damping_of(trainer) == pytest.approx(1e-3 * 2.0**45)
    else:
        assert not flat(trainer.get_state().named())[len(flat(state.parameters)) :].any()


def test_a_trial_whose_loss_is_nan_fails():
    """Two units that cancel, so weak that the undamped step makes both overflow: infinity less infinity."""
    weak, large = 1e-300, 1e150
    config = config_of(
        LevenbergMarquardt(damping=1e-303, lowest=1e-305, highest=1e-302), MLP((2,), "identity"), inputs=1, outputs=1
    )
    zero = zero_state(config, "float64")
    kernels = {"layers.0.kernel": np.array([[weak, weak]]), "layers.1.kernel": np.array([[weak], [-weak]])}
    state = replace(zero, parameters={**zero.parameters, **kernels})
    batch = Batch(np.array([[large], [-large]]), np.array([[1e10], [-1e10]]))
    # Each weight moves by r times its derivative, over the curvature of all four and the damping.
    moved = 1e10 * weak * large / (4 * (weak * large) ** 2 + 1e-303)
    first = {"layers.0.kernel": np.array([[moved, -moved]]), "layers.1.kernel": np.array([[moved], [moved]])}
    assert np.isnan(loss_at(flat({**state.parameters, **first}), state, config, batch))
    trainer = trainer_at(state, config)
    assert trainer.step(batch) == 1e20
    np.testing.assert_array_equal(parameters_of(trainer), flat(state.parameters))
    assert damping_of(trainer) == pytest.approx(64e-303)


def test_a_matrix_without_a_cholesky_factor_is_a_failed_trial():
    """Twice the same column of ones and minus ones: in A a pivot is exactly 0 until 1 + mu is above 1."""
    config = config_of(LevenbergMarquardt(damping=1e-30, lowest=1e-30), LINEAR, outputs=1)
    signs = np.array([[1.0], [-1.0], [1.0], [-1.0]])
    trainer = trainer_at(zero_state(config, "float64"), config)
    trainer.step(Batch(np.hstack([signs, signs]), signs + 1))
    first = next(mu for mu in 1e-30 * 2.0 ** np.cumsum(np.arange(30)) if 1 + mu > 1)
    # The whole of what was promised is gained, to rounding.
    assert damping_of(trainer) == pytest.approx(first / 3)
    np.testing.assert_allclose(parameters_of(trainer), [0.5, 0.5, 1.0], rtol=0.2)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("optimizer", [LevenbergMarquardt(damping=1e-12), LBFGS()])
def test_with_doubled_columns_and_dead_units_it_trains_on(optimizer, dtype):
    config = config_of(optimizer, MLP((6,), "relu"))
    state, batch = start_of(config), batch_of(config)
    batch.inputs[:, 1] = batch.inputs[:, 0]
    state.parameters["layers.0.kernel"][:, :2] = 0
    state.parameters["layers.0.bias"][:2] = -1
    trainer = trainer_at(state, config, dtype)
    losses = [trainer.step(batch) for _ in range(20)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.9 * losses[0]
    assert np.isfinite(flat(trainer.get_state().named())).all()


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from([LevenbergMarquardt(), LevenbergMarquardt(damping=1e-8), LBFGS(), LBFGS(memory=1)]),
    st.sampled_from([LINEAR, MLP((4,), "tanh"), MLP((3, 3), "relu"), MLP((4,), "gelu")]),
    st.sampled_from(["mean", "sum"]),
    st.sampled_from(["float64", "float32"]),
    st.integers(0, 10**6),
)
def test_the_loss_never_rises(optimizer, model, reduction, dtype, seed):
    config = config_of(optimizer, model, reduction=reduction)
    batch, trainer = batch_of(config, seed), trainer_at(start_of(config, seed), config, dtype)
    losses = [trainer.step(batch) for _ in range(15)]
    assert losses == sorted(losses, reverse=True)


def pairs_of(state):
    """The pairs that are there, the newest first."""
    slots = {name: flat(arrays) for name, arrays in state.optimizer.items()}
    pairs = [(slots[f"s.{i}"], slots[f"y.{i}"]) for i in range(len(slots) // 2)]
    return [(s, y) for s, y in pairs if s.any() or y.any()]


def dense_direction(g, pairs):
    """-H g with H the (P, P) matrix of BFGS (Nocedal and Wright 2006, eq. 6.17), from the oldest pair to the newest."""
    identity = np.eye(len(g))
    h = identity * (pairs[0][0] @ pairs[0][1] / (pairs[0][1] @ pairs[0][1]) if pairs else min(1, 1 / np.abs(g).sum()))
    for s, y in reversed(pairs):
        rho = 1 / (s @ y)
        left = identity - rho * np.outer(s, y)
        h = left @ h @ left.T + rho * np.outer(s, s)
    return -h @ g


def first_length(state, config, batch, d):
    """The first length along d of those that the search looks at which meets both conditions."""
    c, x = config.optimizer, flat(state.parameters)

    def along(a):
        loss, gradients = trainer_at(at(x + a * d, state), config).loss_and_grads(batch)
        return loss, flat(gradients) @ d

    def look(a, low, high, trials):
        assert trials
        here, there = along(0), along(a)
        if there[0] > here[0] + c.c1 * a * here[1]:
            return look((low + a) / 2, low, a, trials - 1)
        if there[1] < c.c2 * here[1]:
            return look((a + high) / 2 if high else 2 * a, a, high, trials - 1)
        return a

    return look(1.0, 0.0, None, c.most_trials)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("optimizer", [LBFGS(), LBFGS(memory=2), LBFGS(memory=3, c1=0.3, c2=0.4)])
def test_each_step_of_lbfgs_is_a_length_along_the_direction_of_the_dense_formula(optimizer, reduction):
    config = config_of(optimizer, MLP((5,), "tanh"), reduction=reduction)
    trainer, batch, lengths = trainer_at(start_of(config, scale=1.5), config), batch_of(config), set()
    for i in range(25):
        state = trainer.get_state()
        x, pairs = flat(state.parameters), pairs_of(state)
        assert len(pairs) == min(i, optimizer.memory)
        loss, gradients = trainer.loss_and_grads(batch)
        g = flat(gradients)
        d = dense_direction(g, pairs)
        a = first_length(state, config, batch, d)
        assert trainer.step(batch) == loss
        s = parameters_of(trainer) - x
        np.testing.assert_allclose(s, a * d, rtol=1e-7, atol=1e-9 * np.abs(s).max())
        new_loss, new_gradients = trainer.loss_and_grads(batch)
        assert new_loss <= loss + optimizer.c1 * (g @ s)
        assert flat(new_gradients) @ s >= optimizer.c2 * (g @ s)
        (newest_s, newest_y), *older = pairs_of(trainer.get_state())
        np.testing.assert_allclose(newest_s, s, atol=4 * EPS * np.abs(x).max())
        np.testing.assert_array_equal(newest_y, flat(new_gradients) - g)
        np.testing.assert_array_equal(older, pairs[: optimizer.memory - 1])
        lengths.add(a)
    assert min(lengths) < 1 < max(lengths)


def test_where_no_length_will_do_all_pairs_are_dropped():
    config = config_of(LBFGS(memory=3))
    trainer, batch = trainer_at(start_of(config), config), batch_of(config)
    for _ in range(4):
        trainer.step(batch)
    kept = trainer.get_state()
    impatient = trainer_at(kept, replace(config, optimizer=LBFGS(memory=3, c1=0.998, c2=0.999, most_trials=1)))
    impatient.step(batch)
    behind = impatient.get_state()
    np.testing.assert_array_equal(flat(behind.parameters), flat(kept.parameters))
    assert pairs_of(kept)
    assert not pairs_of(behind)
    assert behind.step == kept.step + 1


def test_a_gradient_below_one_is_the_first_direction_as_it_is():
    config = config_of(LBFGS())
    state, batch = start_of(config), batch_of(config)
    trainer = trainer_at(state, config)
    batch = Batch(batch.inputs, trainer.predict(batch.inputs) + 1e-3 * batch.targets)
    g = flat(trainer.loss_and_grads(batch)[1])
    trainer.step(batch)
    assert np.abs(g).sum() < 1
    expected = flat(state.parameters) - first_length(state, config, batch, -g) * g
    np.testing.assert_allclose(parameters_of(trainer), expected, rtol=1e-12)


def test_no_more_lengths_are_tried_than_may_be():
    config = config_of(LBFGS(), LINEAR)
    state, batch = start_of(config, scale=100.0), batch_of(config)
    g = flat(trainer_at(state, config).loss_and_grads(batch)[1])
    doublings = int(np.log2(first_length(state, config, batch, -g / np.abs(g).sum())))
    assert doublings >= 1
    for trials, moves in ((doublings, False), (doublings + 1, True)):
        trainer = trainer_at(state, replace(config, optimizer=LBFGS(most_trials=trials)))
        trainer.step(batch)
        assert np.array_equal(parameters_of(trainer), flat(state.parameters)) != moves


def test_an_infinite_loss_is_no_better_than_another():
    """A bias, 1.7e154 from its target, whose pair brings it 12% nearer: both squares overflow, and the slope is less."""
    config = config_of(LBFGS(memory=1), LINEAR, inputs=1, outputs=1)
    zero, pair = zero_state(config, "float64"), {"s.0": 0.12, "y.0": 2.0}
    slots = {slot: {**zero.optimizer[slot], "layers.0.bias": np.array([value])} for slot, value in pair.items()}
    trainer = trainer_at(replace(zero, optimizer=slots), config)
    batch = Batch(np.zeros((1, 1)), np.array([[1.7e154]]))
    assert np.isinf(trainer.step(batch))
    assert not flat(trainer.get_state().named()).any()


def test_at_a_minimum_lbfgs_stays_and_keeps_its_pairs():
    config = config_of(LBFGS(memory=3))
    trainer, batch = trainer_at(start_of(config), config), batch_of(config)
    for _ in range(4):
        trainer.step(batch)
    before = trainer.get_state()
    assert len(pairs_of(before)) == 3
    assert trainer.step(Batch(batch.inputs, trainer.predict(batch.inputs))) == 0
    np.testing.assert_array_equal(flat(trainer.get_state().named()), flat(before.named()))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("optimizer", [LevenbergMarquardt(), LBFGS(memory=3)])
def test_with_a_solver_the_oracle_conforms(optimizer, check):
    for case in solver_cases(registry.load("numpy"), optimizer):
        check(case)


@pytest.mark.parametrize("optimizer", [LevenbergMarquardt(), LBFGS()])
def test_a_run_goes_on_from_its_state_as_if_it_had_not_stopped(optimizer):
    config = config_of(optimizer, steps=12)
    batch, order = batch_of(config), BatchOrder(12)
    data = Data(batch.inputs, batch.targets)
    whole = trainer_at(start_of(config), config).fit(data, order).final
    state: State = start_of(config)
    for part in (order.part(0, 5), order.part(5, 12)):
        trainer = trainer_at(state, config)
        trainer.fit(data, part)
        state = trainer.get_state()
    assert state.optimizer.keys() == zero_state(config, "float64").optimizer.keys() == set(optimizer.slots)
    for name, array in whole.named().items():
        np.testing.assert_array_equal(state.named()[name], array)
