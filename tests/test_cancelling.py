"""Gradients that cancel to the last bit: where nothing can be judged, and that nothing else is let pass for it."""

from dataclasses import replace

import climbing
import numpy as np
import pytest
from climbing import subject, wrong

import parity
from benchmarks.faults.healthy import backends, start_of, subject_of
from parity.contender import Contender
from parity.contract import MLP, Adagrad, Loss
from parity.ladder import calibrated
from parity.ladder.cancelling import cancelled_behind, cancelled_gradients
from parity.ladder.parting import envelope_at_start
from parity.ladder.rungs import ENVELOPED
from parity.start import draw

EXPERIMENT = parity.recipe(
    "paraboloid", rows=10, epochs=4, batch_size=8, model=MLP((3,), "tanh"), loss=Loss("mae"), optimizer=Adagrad(1.0)
)


def pulled(above):
    """A start whose first so many targets are far above every prediction and the others far below, in the rows of batch one."""
    start = draw(EXPERIMENT)
    rows = start.order.rows[0]
    targets = start.train.targets.copy()
    targets[rows[:above]], targets[rows[above:]] = 1e3, -1e3
    return replace(start, train=replace(start.train, targets=targets))


def first(above, dtype="float64"):
    return subject(EXPERIMENT, dtype=dtype, start=pulled(above)).first


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_where_as_many_rows_pull_one_way_as_the_other_the_last_bias_has_no_gradient(dtype):
    view = first(4, dtype)
    assert not view.gradients["layers.1.bias"].any()
    found = cancelled_gradients(view)
    assert found.keys() == {"layers.1.bias"}
    # Each of eight rows pulls by an eighth, so that a half of them pulls by one at most.
    assert 0 < found["layers.1.bias"] <= np.sqrt(8) * np.spacing(np.asarray(1.0, dtype))


def test_where_more_rows_pull_one_way_nothing_cancels():
    assert cancelled_gradients(first(5)) == {}
    assert cancelled_behind(first(5), 0) == {}


def test_a_unit_that_nothing_reaches_has_no_gradient_over_any_part_and_is_judged():
    start = pulled(5)
    unused = {**start.state.parameters, "layers.1.kernel": np.zeros_like(start.state.parameters["layers.1.kernel"])}
    view = subject(EXPERIMENT, start=replace(start, state=replace(start.state, parameters=unused))).first
    assert not view.gradients["layers.0.kernel"].any()
    assert cancelled_gradients(view) == {}


def test_what_an_optimizer_makes_of_it_is_open_in_that_step_and_everything_behind_it():
    view = first(4)
    now = cancelled_behind(view, 0)
    assert now.keys() == {"layers.1.bias", "sum_of_squares of layers.1.bias"}
    assert now["layers.1.bias"] == pytest.approx(1.0)
    assert cancelled_behind(view, 1) == dict.fromkeys(view.given.state.named(), np.inf)


def test_the_other_tensors_of_that_step_are_judged():
    def shift(gradients):
        return {**gradients, "layers.1.kernel": 1.01 * gradients["layers.1.kernel"]}

    start = pulled(4)
    candidate = wrong(EXPERIMENT, climbing.in_gradient(1, shift), start=start)
    envelope = envelope_at_start(subject(EXPERIMENT, start=start), candidate)
    rung = ENVELOPED["step"](envelope)
    assert not rung.passed
    assert (rung.covers, rung.where.split("[")[0]) == (1, "sum_of_squares of layers.1.kernel")


@pytest.mark.parametrize(
    ("seed", "candidate"),
    [(4_000_060, ("jax", "cpu", "scan", "float64")), (4_000_138, ("numpy", "cpu", "loop", "float32"))],
)
def test_correct_runs_that_rounding_parts_there_hold(seed, candidate):
    with backends():
        start, calibration = start_of(seed), calibrated(16, None, candidate[-1])
        reference = subject_of(Contender("torch", "cpu", "eager", candidate[-1]), start, calibration)
        rung = ENVELOPED["step"](envelope_at_start(reference, subject_of(Contender(*candidate), start, calibration)))
        assert rung.passed
        assert "a gradient cancels to the last bit" in rung.note
