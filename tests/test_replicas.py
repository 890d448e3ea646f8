"""Replicas: every rounding is made anew, and nothing else is changed."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parity import registry
from parity.contract import (
    MLP,
    SGD,
    Adam,
    BatchOrder,
    Cosine,
    Data,
    Loss,
    Model,
    RegularizedMLP,
    State,
    TrainingConfig,
    zero_state,
)
from parity.ladder.gap import gaps, identical
from parity.ladder.replicas import Given, disturb, draw_units, permuted, tensor_axes

MODELS = st.builds(MLP, st.lists(st.integers(1, 5), max_size=3).map(tuple), st.just("tanh")) | st.builds(
    RegularizedMLP, st.lists(st.integers(1, 5), max_size=2).map(tuple), st.just("tanh"), dropout=st.sampled_from([0.0, 0.3])
)  # fmt: skip
OPTIMIZERS = st.sampled_from([SGD(0.1), SGD(0.1, momentum=0.9), Adam(1e-2)])


@st.composite
def configs(draw):
    """A small network of either kind."""
    inputs, outputs, steps = (draw(st.integers(1, most)) for most in (4, 3, 4))
    return TrainingConfig(draw(MODELS), inputs, outputs, Loss(), draw(OPTIMIZERS), Cosine(), None, steps)


@st.composite
def starts(draw, dtypes=("float32", "float64")):
    """A config and a start of it in which some numbers are exactly 0."""
    config, dtype, full_batch = draw(configs()), draw(st.sampled_from(dtypes)), draw(st.booleans())
    return config, start(config, dtype, full_batch, draw(st.integers(0, 99)))


def start(config, dtype, full_batch, seed=0, signs=(-1.0, 0.0, 1.0, 1.0), count=7, batch=4):
    random = np.random.default_rng(seed)

    def numbers(*shape):
        return (random.uniform(0.2, 2.0, shape) * random.choice(signs, shape)).astype(dtype)

    zero = zero_state(config, dtype)
    parameters = {name: numbers(*array.shape) for name, array in zero.parameters.items()}
    buffers = {name: abs(numbers(*array.shape)) + 1 for name, array in zero.buffers.items()}
    slots = {
        slot: {name: abs(numbers(*array.shape)) for name, array in arrays.items()}
        for slot, arrays in zero.optimizer.items()
    }
    train, held_out = (Data(numbers(count, config.inputs), numbers(count, config.outputs)) for _ in range(2))
    rows = np.stack([random.permutation(count)[:batch] for _ in range(config.steps)]).astype(np.int32)
    masked = count if full_batch else batch
    masks = {n: random.random((config.steps, masked, width)) < 0.7 for n, width in config.model.masks().items()}
    order = BatchOrder(config.steps, None if full_batch else rows, masks)
    return Given(State(parameters, buffers, slots), train, held_out, order)


def are_ulps_away(original, replica, ulps=1):
    """Each element up or down by so many units in the last place; an exact zero as it was."""
    up = down = original
    for _ in range(ulps):
        up, down = (np.nextafter(each, original.dtype.type(end)) for each, end in ((up, np.inf), (down, -np.inf)))
    moved = (replica == up) | (replica == down)
    return original.dtype == replica.dtype and bool(np.where(original == 0, replica == 0, moved).all())


def are_a_unit_away(original, replica, unit):
    """All elements, zeros too, up or down by the unit of their column."""
    return original.dtype == replica.dtype and bool(((replica == original + unit) | (replica == original - unit)).all())


quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


@quick
@given(starts(), st.integers(0, 99), st.sampled_from((1, 4)))
def test_restoring_undoes_the_permutations_and_leaves_the_ulps(made, seed, ulps):
    config, given = made
    replica = disturb(given, config, seed, ulps)
    state = replica.restore_state(replica.given.state)
    assert state.named().keys() == given.state.named().keys()
    assert state.step == given.state.step
    for name, array in given.state.named().items():
        assert are_ulps_away(array, state.named()[name], ulps), name
    # Leading axes, as those of a history, stay in front.
    stacked = {name: np.stack([array] * 3) for name, array in replica.given.state.parameters.items()}
    for name, array in replica.restore(stacked).items():
        assert identical({"": state.parameters[name]}, {"": array[1]}).size == 0
    targets = replica.restore_predictions(replica.given.train.targets)
    unit = ulps * np.spacing(np.abs(given.train.targets).max(axis=0))
    assert are_a_unit_away(given.train.targets, targets, unit)


@quick
@given(starts(), st.integers(0, 99))
def test_every_batch_holds_the_same_rows_and_masks(made, seed):
    config, given = made
    replica = disturb(given, config, seed)
    inputs = np.argsort(replica.units["inputs"])
    for step in range(config.steps):
        mine, theirs = given.batch(step), replica.given.batch(step)
        back = np.argsort(replica.within[min(step, len(replica.within) - 1)])
        assert are_ulps_away(mine.inputs, theirs.inputs[back][:, inputs])
        unit = np.spacing(np.abs(given.train.targets).max(axis=0))
        assert are_a_unit_away(mine.targets, replica.restore_batch(theirs.targets, step), unit)
        for name, axis in config.model.mask_axes().items():
            assert (mine.masks[name] == theirs.masks[name][back][:, np.argsort(replica.units[axis])]).all()


@quick
@given(starts(), st.integers(0, 99))
def test_the_same_seed_gives_the_same_replica(made, seed):
    config, given = made
    one, same = (disturb(given, config, seed) for _ in range(2))
    assert identical(everything(one), everything(same)).size == 0


def everything(replica):
    given = replica.given
    return {**given.state.named(), "inputs": given.train.inputs, "targets": given.train.targets, **given.order.named(),
            "held out": given.held_out.inputs, "rows moved": replica.rows, "within": replica.within}  # fmt: skip


def test_replicas_of_different_seeds_differ_in_everything_that_has_another_order():
    config = TrainingConfig(MLP((5, 4), "tanh"), 3, 2, Loss(), Adam(), Cosine(), None, 3)
    given = start(config, "float64", full_batch=False, signs=(-1.0, 1.0))
    one, *others = (everything(disturb(given, config, seed)) for seed in range(9))
    assert {name for name in one if all((one[name] == other[name]).all() for other in others)} == set()


def test_both_directions_are_taken():
    config = TrainingConfig(MLP((5, 4), "tanh"), 3, 2, Loss(), Adam(), Cosine(), None, 3)
    given = start(config, "float32", full_batch=True)
    replica = disturb(given, config, 0)
    moved = np.concatenate([
        np.sign(replica.restore_state(replica.given.state).named()[name].astype("float64") - array).ravel()
        for name, array in given.state.named().items()
    ])  # fmt: skip
    assert set(moved) == {-1.0, 0.0, 1.0}
    assert abs(moved.sum()) < 0.4 * len(moved)


def run(name, config, given):
    trainer = registry.load(name).trainer(config, device="cpu", mode=registry.load(name).modes[0], dtype="float64")
    trainer.set_state(given.state)
    batch = given.batch(0)
    return {
        "evaluation": trainer.predict(given.train.inputs),
        "training": trainer.predict(batch.inputs, training=True, masks=batch.masks),
    }, trainer.fit(given.train, given.order, checkpoints_at=(0, config.steps))


def restored(replica, seen):
    predictions, history = seen
    return {
        "evaluation": replica.restore_predictions(predictions["evaluation"]),
        "training": replica.restore_batch(predictions["training"], 0),
    }, replace(history, final=replica.restore_state(history.final), parameters=replica.restore(history.parameters))


def named(seen):
    predictions, history = seen
    return {**predictions, "losses": history.losses, **history.final.named()} | {
        f"kept {name}": kept for name, kept in history.parameters.items()
    }


@pytest.mark.parametrize("full_batch", [False, True], ids=["mini-batch", "full batch"])
@pytest.mark.parametrize(
    "model", [MLP((5, 4), "tanh"), MLP((), "tanh"), RegularizedMLP((5, 4), "silu", dropout=0.3)], ids=str
)
@pytest.mark.parametrize("name", ["numpy", "torch"])
def test_in_exact_arithmetic_a_replica_is_the_same_run(name, model, full_batch):
    config = TrainingConfig(model, 3, 2, Loss(), Adam(1e-2), Cosine(), 1.0, 6)
    given = start(config, "float64", full_batch, signs=(-1.0, 1.0))
    original = run(name, config, given)
    for seed in range(4):
        replica = disturb(given, config, seed)
        seen = run(name, config, replica.given)
        apart = gaps(named(original), named(restored(replica, seen)))
        # What is only rounding is millions of times below any difference of meaning, such as another order of units.
        assert max(gap.relative for gap in apart.values()) < 1e-11
        if model.hidden:
            unrestored = gaps(named(original), named(seen))
            assert unrestored["layers.0.kernel"].relative > 1e-2


@pytest.mark.parametrize("model", get_args(Model), ids=lambda model: model.__name__)
def test_the_axes_of_a_model_are_its_symmetries(model):
    config = TrainingConfig(model((5, 4), "tanh"), 3, 2, Loss(), Adam(), Cosine(), None, 2)
    given = start(config, "float64", full_batch=False)
    trainer = registry.load("numpy").trainer(config, device="cpu", mode="loop", dtype="float64")
    batch, axes = given.batch(0), tensor_axes(config)
    mask_axes = config.model.mask_axes()

    def predictions(axes, mask_axes, units):
        move = (permuted(arrays, axes, units) for arrays in (given.state.parameters, given.state.buffers))
        trainer.set_state(State(*move, given.state.optimizer))
        masks = {n: mask[:, units[mask_axes[n]]] if n in mask_axes else mask for n, mask in batch.masks.items()}
        found = [
            trainer.predict(batch.inputs[:, units["inputs"]]),
            trainer.predict(batch.inputs[:, units["inputs"]], training=True, masks=masks),
        ]
        return {str(i): each[:, np.argsort(units["outputs"])] for i, each in enumerate(found)}

    as_they_are = {axis: np.arange(len(units)) for axis, units in draw_units(config, np.random.default_rng(0)).items()}
    assert set(as_they_are) == {axis for each in axes.values() for axis in each} | set(mask_axes.values())
    expected = predictions(axes, mask_axes, as_they_are)
    for axis, places in as_they_are.items():
        turned = {**as_they_are, axis: np.roll(places, 1)}
        found = predictions(axes, mask_axes, turned)
        assert max(gap.relative for gap in gaps(expected, found).values()) < 1e-13, axis
        # A declaration that forgets the axis in any one tensor or mask is no symmetry.
        for tensor in (name for name, its in axes.items() if axis in its):
            short = {**axes, tensor: tuple("none" if each == axis else each for each in axes[tensor])}
            none = {**turned, "none": places}
            wrong = predictions(short, mask_axes, none)
            assert max(gap.relative for gap in gaps(expected, wrong).values()) > 1e-6, (axis, tensor)
