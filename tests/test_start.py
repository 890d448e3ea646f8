"""Everything a run starts from: split, scaling, weights, order and masks, drawn once and told by their hashes."""

from dataclasses import replace
from math import ceil

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from parity.contract import MLP, RegularizedMLP
from parity.problems import find, recipe
from parity.start import draw, draw_order, split

# Every part of a start is in use: mini-batches, buffers and masks.
POLAR = recipe("polar", rows=100, epochs=5, batch_size=16)


def test_the_asked_split_is_the_one_of_scikit_learn():
    held_out, train = split(recipe("paraboloid"), find("paraboloid"))
    expected_train, expected_held_out = train_test_split(np.arange(1000), test_size=0.15, random_state=42)
    np.testing.assert_array_equal(held_out, expected_held_out)
    np.testing.assert_array_equal(train, expected_train)


@settings(deadline=None)
@given(
    rows=st.integers(4, 700),
    held_out=st.floats(0.01, 0.99),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_split_is_the_one_of_scikit_learn(rows, held_out, seed):
    assume(2 <= ceil(rows * held_out) <= rows - 2)
    mine = split(recipe("paraboloid", rows=rows, held_out=held_out, split_seed=seed), find("paraboloid"))
    train, test = train_test_split(np.arange(rows), test_size=held_out, random_state=seed)
    np.testing.assert_array_equal(mine[0], test)
    np.testing.assert_array_equal(mine[1], train)


def changed(experiment, **changes):
    """The parts of the start that a change of the experiment changes."""
    before, after = draw(experiment).hashes, draw(replace(experiment, **changes)).hashes
    return {part for part in before if before[part] != after[part]}


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({}, set()),
        ({"seed": 1}, {"parameters", "order", "masks"}),
        ({"data_seed": 1}, {"data"}),
        ({"split_seed": 1}, {"split"}),
        ({"clip_norm": 1.0}, {"config"}),
        ({"epochs": 6}, {"order", "masks", "config"}),
        ({"model": RegularizedMLP(activation="tanh")}, {"config"}),
        ({"model": RegularizedMLP(hidden=(16, 8))}, {"parameters", "buffers", "masks", "config"}),
        ({"target_r2": 0.5, "contender": ("numpy",)}, set()),
    ],
)
def test_a_hash_changes_with_what_it_covers_and_nothing_else(changes, parts):
    assert changed(POLAR, **changes) == parts


def test_a_seed_changes_no_row_and_every_kernel():
    one, other = draw(POLAR), draw(replace(POLAR, seed=1))
    np.testing.assert_array_equal(one.train.inputs, other.train.inputs)
    np.testing.assert_array_equal(one.held_out.targets, other.held_out.targets)
    for name in ("layers.0.kernel", "layers.1.kernel", "layers.2.kernel"):
        assert not np.isclose(one.state.parameters[name], other.state.parameters[name]).any()


def test_a_layer_is_drawn_alike_whatever_stands_behind_it():
    short, long = (draw(recipe("paraboloid", model=MLP(hidden=hidden))) for hidden in [(8,), (8, 4)])
    np.testing.assert_array_equal(short.state.parameters["layers.0.kernel"], long.state.parameters["layers.0.kernel"])


@pytest.mark.parametrize(("initializer", "deviation"), [("lecun_normal", 1.0), ("he_normal", 2.0**0.5)])
def test_a_normal_initializer_has_its_deviation(initializer, deviation):
    start = draw(recipe("paraboloid", model=MLP(hidden=(200, 200), initializer=initializer)))
    kernel = start.state.parameters["layers.1.kernel"]
    # 40,000 draws: their deviation is 0.35 % off in one standard error.
    assert kernel.std() * 200**0.5 == pytest.approx(deviation, rel=0.02)
    assert abs(kernel.mean()) * 200**0.5 < 0.02
    assert not start.state.parameters["layers.1.bias"].any()


def test_the_default_initializer_fills_its_range():
    parameters = draw(recipe("paraboloid", model=MLP(hidden=(200, 200)))).state.parameters
    for name in ("layers.1.kernel", "layers.1.bias"):
        largest = np.abs(parameters[name]).max() * 200**0.5
        assert 0.97 < largest <= 1.0


def test_scaling_knows_the_training_rows_alone():
    start = draw(recipe("paraboloid"))
    for columns in (start.train.inputs, start.train.targets):
        np.testing.assert_allclose(columns.mean(axis=0), 0.0, atol=1e-14)
        np.testing.assert_allclose(columns.std(axis=0), 1.0, rtol=1e-14)
    # The held-out rows are on the same scale, and so are not standard themselves.
    own = (start.truth.inputs - start.train_truth.inputs.mean(axis=0)) / start.train_truth.inputs.std(axis=0)
    np.testing.assert_allclose(start.held_out.inputs, own, rtol=1e-14)
    assert np.abs(start.held_out.inputs.mean(axis=0)).max() > 1e-3
    np.testing.assert_allclose(start.targets.from_network(start.held_out.targets), start.truth.targets, rtol=1e-13)


def test_rows_are_left_as_they_are_where_asked():
    start = draw(recipe("paraboloid", standardize=False))
    np.testing.assert_array_equal(start.train.inputs, start.train_truth.inputs)
    np.testing.assert_array_equal(start.held_out.targets, start.truth.targets)
    assert 0 <= start.train.inputs.min() <= start.train.inputs.max() <= 1


def test_classes_are_not_scaled():
    start = draw(recipe("rings"))
    assert set(np.unique(start.train.targets)) == {0.0, 1.0}
    np.testing.assert_allclose(start.train.inputs.std(axis=0), 1.0, rtol=1e-14)


def test_a_start_is_rounded_once():
    start = draw(POLAR)
    state, train, held_out = start.cast("float32")
    np.testing.assert_array_equal(train.inputs, start.train.inputs.astype(np.float32))
    np.testing.assert_array_equal(held_out.targets, start.held_out.targets.astype(np.float32))
    arrays = [*state.parameters.values(), *state.buffers.values(), *state.optimizer["first_moment"].values()]
    assert {array.dtype for array in [*arrays, train.targets]} == {np.dtype(np.float32)}


batched = st.builds(
    lambda rows, share, epochs, rule: recipe(
        "paraboloid",
        rows=rows,
        batch_size=max(1, int(share * (rows - ceil(rows * 0.15)))),
        epochs=epochs,
        last_batch=rule,
    ),
    rows=st.integers(14, 200),
    share=st.floats(0.01, 1.0),
    epochs=st.integers(1, 6),
    rule=st.sampled_from(["drop", "wrap"]),
)


@settings(deadline=None)
@given(batched)
def test_an_epoch_never_repeats_a_row(experiment):
    train, batch = experiment.train_rows, experiment.batch_size
    order = draw_order(experiment)
    seen = order.rows.ravel()
    assert order.rows.shape == (experiment.steps, batch) == (order.steps, batch)
    assert order.rows.dtype == np.int32
    if experiment.last_batch == "drop":
        # Whole batches alone; the rows of the short one sit out.
        assert len(seen) == experiment.epochs * (train - train % batch)
        epochs = np.split(seen, experiment.epochs)
    else:
        # Epoch after epoch without a gap; less than a batch is left at the end of the run.
        assert 0 <= experiment.epochs * train - len(seen) < batch
        epochs = np.split(seen, range(train, len(seen), train))
        assert all(len(epoch) == train for epoch in epochs[:-1])
    for epoch in epochs:
        assert len(np.unique(epoch)) == len(epoch)
        assert set(epoch) <= set(range(train))


def test_every_epoch_has_an_order_of_its_own():
    order = draw_order(recipe("paraboloid", rows=100, batch_size=17, epochs=3))
    first, second, third = order.rows.reshape(3, 85)
    assert sorted(first) == sorted(second) == sorted(third) == list(range(85))
    assert len({tuple(epoch) for epoch in (first, second, third, np.arange(85))}) == 4


def test_the_full_batch_keeps_its_order():
    order = draw_order(recipe("paraboloid", epochs=7))
    assert order.rows is None
    assert order.steps == 7


@pytest.mark.parametrize("dropout", [0.05, 0.5])
def test_masks_keep_their_share(dropout):
    experiment = replace(POLAR, epochs=40, model=RegularizedMLP(hidden=(16, 8), dropout=dropout))
    masks = draw_order(experiment).masks
    assert {name: mask.shape for name, mask in masks.items()} == {
        "dropouts.0": (experiment.steps, 16, 16),
        "dropouts.1": (experiment.steps, 16, 8),
    }
    for mask in masks.values():
        assert mask.dtype == bool
        error = (dropout * (1 - dropout) / mask.size) ** 0.5
        assert mask.mean() == pytest.approx(1 - dropout, abs=5 * error)
        assert (mask[0] != mask[1]).any()
    assert (masks["dropouts.0"][..., :8] != masks["dropouts.1"]).any()


def test_no_dropout_needs_no_mask():
    assert draw_order(replace(POLAR, model=RegularizedMLP(dropout=0.0))).masks == {}
