"""The envelope: what rounding may do, tensor by tensor, measured on the reference alone; and what its factor rests on."""

import json
from dataclasses import replace
from itertools import accumulate
from operator import attrgetter

import climbing
import numpy as np
import pytest
from climbing import broken_at, by, climb, subject, wrong
from hypothesis import given, settings
from hypothesis import strategies as st

import parity
from benchmarks.faults.healthy import backends, start_of, subject_of
from parity.contender import Contender
from parity.contract import MLP, SGD, InputError, Loss
from parity.ladder import calibrated, calibration
from parity.ladder.cloud import Cloud, Spread
from parity.ladder.envelope import Envelope
from parity.ladder.parting import envelope_at_start
from parity.ladder.replicas import disturb
from parity.ladder.rungs import ENVELOPED, LOOKS, before_training, behind_step
from parity.start import draw

EXPERIMENT = parity.recipe("polar", rows=60, epochs=6, batch_size=16, model=MLP((6, 5), "tanh"))
ULP = float(np.spacing(1.0))


def judged(reference, candidate, *spreads, dtypes=("float64", "float64"), stored=1, factor=2.0, terms=1, other=None):
    """The judgement on two views that hold these arrays, with replicas this far away; the second spread is a second look's.

    `other` is what the reference shows in the other dtype.
    """
    views = {"mine": reference, "theirs": candidate, "other": other}
    envelope = Envelope(("mine", "theirs"), dtypes, draw_config(), by(factor), other=None if other is None else "other")
    clouds = dict(zip((id(envelope.first), id(envelope.more)), spreads, strict=False))

    def look(seen):
        if isinstance(seen, Cloud):
            found = clouds.get(id(seen), spreads[0])
            return Spread({name: np.array(each, float) for name, each in found.items()})
        return {name: np.asarray(each) for name, each in views[seen].items()}

    return envelope.judge(look, [look] * stored, terms)


def draw_config():
    return climbing.drawn(EXPERIMENT).config


def tensors(large=1000.0, small=1e-3, dtype="float64"):
    return {"large": np.array([large, 1.0], dtype), "small": np.array([small, small], dtype)}


NOISE = {"large": [1e-6, 3e-6], "small": [1e-12, 2e-12]}


def test_a_limit_is_per_tensor():
    assert judged(tensors(), tensors(large=1000.0 + 5e-6), NOISE).held
    found = judged(tensors(), tensors(small=1e-3 + 2e-10), NOISE)
    assert not found.held
    assert found.gap.where == "small[0]"
    assert found.noise == 2e-12
    # Against the noise of the large one it would be nothing.
    assert found.gap.size < max(NOISE["large"]) / 1000


@settings(deadline=None, derandomize=True)
@given(st.floats(0.01, 0.99), st.floats(1.01, 100.0))
def test_the_factor_is_the_edge(inside, outside):
    def moved(times):
        return tensors(small=1e-3 + times * 2.0 * 2e-12)

    assert judged(tensors(), moved(inside), NOISE).held
    assert not judged(tensors(), moved(outside), NOISE).held


def test_a_second_look_widens_what_the_first_one_missed():
    far = tensors(small=1e-3 + 1e-11)
    assert not judged(tensors(), far, NOISE, NOISE).held
    assert judged(tensors(), far, NOISE, {**NOISE, "small": [1e-12, 6e-12]}).held


@pytest.mark.parametrize("rounded", [1, 5])
def test_without_any_spread_a_unit_in_the_last_place_is_left_for_each_step_that_was_stored(rounded):
    none = {"one": [0.0, 0.0]}
    for ulps, held in ((2 * rounded, True), (2 * rounded + 1, False)):
        found = judged({"one": np.ones(2)}, {"one": np.ones(2) + ulps * ULP}, none, stored=rounded)
        assert found.held == held, found
    assert not judged({"zero": np.zeros(2)}, {"zero": np.full(2, 1e-300)}, {"zero": [0.0]}, stored=rounded).held


def test_the_coarser_dtype_has_the_coarser_unit_in_the_last_place():
    one, other = {"one": np.ones(2)}, {"one": np.ones(2, "float32") + np.float32(1e-7)}
    assert judged(one, other, {"one": [0.0]}, dtypes=("float64", "float32")).held
    assert judged(other, one, {"one": [0.0]}, dtypes=("float32", "float64")).held


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_only_one_of_the_two_can_not_represent_breaks(bad):
    one, other = tensors(), tensors(small=bad)
    for found in (judged(one, other, NOISE), judged(other, one, NOISE)):
        assert not found.held
        assert found.gap.where == "small[0]"
    assert judged(other, other, NOISE).held


@pytest.mark.parametrize(("units", "held"), [(59, True), (61, False)])
def test_a_sum_of_like_terms_may_be_off_by_what_no_replica_shows(units, held):
    silent = {"sum": [0.0, 0.0]}
    found = judged({"sum": 1.0}, {"sum": 1.0 + units * ULP}, silent, stored=0, terms=900)
    assert found.held is held
    assert not judged({"sum": 1.0}, {"sum": 1.0 + units * ULP}, silent, stored=0).held


def test_a_long_sum_that_is_added_to_a_larger_number_has_no_room_there():
    envelope = Envelope(("mine", "theirs"), ("float64",) * 2, draw_config(), by(2.0))

    def before(seen):
        return {"weight": np.array(1.0)}

    def behind(seen):
        if isinstance(seen, Cloud):
            return Spread({"weight": np.zeros(4)})
        return {"weight": np.array(1.0 + 2**-20 + (8 * ULP if seen == "theirs" else 0.0))}

    assert not envelope.judge(behind, [before], terms=900).held


@pytest.mark.parametrize(("terms", "held"), [(100, True), (4, False)])
def test_what_the_reference_alone_is_off_by_counts_as_far_as_adding_up_its_terms_may_make_it(terms, held):
    """A reference in float32 that is 50 units in the last place from its own float64 run, which the candidate agrees with."""
    exact, unit = np.ones(1), float(np.spacing(np.float32(1)))
    rough = {"sum": (exact + 50 * unit).astype("float32")}
    alike = {"dtypes": ("float32",) * 2, "stored": 0, "terms": terms, "other": {"sum": exact}}
    assert judged(rough, {"sum": exact.astype("float32")}, {"sum": [0.0]}, **alike).held is held
    # A candidate that is as far off does not excuse itself.
    assert not judged({"sum": exact.astype("float32")}, rough, {"sum": [0.0]}, **alike).held


@pytest.mark.parametrize(("terms", "held"), [(50, True), (40, False)])
def test_in_float64_a_sum_may_be_off_by_a_unit_for_each_term(terms, held):
    off = {"sum": np.ones(1) + 90 * ULP}
    alike = {"stored": 0, "terms": terms, "other": {"sum": np.ones(1, "float32")}}
    assert judged({"sum": np.ones(1)}, off, {"sum": [0.0]}, **alike).held is held


def test_what_a_replica_was_off_by_counts_for_the_steps_behind():
    steps = [Spread({"weight": np.array(each)}) for each in ([1.0, 2.0], [3.0, 0.0], [0.0, 0.0])]
    assert [spread.largest("weight") for spread in accumulate(steps, Spread.further)] == [2.0, 3.0, 3.0]


def test_where_a_replica_was_put_at_the_start_is_no_rounding_of_its_steps():
    still = parity.recipe("polar", rows=60, epochs=6, batch_size=16, model=MLP((6, 5), "tanh"), optimizer=SGD(1e-30))
    spread = subject(still).clouds[1].behind(4)
    assert {name: spread.largest(name) for name in spread.distances} == dict.fromkeys(spread.distances, 0.0)
    assert subject(still).clouds[1].gradients.largest("layers.0.kernel") > 0


def test_a_replica_that_is_not_finite_leaves_nothing_to_judge():
    far = tensors(small=1e-3 + 1e-9)
    assert judged(tensors(), far, {**NOISE, "large": [1e-6, np.inf]}).broken == (1,)
    assert judged(tensors(), far, NOISE, {**NOISE, "small": [np.inf, 0.0]}).broken == (0,)


def test_a_dtype_that_was_not_kept_breaks():
    float32 = tensors(dtype="float32")
    found = judged(float32, tensors(), NOISE, dtypes=("float32", "float32"))
    assert not found.held
    assert found.gap.where == "large: dtype float64, expected float32"


def test_names_and_shapes_are_compared_before_values():
    one = tensors()
    assert "names" in judged(one, {"large": one["large"]}, NOISE).gap.where
    assert "shape" in judged(one, {**one, "small": one["small"][:1]}, NOISE).gap.where


# On real runs.


def tiny_first_layer():
    """A start whose first gradients are four digits smaller than its last: the output kernel is next to nothing."""
    start = draw(EXPERIMENT)
    parameters = {**start.state.parameters}
    parameters["layers.2.kernel"] = 1e-6 * parameters["layers.2.kernel"]
    return replace(start, state=replace(start.state, parameters=parameters))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_change_of_a_hundred_times_the_noise_in_a_small_tensor_is_caught(dtype):
    start = tiny_first_layer()
    reference = subject(EXPERIMENT, dtype=dtype, start=start)
    noise = reference.clouds[0].gradients
    small, large = noise.largest("layers.0.bias"), noise.largest("layers.2.bias")
    assert 0 < 100 * small < large

    def shift(gradients):
        moved = {**gradients, "layers.0.bias": gradients["layers.0.bias"].copy()}
        moved["layers.0.bias"][3] += 100 * small
        return moved

    healthy = subject(EXPERIMENT, "numpy", dtype, start=start)
    assert broken_at(climb(reference, healthy)) == []
    pair = climb(reference, wrong(EXPERIMENT, climbing.in_gradient(1, shift), dtype, start=start))
    assert broken_at(pair) == ["gradients"]
    assert pair.rungs[-1].where == "layers.0.bias[3]"


def test_an_absolute_error_adds_the_same_number_row_by_row_and_holds():
    experiment = parity.recipe("paraboloid", rows=20_000, epochs=2, batch_size=None, model=MLP((9,)), loss=Loss("mae"))
    start = draw(experiment)
    # Every unit is active in every row, and every prediction above its target.
    biases = {name: array + 100.0 for name, array in start.state.parameters.items() if name.endswith("bias")}
    start = replace(start, state=replace(start.state, parameters={**start.state.parameters, **biases}))
    by_two = by(2.0, replicas=16)
    mine, theirs = (subject(experiment, name, "float32", calibration=by_two, start=start) for name in ("torch", "jax"))
    envelope = envelope_at_start(mine, theirs)
    assert before_training(envelope, "gradients").held
    assert not envelope.judge(LOOKS["gradients"]).held, "a unit in the last place has to be too little here"


def test_a_layer_of_like_units_adds_the_same_number_unit_by_unit_and_holds():
    experiment = parity.recipe("paraboloid", rows=20, epochs=2, batch_size=None, model=MLP((980,), "sigmoid"))
    start = draw(experiment)
    alike = {name: np.full_like(array, 0.15) for name, array in start.state.parameters.items()}
    start = replace(start, state=replace(start.state, parameters={**alike, "layers.0.bias": np.full(980, 34.0)}))
    mine, theirs = (
        subject(experiment, name, start=start, calibration=by(1.5, replicas=16)) for name in ("torch", "jax")
    )
    envelope = envelope_at_start(mine, theirs)
    assert envelope.units == 980
    assert before_training(envelope, "predict").held
    assert not envelope.judge(LOOKS["predict"]).held, "a unit in the last place has to be too little here"


def test_rounding_that_grows_from_step_to_step_is_told_by_taking_each_step_by_itself():
    with backends():
        start = start_of(6_000_153)
        names = ("torch", "cpu", "eager", "float64"), ("jax", "cpu", "scan", "float64")
        envelope = envelope_at_start(*(subject_of(Contender(*name), start, by(2.0, replicas=16)) for name in names))
        assert not envelope.behind(4).held
        by_itself = behind_step(envelope, 4)
        assert by_itself.held
        assert by_itself.is_alone
        rung = ENVELOPED["step"](envelope)
        assert rung.passed
        assert rung.note == "state behind 5 steps, of 5 by itself"


def once_it_runs(trainer):
    """A fault of a run that no step shows which starts from a given state: a thousandth more in the second step of a walk."""
    walked, set_state, step = [0], trainer.set_state, trainer.step

    def restart(state):
        walked[0] = 0
        set_state(state)

    def faulty(batch):
        loss = step(batch)
        walked[0] += 1
        if walked[0] == 2:
            set_state(climbing.scaled("layers.1.kernel", 1.001)(trainer.get_state()))
        return loss

    trainer.set_state, trainer.step = restart, faulty


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_step_that_is_wrong_only_in_the_middle_of_a_run_is_not_taken_for_rounding_that_grew(dtype):
    pair = climb(subject(EXPERIMENT), wrong(EXPERIMENT, once_it_runs, dtype))
    assert broken_at(pair) == ["step"]
    assert (pair.parted.step, pair.parted.tensor) == (2, "layers.1.kernel"), pair.summary


@pytest.mark.parametrize(("seed", "dtype"), [(3_000_006, "float64"), (3_000_016, "float32")])
def test_a_sign_of_next_to_nothing_may_be_the_other(seed, dtype):
    """Lion steps by a sign. In the first, replicas parted and came back; in the second, one of 2510 signs is another."""
    with backends():
        start = start_of(seed)
        calibration = calibrated(16, None)
        mine, theirs = (
            subject_of(Contender(*name, dtype), start, calibration)
            for name in (("torch", "cpu", "eager"), ("numpy", "cpu", "loop"))
        )
        assert ENVELOPED["step"](envelope_at_start(mine, theirs)).passed


def tf32(array):
    """Ten bits behind the leading one, as the tensor cores of a GPU keep of what they multiply."""
    bits = array.astype("float32").view("uint32")
    return ((bits + np.uint32(0x1000)) & np.uint32(0xFFFFE000)).view("float32")


def coarse_inputs(looks):
    """The oracle with products as rough as TF32; counts how often it is looked at."""

    def plant(trainer):
        forward = trainer._forward

        def faulty(inputs, **how):
            looks.append(len(inputs))
            return forward(tf32(inputs), **how)

        trainer._forward = faulty

    return plant


def test_a_candidate_that_computes_roughly_does_not_excuse_itself():
    looks = []
    pair = climb(subject(EXPERIMENT, dtype="float32"), wrong(EXPERIMENT, coarse_inputs(looks), "float32"))
    assert broken_at(pair) == ["predict"]
    # Two predictions were asked of it, at the second look none more.
    assert len(looks) == 2


def test_a_replica_that_is_not_finite_makes_a_run_inconclusive_and_is_named(monkeypatch):
    def overflowing(given, config, seed, ulps):
        replica = disturb(given, config, seed, ulps)
        if seed % 16 == 3:
            replica.given.state.parameters["layers.0.kernel"][:] = np.inf
        return replica

    monkeypatch.setattr("parity.ladder.cloud.disturb", overflowing)

    def nudge(gradients):
        return {name: gradient * (1 + 1e-6) for name, gradient in gradients.items()}

    with np.errstate(invalid="ignore"):
        pair = climb(
            subject(EXPERIMENT, dtype="float32"), wrong(EXPERIMENT, climbing.in_gradient(None, nudge), "float32")
        )
    last = pair.rungs[-1]
    assert (pair.verdict, last.passed) == ("inconclusive", True)
    assert last.undecided.startswith("replicas 3")
    assert "not finite" in last.undecided
    assert last.undecided in pair.summary


def test_a_candidate_that_computes_in_another_dtype_is_caught():
    def widen(gradients):
        return {name: gradient.astype("float64") for name, gradient in gradients.items()}

    pair = climb(subject(EXPERIMENT, dtype="float32"), wrong(EXPERIMENT, climbing.in_gradient(None, widen), "float32"))
    assert broken_at(pair) == ["gradients"]
    assert "dtype float64, expected float32" in pair.rungs[-1].where


def test_the_reference_is_looked_at_again_only_where_something_exceeds():
    reference = subject(EXPERIMENT, dtype="float32")
    envelope = Envelope(
        (reference.first, subject(EXPERIMENT, "numpy", "float32").first), ("float32",) * 2, reference.start.config,
        reference.calibration, reference.clouds,
    )  # fmt: skip
    envelope.judge(attrgetter("gradients"))
    assert vars(envelope.more).keys() == {"view", "config", "count", "seed", "ulps"}


# What the factor rests on.

# The furthest of each experiment.
RECORD = {
    "steps": 100,
    "device": "cpu",
    "rungs": {"8": {"comparisons": 1234, "largest": [3.0, 2.5, 2.0, 1.5, *[0.5] * 95]},
              "32": {"comparisons": 12345, "largest": [1.8, 1.2, *[0.9] * 997]}},
    "paths": {"8": {"comparisons": 198, "largest": [5.0, 4.0, *[0.7] * 97]},
              "32": {"comparisons": 998, "largest": [2.1, *[1.1] * 498]}},
}  # fmt: skip


@pytest.fixture
def record(monkeypatch, tmp_path):
    """A calibration of few, known comparisons."""
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps(RECORD), encoding="utf-8")
    monkeypatch.setattr(calibration, "FILE", path)
    calibration._record.cache_clear()
    yield
    calibration._record.cache_clear()


@pytest.mark.usefixtures("record")
def test_too_few_replicas_are_refused():
    with pytest.raises(InputError, match=r"replicas is 7; expected at least 8"):
        calibrated(7, None)


@pytest.mark.usefixtures("record")
@pytest.mark.parametrize(("replicas", "rate"), [(8, 0.009), (31, 0.009), (32, 0.0009), (32, 0.0019)])
def test_a_rate_that_the_comparisons_do_not_support_is_refused(replicas, rate):
    with pytest.raises(InputError, match=rf"false_alarm is {rate}.*support no rate"):
        calibrated(replicas, rate)


@pytest.mark.usefixtures("record")
@pytest.mark.parametrize(
    ("replicas", "rate", "factor", "path_factor"),
    [
        (8, None, 3.0, 5.0),
        (8, 0.01, 3.0, 5.0),
        (8, 0.02, 2.5, 4.0),
        (8, 0.03, 2.0, 1.0),  # never below the furthest replica itself
        (8, 0.5, 1.0, 1.0),
        (31, None, 3.0, 5.0),  # with fewer than 32 the calibration of 8
        (40, None, 1.2, 2.1),
        (40, 0.002, 1.2, 2.1),
    ],
)
def test_the_factor_leaves_as_many_comparisons_outside_as_the_rate_allows(replicas, rate, factor, path_factor):
    found = calibrated(replicas, rate)
    assert (found.replicas, found.factor, found.path_factor) == (replicas, factor, path_factor)


@pytest.mark.usefixtures("record")
def test_the_smallest_rate_is_taken_where_none_is_asked_for():
    assert calibrated(8, None).false_alarm == pytest.approx(1 / 100)
    assert calibrated(32, None) == calibrated(32, 1 / 500)
    assert calibrated(32, 0.01).false_alarm == 0.01


@pytest.mark.usefixtures("record")
@settings(deadline=None, derandomize=True)
@given(st.lists(st.floats(0.01, 0.99), min_size=2, max_size=5).map(sorted), st.sampled_from([8, 16, 32]))
def test_a_larger_rate_never_widens(rates, replicas):
    each = [calibrated(replicas, rate) for rate in rates]
    for of in (attrgetter("factor"), attrgetter("path_factor")):
        factors = [of(found) for found in each]
        assert factors == sorted(factors, reverse=True)
        assert factors[-1] >= 1.0


def test_the_committed_calibration_can_be_read():
    record = json.loads(calibration.FILE.read_text(encoding="utf-8"))
    assert record["rungs"].keys() == record["paths"].keys()
    for kind in ("rungs", "paths"):
        for table in record[kind].values():
            assert table["largest"] == sorted(table["largest"], reverse=True)
            assert len(table["largest"]) <= table["comparisons"]
    assert calibrated(parity.Experiment().replicas, None).factor >= 1.0
