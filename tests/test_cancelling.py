"""Gradients whose digits cancel: where nothing can be judged, and that nothing else is let pass for it."""

from dataclasses import replace

import climbing
import numpy as np
import pytest
from climbing import subject, wrong

import parity
from benchmarks.faults.healthy import backends, start_of, subject_of
from parity.contender import Contender
from parity.contract import MLP, Adagrad, Adamax, Loss
from parity.ladder import calibrated
from parity.ladder.cancelling import Terms, left_of_gradients, open_behind
from parity.ladder.parting import envelope_at_start
from parity.ladder.rungs import ENVELOPED
from parity.start import draw

EXPERIMENT = parity.recipe(
    "paraboloid", rows=10, epochs=4, batch_size=8, model=MLP((3,), "tanh"), loss=Loss("mae"), optimizer=Adagrad(1.0)
)
SATURATED = parity.recipe(
    "paraboloid", rows=10, epochs=4, batch_size=8, model=MLP((3,), "sigmoid"), optimizer=Adamax(1.0)
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


def saturated(at):
    """A start whose hidden units all have this in front of their sigmoid."""
    start = draw(SATURATED)
    parameters = {**start.state.parameters}
    parameters["layers.0.kernel"] = np.zeros_like(parameters["layers.0.kernel"])
    parameters["layers.0.bias"] = np.full_like(parameters["layers.0.bias"], at)
    return subject(SATURATED, start=replace(start, state=replace(start.state, parameters=parameters)))


def a_hundredth_more(at):
    """A fault in one kernel's gradient, at one step."""
    return climbing.in_gradient(at, lambda gradients: climbing.times(gradients, "layers.1.kernel", 1.01))


def terms_of(view, other=None):
    return Terms(view, view.given.state, 0, other, view.given.train.inputs.dtype.name)


def cancelled(view):
    """The tensors of which nothing is left."""
    terms = terms_of(view)
    return {name for name, mask in terms.cancelled.items() if mask.all()}


def share_open(view, other=None):
    """By tensor, how much of the first step of it is open; nearly nothing is left out."""
    before, behind = view.behind(-1), view.behind(0)
    found = largest(open_behind(view, 0, other, "float64"))
    moves = {name: np.abs(behind[name] - before[name]).max() for name in found}
    return {name: found[name] / moves[name] for name in found if found[name] > 1e-12 * moves[name]}


def largest(arrays):
    return {name: array.max() for name, array in arrays.items()}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_where_as_many_rows_pull_one_way_as_the_other_the_last_bias_has_no_gradient(dtype):
    view = first(4, dtype)
    assert not view.gradients["layers.1.bias"].any()
    assert cancelled(view) == {"layers.1.bias"}
    # Each of the rows of a part pulls by one of its number, so that all of them pull by one at most.
    assert (
        0
        < largest(left_of_gradients(view, None, dtype))["layers.1.bias"]
        <= np.sqrt(8) * np.spacing(np.asarray(1.0, dtype))
    )


def test_a_residue_of_a_few_units_in_the_last_place_has_cancelled_too():
    view = first(4)
    for residue, cancels in ((1e-17, True), (1e-14, False)):
        terms = terms_of(view)
        terms.whole = {**view.gradients, "layers.1.bias": np.full(1, residue)}
        assert terms.cancelled["layers.1.bias"].all() == cancels


def test_where_more_rows_pull_one_way_nothing_cancels():
    assert cancelled(first(5)) == set()
    assert share_open(first(5)) == {}


def test_a_unit_that_nothing_reaches_has_no_gradient_over_any_part_and_is_judged():
    start = pulled(5)
    unused = {**start.state.parameters, "layers.1.kernel": np.zeros_like(start.state.parameters["layers.1.kernel"])}
    view = subject(EXPERIMENT, start=replace(start, state=replace(start.state, parameters=unused))).first
    assert not view.gradients["layers.0.kernel"].any()
    assert cancelled(view) == set()


def test_what_an_optimizer_makes_of_it_is_open_in_that_step_and_everything_behind_it():
    view = first(4)
    now = {name: size for name, size in largest(open_behind(view, 0, None, "float64")).items() if size > 1e-12}
    assert now.keys() == {"layers.1.bias", "sum_of_squares of layers.1.bias"}
    assert now["layers.1.bias"] == pytest.approx(1.0)
    behind = open_behind(view, 1, None, "float64")
    assert largest(behind) == dict.fromkeys(view.given.state.named(), np.inf)


def test_a_slope_that_float32_has_nothing_left_of_is_open_as_far_as_it_moves():
    steep = saturated(34.0)  # where the sigmoid is eight units in the last place below one
    other = steep.in_other_dtype(steep.first)
    gradient = steep.first.gradients["layers.0.kernel"]
    assert gradient.any()
    assert not other.gradients["layers.0.kernel"].any()
    assert largest(left_of_gradients(steep.first, other, "float64"))["layers.0.kernel"] == np.abs(gradient).max()
    slots = "", "first_moment of ", "infinity_norm of "
    assert share_open(steep.first, other) == {
        f"{slot}layers.0.{name}": 1.0 for name in ("kernel", "bias") for slot in slots
    }


def test_a_slope_of_which_float32_has_something_left_is_judged():
    flat = saturated(3.0)
    assert share_open(flat.first, flat.in_other_dtype(flat.first)) == {}


def test_the_other_tensors_of_that_step_are_judged():
    start = pulled(4)
    candidate = wrong(EXPERIMENT, a_hundredth_more(1), start=start)
    envelope = envelope_at_start(subject(EXPERIMENT, start=start), candidate)
    rung = ENVELOPED["step"](envelope)
    assert not rung.passed
    assert (rung.covers, rung.where.split("[")[0]) == (1, "sum_of_squares of layers.1.kernel")


def test_the_steps_behind_it_are_judged_each_by_itself():
    start = pulled(4)
    candidate = wrong(EXPERIMENT, a_hundredth_more(3), start=start)
    envelope = envelope_at_start(subject(EXPERIMENT, start=start), candidate)
    assert envelope.behind(2).is_open
    rung = ENVELOPED["step"](envelope)
    assert not rung.passed
    assert (rung.covers, rung.where.split("[")[0]) == (3, "sum_of_squares of layers.1.kernel")


@pytest.mark.parametrize(("size", "passes"), [(1e-25, True), (1e-15, False)])
def test_a_gradient_that_is_too_small_for_a_product_may_be_anything_up_to_itself(size, passes):
    """In float32, whose smallest number with all its digits is about 1e-38."""
    start = draw(EXPERIMENT)
    tiny = {**start.state.parameters, "layers.1.kernel": np.full_like(start.state.parameters["layers.1.kernel"], size)}
    start = replace(start, state=replace(start.state, parameters=tiny))

    more = climbing.in_gradient(1, lambda gradients: climbing.times(gradients, "layers.0.kernel", 1.5))
    candidate = wrong(EXPERIMENT, more, "float32", start=start)
    rung = ENVELOPED["gradients"](envelope_at_start(subject(EXPERIMENT, dtype="float32", start=start), candidate))
    assert rung.passed == passes


def test_an_element_that_cancels_lets_no_other_one_pass():
    """Of a kernel one element cancels, and another is wrong by less than the whole step that the first may take."""
    start = pulled(4)
    flat = {**start.state.parameters, "layers.0.kernel": start.state.parameters["layers.0.kernel"].copy()}
    flat["layers.0.kernel"][:, 0], flat["layers.0.bias"] = 0.0, np.full(3, 0.5)
    start = replace(start, state=replace(start.state, parameters=flat))
    view = subject(EXPERIMENT, start=start).first
    assert terms_of(view).cancelled["layers.1.kernel"].any()
    assert not terms_of(view).cancelled["layers.1.kernel"].all()

    candidate = wrong(EXPERIMENT, a_hundredth_more(1), start=start)
    rung = ENVELOPED["gradients"](envelope_at_start(subject(EXPERIMENT, start=start), candidate))
    assert not rung.passed
    rung = ENVELOPED["step"](envelope_at_start(subject(EXPERIMENT, start=start), candidate))
    assert (rung.passed, rung.where.split("[")[0]) == (False, "sum_of_squares of layers.1.kernel")


@pytest.mark.parametrize(
    ("seed", "candidate"),
    [
        (4_000_060, ("jax", "cpu", "scan", "float64")),
        (4_000_138, ("numpy", "cpu", "loop", "float32")),
        (5_000_121, ("numpy", "cpu", "loop", "float64")),
        (6_000_150, ("numpy", "cpu", "loop", "float32")),
    ],
)
def test_correct_runs_that_rounding_parts_there_hold(seed, candidate):
    with backends():
        start, calibration = start_of(seed), calibrated(16, None)
        reference = subject_of(Contender("torch", "cpu", "eager", candidate[-1]), start, calibration)
        rung = ENVELOPED["step"](envelope_at_start(reference, subject_of(Contender(*candidate), start, calibration)))
        assert rung.passed
        assert not rung.undecided
