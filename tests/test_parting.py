"""Where two runs part: a fault that is planted at one step is placed there, in its stage and in its tensor."""

from dataclasses import replace

import climbing
import numpy as np
import pytest
from climbing import broken_at, by, climb, subject, wrong

import parity
from benchmarks.faults.healthy import backends, start_of, subject_of
from benchmarks.faults.planted import row_of
from parity.contender import Contender
from parity.contract import MLP, Adam, BatchOrder, RegularizedMLP
from parity.ladder.parting import on_the_way
from parity.ladder.trajectory import follow

EXPERIMENT = parity.recipe(
    "polar", rows=60, epochs=16, batch_size=16, model=MLP((6, 5), "tanh"), optimizer=Adam(learning_rate=1e-2)
)
STATEFUL = replace(EXPERIMENT, model=RegularizedMLP((6, 5), dropout=0.2))
KERNEL, BIAS = "layers.1.kernel", "layers.2.bias"


def another_batch(at):
    """The run is fed, at one step, with the rows of the step behind it."""

    def change(order):
        rows = order.rows.copy()
        rows[at - 1] = rows[at]
        return BatchOrder(order.steps, rows, order.masks)

    return climbing.in_fit(change_order=change)


def a_wrong_loss_told(at):
    """One loss is told too large; nothing is computed with it."""

    def change(history, watched):
        losses = history.losses.copy()
        if len(losses) >= at:
            losses[at - 1] *= 1.01
        return replace(history, losses=losses)

    return climbing.in_fit(change_history=change)


def a_checkpoint_one_late(trainer):
    """Every checkpoint but the first and the last shows the parameters of the next one."""

    def change(history, watched):
        kept = {name: np.concatenate([a[:1], a[2:], a[-1:]]) for name, a in history.parameters.items()}
        return replace(history, parameters=kept)

    climbing.in_fit(change_history=change)(trainer)


def shifted(state):
    """A running statistic that is a hundredth off."""
    return replace(state, buffers=climbing.times(state.buffers, "norms.1.var", 1.01))


def in_parameter(at):
    return climbing.behind_step(at, climbing.scaled(KERNEL, 1.001))


def in_gradient(at):
    return climbing.in_gradient(at, lambda gradients: climbing.times(gradients, KERNEL, 1.01))


def in_slot(at):
    return climbing.behind_step(at, climbing.scaled(KERNEL, 1.01, slot="second_moment"))


def in_statistic(at):
    return climbing.behind_step(at, shifted)


SLOT = f"second_moment of {KERNEL}"
# The fault, the experiment, then stage and tensor where it belongs.
FAULTS = [
    (in_parameter, EXPERIMENT, "optimizer", KERNEL),
    (in_gradient, EXPERIMENT, "gradient", KERNEL),
    (in_slot, EXPERIMENT, "optimizer", SLOT),
    (in_statistic, STATEFUL, "state", "norms.1.var"),
    (another_batch, EXPERIMENT, "data", "loss"),
    (a_wrong_loss_told, EXPERIMENT, "reporting", "loss"),
]


@pytest.mark.parametrize(("at", "dtype"), [(1, "float64"), (3, "float64"), (29, "float64"), (29, "float32")])
@pytest.mark.parametrize(("plant", "experiment", "stage", "tensor"), FAULTS, ids=[each[0].__name__ for each in FAULTS])
def test_a_fault_at_one_step_is_placed(plant, experiment, stage, tensor, at, dtype):
    pair = climb(subject(experiment, dtype=dtype), wrong(experiment, plant(at), dtype))
    assert pair.verdict == "different", pair.summary
    assert (pair.parted.step, pair.parted.stage, pair.parted.tensor) == (at, stage, tensor), pair.summary
    assert pair.parted.gap > 0
    assert pair.parted.where.startswith(tensor)
    assert f"step {at}, {stage}, {tensor}" in pair.parted.text
    alone = stage in ("data", "reporting")
    rungs = {1: "gradients" if stage == "gradient" else "step", 3: "step"}
    assert broken_at(pair) == ["trajectory" if alone else rungs.get(at, "trajectory")]
    # What a run does otherwise than its own steps needs no third voice.
    assert pair.parted.culprit == (f"wrong:cpu:loop:{dtype}" if alone else "")


def test_checkpoints_of_another_step_are_a_fault_of_reporting():
    pair = climb(subject(EXPERIMENT), wrong(EXPERIMENT, a_checkpoint_one_late))
    assert (pair.verdict, pair.parted.stage) == ("different", "reporting"), pair.summary
    assert pair.parted.culprit == "wrong:cpu:loop:float64"
    assert pair.parted.tensor.startswith("layers.")


def test_what_is_carried_beside_the_state_is_a_fault_of_the_state():
    """A rate that falls by a count of its own: no step shows it that starts from a given state."""
    row = row_of(("rate_by_a_count_of_its_own", 1))
    assert (row["rung"], row["where"], row["causes"]) == ("trajectory", "step 72, loss", ("state.hidden",))


def test_rounding_that_parts_a_run_from_its_own_steps_is_no_fault_of_the_run():
    """Saturated units and a wild rate: JAX compiles a run and a step of its own each, and both are right."""
    with backends():
        start = start_of(8_000_039)
        names = ("torch", "cpu", "eager", "float32"), ("jax", "cpu", "step", "float32")
        pair = [subject_of(Contender(*name), start, by(3.0, replicas=16)) for name in names]
        followed = follow(*pair)
        assert followed.excess is not None
        assert on_the_way(*pair, followed) is None


def test_a_drift_below_the_resolution_of_a_step_is_found_over_many():
    """A unit in the last place or two in each step: no step alone shows it in float32, and in float64 every one does."""

    def creep(state):
        moved = state.parameters["layers.0.kernel"] + np.asarray(1e-7, "float32")
        return replace(state, parameters={**state.parameters, "layers.0.kernel": moved})

    plant = climbing.behind_step(None, creep)
    long = replace(EXPERIMENT, epochs=60)
    # What a step can resolve depends on the factor.
    by_two = by(2.0, replicas=16)
    pair = climb(subject(long, dtype="float32", calibration=by_two), wrong(long, plant, "float32"))
    assert (pair.verdict, pair.parted.stage) == ("different", "drift"), pair.summary
    assert broken_at(pair) == ["trajectory"]
    assert "layers.0" in pair.parted.tensor
    pair = climb(subject(long), wrong(long, plant))
    assert (pair.parted.step, pair.parted.stage, pair.parted.tensor) == (1, "optimizer", "layers.0.kernel")


def test_a_fault_of_the_reference_is_placed_as_well():
    reference = subject(EXPERIMENT, "wrong", backend="numpy", plant=another_batch(11))
    pair = climb(reference, subject(EXPERIMENT))
    assert (pair.parted.step, pair.parted.stage) == (11, "data"), pair.summary
    assert pair.parted.culprit == "wrong:cpu:loop:float64"


def exchanged(state):
    """The two moments under each other's name."""
    first, second = (state.optimizer[slot] for slot in ("first_moment", "second_moment"))
    return replace(state, optimizer={"first_moment": second, "second_moment": first})


def test_moments_under_each_others_names_part_the_two_though_one_can_not_go_on_from_the_others():
    """A first moment has negative elements, and a root is taken of the second."""

    def plant(trainer):
        get, put = trainer.get_state, trainer.set_state
        trainer.get_state, trainer.set_state = lambda: exchanged(get()), lambda state: put(exchanged(state))

    with np.errstate(invalid="ignore"):
        pair = climb(subject(EXPERIMENT), wrong(EXPERIMENT, plant))
    assert broken_at(pair) == ["step"]
    assert "_moment of " in pair.parted.tensor


@pytest.mark.parametrize("what", ["inputs", "rows", "layers.0.kernel"])
def test_what_did_not_arrive_is_placed_at_the_start(what):
    def plant(trainer):
        read_back, get_state = trainer.read_back, trainer.get_state

        def reading(data, order):
            data, order = read_back(data, order)
            if what == "inputs":
                data.inputs[3, 1] += 1.0
            if what == "rows":
                order.rows[2, 0] += 1
            return data, order

        def getting():
            state = get_state()
            return climbing.scaled(what, 1.5)(state) if what == "layers.0.kernel" else state

        trainer.read_back, trainer.get_state = reading, getting

    pair = climb(subject(EXPERIMENT), wrong(EXPERIMENT, plant))
    assert pair.verdict == "inconclusive"
    expected = (0, "state" if what.startswith("layers") else "data", "wrong:cpu:loop:float64")
    assert (pair.parted.step, pair.parted.stage, pair.parted.culprit) == expected
    assert what in pair.parted.where


def test_a_loss_that_steps_tell_wrongly_on_the_way_is_placed():
    def plant(trainer):
        differentiate = trainer._differentiate

        def telling(batch, *, training):
            loss, *others = differentiate(batch, training=training)
            return loss * (1.1 if trainer.get_state().step >= 20 else 1.0), *others

        trainer._differentiate = telling

    pair = climb(subject(EXPERIMENT), wrong(EXPERIMENT, plant))
    assert (pair.verdict, broken_at(pair)) == ("different", ["trajectory"])
    assert (pair.parted.step, pair.parted.stage) == (21, "loss")


@pytest.mark.parametrize(("guilty", "step"), [("candidate", 1), ("candidate", 30), ("reference", 30)])
def test_a_side_that_is_not_finite_where_the_other_and_all_replicas_are_is_a_difference(guilty, step):
    plant = climbing.behind_step(step, climbing.scaled(BIAS, np.nan))
    pair_of = [subject(EXPERIMENT), wrong(EXPERIMENT, plant)]
    if guilty == "reference":
        pair_of.reverse()
    pair = climb(*pair_of, subject(EXPERIMENT, "numpy"))
    assert (pair.verdict, broken_at(pair)) == ("different", ["step" if step == 1 else "trajectory"])
    assert pair.parted.step == step
    assert f"{guilty} is not finite behind step" in pair.parted.where
