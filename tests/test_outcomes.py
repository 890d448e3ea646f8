"""Outcomes over seeds: the statistics against SciPy and simulation, real runs, and planted faults that only the end shows."""

import json
import re
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from command import QUICK
from command import parity as command
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from scipy import stats
from test_imports import loaded_by

import parity
import torch_impl.trainer
from parity import registry
from parity.contender import expand, parse
from parity.contract import SGD, InputError
from parity.ladder.plan import evaluated_at
from parity.outcomes import held, train_seeds, with_outcomes
from parity.outcomes.equivalence import (
    ALARM,
    ALPHA,
    POWER,
    TEST_ALPHA,
    compare,
    discordance,
    limits,
    power,
    seeds_needed,
)
from parity.progress import Silent
from parity.replicate import fit_many
from parity.report.terminal import _cell, show
from parity.result import Pair, Rung, SeedRuns
from parity.start import draw, draw_state

TWINS = parity.recipe("paraboloid", rows=200, epochs=30, batch_size=16, seeds=8, target_r2=0.9)
# The oracle against itself in another dtype: no framework, a run of a tenth of a second.
ORACLE = parity.recipe(
    "paraboloid", rows=60, epochs=20, seeds=6, target_r2=0.5, contender=("numpy:float32",), reference="numpy:float64"
)


# The statistics.

differences = st.lists(st.floats(-10, 10).map(lambda value: round(value, 3)), min_size=2, max_size=30).map(np.array)
margins = st.floats(1e-3, 20)


@settings(deadline=None)
@given(differences.filter(lambda d: d.std() > 1e-3), margins)
def test_the_tests_are_those_of_scipy(d, margin):
    found = compare(d, margin)
    within, beyond = found.margins.within, found.margins.beyond
    above = stats.ttest_1samp(d, -within, alternative="greater").pvalue
    below = stats.ttest_1samp(d, within, alternative="less").pvalue
    assert found.p_equivalent == pytest.approx(max(above, below), rel=1e-9)
    one_sided = min(
        stats.ttest_1samp(d, beyond, alternative="greater").pvalue,
        stats.ttest_1samp(d, -beyond, alternative="less").pvalue,
    )
    assert found.p_different == pytest.approx(min(1, 2 * one_sided), rel=1e-9)
    interval = tuple(stats.ttest_1samp(d, 0).confidence_interval(1 - 2 * TEST_ALPHA))
    assert found.interval == pytest.approx(interval, rel=1e-9)


def test_pairs_are_compared_as_pairs():
    random = np.random.default_rng(0)
    mine = random.normal(size=12)
    theirs = mine + random.normal(0.1, 0.2, 12)
    paired = stats.ttest_rel(theirs, mine).confidence_interval(1 - 2 * TEST_ALPHA)
    assert compare(theirs - mine, 1.0).interval == pytest.approx(tuple(paired))


@settings(deadline=None)
@given(differences, margins)
def test_a_verdict_says_where_the_interval_lies(d, margin):
    found, mirrored, scaled = compare(d, margin), compare(-d, margin), compare(8 * d, 8 * margin)
    low, high = found.interval
    assert mirrored.interval == (-high, -low)
    for other in (mirrored, scaled):
        assert (other.p_equivalent, other.p_different) == pytest.approx((found.p_equivalent, found.p_different))
    if found.verdict == "equivalent":
        assert max(abs(low), abs(high)) <= found.margins.within * (1 + 1e-9)
    if found.verdict == "different":
        assert low > found.margins.beyond or high < -found.margins.beyond
    assert found.margins.within < margin < found.margins.beyond
    # What is equivalent by a margin is so by any wider one.
    if found.verdict == "equivalent":
        assert compare(d, 2 * margin).verdict == "equivalent"


@pytest.mark.parametrize("sd", [0.01, None])
@pytest.mark.parametrize("count", [3, 8, 40])
def test_both_claims_are_wrong_as_rarely_as_said_though_the_margin_is_estimated(count, sd):
    """Half a standard deviation of the reference, whose seeds make the margin; without `sd` the runs are not paired."""
    random = np.random.default_rng(count)
    reference = random.normal(size=(1500, count))
    apart = random.normal(size=reference.shape) - reference if sd is None else random.normal(0, sd, reference.shape)
    read_off = 0.5 * reference.std(axis=1, ddof=1)

    def share(verdict, difference):
        return np.mean([compare(d + difference, m).verdict == verdict for d, m in zip(apart, read_off, strict=True)])

    assert share("equivalent", 0.5) <= ALPHA
    assert share("different", 0.499) <= ALARM
    assert share("different", 0.4) <= ALARM


@pytest.mark.parametrize("count", [2, 5, 40])
def test_the_limits_of_the_margin_hold_as_often_as_said(count):
    spreads = np.random.default_rng(count).normal(size=(4000, count)).std(axis=1, ddof=1)
    found = [limits(spread, count) for spread in spreads]
    assert np.mean([one.within > 1 for one in found]) == pytest.approx(ALPHA / 2, abs=0.01)
    assert np.mean([one.beyond < 1 for one in found]) == pytest.approx(ALARM / 2, abs=0.004)


@pytest.mark.parametrize(
    ("number", "verdict"), [(0.0, "equivalent"), (-0.9, "equivalent"), (1.0, "inconclusive"), (-1.1, "different")]
)
def test_differences_without_spread_are_judged_by_their_number(number, verdict):
    # Three runs tell little of the margin: it may truly be from 0.52 to 14 times what they show.
    scale = limits(1.0, 3).beyond if verdict == "different" else limits(1.0, 3).within
    found = compare(np.full(3, scale * number), 1.0)
    assert (found.verdict, found.interval) == (verdict, (scale * number, scale * number))


def test_numbers_that_agree_on_a_coarse_grid_may_still_differ():
    assert compare(np.full(2, 3.0), 0.01).verdict == "different"
    assert compare(np.full(2, 3.0), 0.01, resolution=1.0).verdict == "inconclusive"
    # Equal numbers still have the deviation of their rounding, and the lower limit must be above it.
    assert compare(np.zeros(6), 2.5, resolution=1.0).verdict == "equivalent"
    assert compare(np.zeros(6), 1.5, resolution=1.0).verdict == "inconclusive"
    assert compare(np.zeros(6), 1.5, resolution=1.0).sd == pytest.approx(6**-0.5)


@pytest.mark.parametrize(("mean", "sd", "margin"), [(0, 1, 0.5), (0.1, 1, 0.5), (-1.5, 1, 0.5), (0, 0.01, 0.5)])
def test_the_seeds_proposed_decide_as_often_as_said(mean, sd, margin):
    needed = seeds_needed(mean, sd, margin)
    assert power(needed, mean, sd, margin) >= POWER
    assert needed == 2 or power(needed - 1, mean, sd, margin) < POWER
    random = np.random.default_rng(1)
    samples = random.normal(mean, sd, (2000, needed))
    spreads = random.normal(size=(2000, needed)).std(axis=1, ddof=1)
    decided = np.mean(
        [compare(d, margin * one).verdict != "inconclusive" for d, one in zip(samples, spreads, strict=True)]
    )
    assert decided == pytest.approx(power(needed, mean, sd, margin), abs=0.03)


@pytest.mark.parametrize(("mean", "sd"), [(0.5, 1.0), (-0.5, 1.0), (0.4999999, 1.0), (0.5, 0.0)])
def test_no_number_of_seeds_decides_on_the_margin(mean, sd):
    assert seeds_needed(mean, sd, 0.5) is None


def test_one_sided_events_are_weighed_exactly():
    assert discordance(0, 0) == discordance(3, 3) == 1.0
    assert discordance(0, 8) == discordance(8, 0) == 2 / 2**8
    assert discordance(1, 9) == pytest.approx(2 * 11 / 2**10)


# What is judged, from curves as runs leave them.


def judged(mine, theirs, at=(0, 50, 100), diverged=((), ()), **changes):
    """The outcome of two stacks of R2 curves."""
    experiment = parity.recipe("paraboloid", rows=20, epochs=100, seeds=len(mine), target_r2=0.9, **changes)
    names = ("torch:cpu:eager:float64", "jax:cpu:scan:float64")
    runs = {
        name: SeedRuns(
            tuple(range(len(curves))),
            np.array(curves, float),
            tuple(7 if seed in gone else None for seed in range(len(curves))),
        )
        for name, curves, gone in zip(names, (mine, theirs), diverged, strict=True)
    }
    climbed = Pair(*names, "equivalent", "They hold.", (Rung("accuracy", True, 0.0, None, "", "one seed"),))
    (pair,) = with_outcomes([climbed], runs, experiment, "R2", at)
    return pair


def curves(last, middle=0.0):
    return [(0.0, middle, end) for end in last]


SPREAD = [0.95, 0.96, 0.97, 0.98, 0.99, 0.94, 0.93, 0.92]


def test_the_same_ends_are_equivalent():
    pair = judged(curves(SPREAD), curves(SPREAD))
    final, steps = pair.outcome.measures
    assert (pair.verdict, final.verdict) == ("equivalent", "equivalent")
    assert final.margin == limits(0.5 * np.std(SPREAD, ddof=1), 8, final.sd * 6**0.5).within
    assert "0.5 of the standard deviation 0.024 of the reference's own seeds" in final.margin_text
    assert "over 8 seeds: equivalent within 0.0081; different beyond 0.033" in final.margin_text
    # All reach the target at the same evaluation: there is no spread to take a share of.
    assert steps.verdict == "inconclusive"
    assert "too alike" in steps.note
    assert pair.outcome.reached.both == 8


def test_a_wider_margin_is_the_users_choice():
    shifted = [end - 0.012 for end in SPREAD]
    measures = [judged(curves(SPREAD), curves(shifted), margin=m).outcome.measures[0] for m in (0.125, 0.25, 1.0)]
    assert [measure.verdict for measure in measures] == ["different", "inconclusive", "equivalent"]
    assert measures[2].margin == pytest.approx(4 * measures[1].margin)


def test_worse_ends_are_different_and_break_the_rung():
    pair = judged(curves(SPREAD), curves([end - 0.2 for end in SPREAD]))
    (rung,) = pair.rungs
    assert (pair.verdict, rung.passed) == ("different", False)
    assert rung.gap == pytest.approx(0.2)
    assert rung.limit == pair.outcome.measures[0].margin
    assert "part at the rung accuracy" in pair.summary
    assert "margin 0.033, 0.5 of the standard deviation 0.024 of the reference's own seeds" in pair.summary


def test_worse_ends_are_different_also_where_the_reference_has_no_spread():
    pair = judged(curves([0.95] * 6), curves([0.8, 0.81, 0.82, 0.8, 0.81, 0.82]))
    assert pair.outcome.measures[0].verdict == "different"


def test_a_reference_without_spread_makes_nothing_equivalent():
    pair = judged(curves([0.8] * 6), curves([0.8] * 6))
    final, _ = pair.outcome.measures
    assert (final.verdict, pair.outcome.verdict, pair.verdict) == ("inconclusive", "inconclusive", "equivalent")
    assert "too alike" in pair.summary
    assert final.seeds_needed is None


def test_too_few_seeds_say_how_many_would_decide():
    ends = [0.90, 0.99, 0.93, 0.97]
    pair = judged(curves(ends), curves(ends[::-1]))
    final, _ = pair.outcome.measures
    assert final.verdict == "inconclusive"
    assert final.seeds_needed > 4
    assert f"about {final.seeds_needed} seeds would decide" in pair.summary
    (rung,) = pair.rungs
    assert (rung.passed, rung.limit, pair.verdict) == (True, None, "equivalent")


def test_one_pair_of_runs_is_inconclusive():
    outcome = judged(curves([0.9]), curves([0.9])).outcome
    assert outcome.verdict == "inconclusive"
    assert "no spread; expected at least 2" not in outcome.note
    assert "fewer than 2 pairs of runs stayed finite" in outcome.note


def test_runs_that_never_reach_the_target_count_as_such():
    early, late, never = (0.0, 0.95, 0.95), (0.0, 0.0, 0.95), (0.0, 0.0, 0.5)
    outcome = judged([early, late, never, early], [early, late, never, never]).outcome
    steps = outcome.measures[1]
    assert (steps.reference_mean, steps.candidate_mean) == ((50 + 100 + 100 + 50) / 4, (50 + 100 + 100 + 100) / 4)
    tally = outcome.reached
    assert (tally.both, tally.reference_only, tally.candidate_only, tally.neither) == (2, 1, 0, 1)


def test_where_none_reaches_the_target_it_is_not_judged():
    outcome = judged(curves([0.1, 0.2, 0.3]), curves([0.1, 0.2, 0.3])).outcome
    assert outcome.measures[1].verdict is None
    assert "no run of either reached the target, an R2 of 0.9" in outcome.summary
    # What can be judged decides alone.
    assert outcome.verdict == outcome.measures[0].verdict == "equivalent"


def test_one_side_that_never_reaches_the_target_is_different():
    mine, theirs = (curves([last + 1e-3 * seed for seed in range(9)]) for last in (0.9, 0.89))
    pair = judged(mine, theirs, margin=100.0)
    assert pair.outcome.reached.reference_only == 9
    assert (pair.outcome.verdict, pair.verdict, pair.rungs[0].passed) == ("different", "different", False)
    assert "the reference alone reached the target on 9 of 9 seeds" in pair.rungs[0].note


def test_a_metric_that_is_not_defined_is_not_judged():
    final, steps = judged(curves([np.nan] * 3), curves([np.nan] * 3)).outcome.measures
    assert final.verdict is steps.verdict is None


def test_a_run_that_diverges_on_one_side_speaks_against_equivalence():
    pair = judged(curves(SPREAD, SPREAD[0]), curves(SPREAD, SPREAD[0]), diverged=((), (2,)))
    assert pair.outcome.measures[0].verdict == "equivalent"
    assert (pair.outcome.verdict, pair.verdict) == ("inconclusive", "equivalent")
    assert "the candidate alone diverged on 1 of 8 seeds" in pair.summary
    # The means are over the seeds on which both stayed finite.
    assert pair.outcome.measures[0].reference_mean == pytest.approx(np.mean([*SPREAD[:2], *SPREAD[3:]]))


def test_runs_that_diverge_on_both_sides_are_counted_and_judged_without():
    outcome = judged(curves(SPREAD), curves(SPREAD), diverged=((2,), (2,))).outcome
    assert (outcome.diverged.both, outcome.diverged.neither) == (1, 7)
    assert outcome.measures[0].verdict == "equivalent"


def test_one_side_that_always_diverges_is_different():
    assert judged(curves(SPREAD), curves(SPREAD), diverged=((), range(8))).verdict == "different"


def test_where_all_diverge_nothing_is_claimed():
    outcome = judged(curves(SPREAD), curves(SPREAD), diverged=(range(8), range(8))).outcome
    assert (outcome.verdict, outcome.diverged.both) == ("inconclusive", 8)


CLIMBED = Pair(
    "torch:cpu:eager:float64",
    "jax:cpu:scan:float64",
    "equivalent",
    "They hold.",
    (Rung("accuracy", True, 0.0, None, "", ""),),
)


@pytest.mark.parametrize(
    ("rungs", "expected"),
    [
        (CLIMBED.rungs, True),
        ((), False),
        ((replace(CLIMBED.rungs[0], passed=False),), False),
        ((replace(CLIMBED.rungs[0], undecided="no limit"),), False),
        # Climbs that ended early, on a rung that passed: undecided, and diverged behind it.
        ((Rung("gradients", True, 0.0, None, "", undecided="replicas are not finite"),), False),
        ((Rung("trajectory", True, 0.0, 1.0, "", covers=3),), False),
    ],
)
def test_only_climbs_that_came_to_the_accuracy_are_judged_by_their_ends(rungs, expected):
    pair = replace(CLIMBED, rungs=rungs)
    assert held(pair) is expected
    run = SeedRuns(tuple(range(8)), np.array(curves(SPREAD)), (None,) * 8)
    (found,) = with_outcomes([pair], {pair.reference: run, pair.candidate: run}, TWINS, "R2", (0, 50, 100))
    assert (found.outcome is not None) is expected
    assert expected or found is pair


@pytest.mark.parametrize(
    "rung",
    [
        Rung("trajectory", False, 0.5, None, "layers.0.kernel[0]"),
        Rung("accuracy", False, None, None, "", "the reference alone diverged on 8 of 8 seeds"),
        Rung("step", False, 0.5, 0.1, ""),
    ],
)
def test_every_failed_rung_is_shown_as_broken(rung):
    assert _cell(rung).startswith("[red]broke[/red]")
    assert "broke" not in _cell(replace(rung, passed=True))


# Real runs.


def test_the_twins_are_equivalent(tmp_path):
    experiment = parity.recipe("paraboloid", rows=200, epochs=120, seeds=8, target_r2=0.95, contender=("jax:float32",))
    result = parity.run(experiment, out=tmp_path / "run", throughput=False)
    assert result.verdict == "equivalent", result.summary
    for pair in result.pairs:
        assert (pair.outcome.verdict, pair.outcome.seeds) == ("equivalent", 8)
        assert [measure.verdict for measure in pair.outcome.measures] == ["equivalent", "equivalent"]
        assert pair.rungs[-1].name == "accuracy"
        assert 0 <= pair.rungs[-1].gap <= pair.rungs[-1].limit
        assert pair.outcome.summary in result.summary
    record = json.loads((tmp_path / "run" / "result.json").read_text())
    kept = np.load(tmp_path / "run" / "history.npz")
    for pair in record["pairs"]:
        mine, theirs = (kept[f"{pair[side]}/seeds/r2"] for side in ("reference", "candidate"))
        assert mine.shape == theirs.shape == (8, len(kept["evaluated_at"]))
        final = pair["outcome"]["measures"][0]
        assert final["mean_difference"] == pytest.approx((theirs - mine)[:, -1].mean())
        assert final["margin"] == pytest.approx(limits(0.5 * mine[:, -1].std(ddof=1), 8).within)
        np.testing.assert_array_equal(kept[f"{pair['candidate']}/seeds"], np.arange(8))
        assert not kept[f"{pair['candidate']}/seeds/diverged_at"].any()


def outcome_of(experiment, contender="jax:float64", reference="torch:float64"):
    """The outcome of two contenders, whatever the ladder would say."""
    start = draw(experiment)
    sides = {name: expand(parse(text))[0] for name, text in (("reference", reference), ("candidate", contender))}
    trainers = {
        side: registry.load(side.backend).trainer(start.config, device="cpu", mode=side.mode, dtype=side.dtype)
        for side in sides.values()
    }
    at = evaluated_at(start.order.steps, *start.held_out.targets.shape)
    runs = {}
    train_seeds(runs, trainers, experiment, start, at, Silent())
    names = {name: str(side) for name, side in sides.items()}
    climbed = Pair(**names, verdict="equivalent", summary="", rungs=(Rung("accuracy", True, 0.0, None, "", ""),))
    (pair,) = with_outcomes([climbed], runs, experiment, start.problem.metric, at)
    return pair.outcome


@pytest.mark.parametrize(
    "experiment", [TWINS, parity.recipe("rings", rows=120, epochs=6, seeds=4)], ids=["batches", "classes"]
)
def test_healthy_twins_end_equally(experiment):
    assert outcome_of(experiment).measures[0].verdict == "equivalent"


def a_rate_that_drops_behind_the_tenth_step(monkeypatch, factor=0.1):
    scalars = torch_impl.trainer.step_scalars

    def faulty(config, first, steps):
        late = np.where(np.arange(first, first + steps) < 10, 1.0, factor)
        return {name: values * late for name, values in scalars(config, first, steps).items()}

    monkeypatch.setattr(torch_impl.trainer, "step_scalars", faulty)


def a_rate_that_drops_less(monkeypatch):
    a_rate_that_drops_behind_the_tenth_step(monkeypatch, 1 / 3)


def weights_of_another_seed(monkeypatch):
    fit_many = torch_impl.trainer.Trainer.fit_many

    def faulty(self, states, *args, **watched):
        return fit_many(self, [*states[1:], states[0]], *args, **watched)

    monkeypatch.setattr(torch_impl.trainer.Trainer, "fit_many", faulty)


def the_same_few_rows_all_along(monkeypatch):
    fit_many = torch_impl.trainer.Trainer.fit_many

    def faulty(self, states, data, orders, **watched):
        short = [replace(order, rows=order.rows % 4) for order in orders]
        return fit_many(self, states, data, short, **watched)

    monkeypatch.setattr(torch_impl.trainer.Trainer, "fit_many", faulty)


@pytest.mark.parametrize(
    ("plant", "expected"),
    [
        (a_rate_that_drops_behind_the_tenth_step, "different"),
        (the_same_few_rows_all_along, "different"),
        # Eight seeds are too few for a third of the rate, but no number of them would make it equivalent.
        (a_rate_that_drops_less, "inconclusive"),
        # The same distribution, but no longer the same runs: more seeds would show that nothing is wrong with the ends.
        (weights_of_another_seed, "inconclusive"),
    ],
)
def test_a_fault_that_only_the_ends_show(monkeypatch, plant, expected):
    plant(monkeypatch)
    # As the candidate: a faulty reference has a spread, and so a margin, of its own.
    outcome = outcome_of(TWINS, "torch:float64", "jax:float64")
    assert outcome.verdict == expected, outcome.summary


def test_a_seed_that_diverges_is_reported_and_not_averaged_away(monkeypatch):
    fit_many = torch_impl.trainer.Trainer.fit_many

    def faulty(self, states, *args, **watched):
        huge = {name: array * 1e200 for name, array in states[2].parameters.items()}
        return fit_many(self, [*states[:2], replace(states[2], parameters=huge), *states[3:]], *args, **watched)

    monkeypatch.setattr(torch_impl.trainer.Trainer, "fit_many", faulty)
    outcome = outcome_of(TWINS)
    assert (outcome.diverged.reference_only, outcome.diverged.neither) == (1, 7)
    assert outcome.verdict == "inconclusive"
    assert "the reference alone diverged on 1 of 8 seeds" in outcome.summary
    assert all(np.isfinite(measure.mean_difference) for measure in outcome.measures)


def test_every_seed_diverges():
    experiment = replace(ORACLE, optimizer=SGD(learning_rate=1e30))
    result = parity.run(experiment, throughput=False)
    (pair,) = result.pairs
    # The climb has no rung accuracy that an outcome could judge: its seeds are not trained.
    assert (result.verdict, pair.outcome, result.complete) == ("diverged", None, True)
    assert [rung.name for rung in pair.rungs if rung.name == "accuracy"] == []
    json.dumps(result.to_json(), allow_nan=False)


# One seed, bad input, and what is left of an interrupted run.


def test_one_seed_is_described_as_before():
    (pair,) = parity.run(replace(ORACLE, seeds=1), throughput=False).pairs
    assert pair.outcome is None
    assert pair.rungs[-1].limit is None
    assert "one seed is not judged" in pair.rungs[-1].note


def test_one_seed_and_a_margin_are_no_equivalence_test(tmp_path):
    done = command("run", "paraboloid", *QUICK, "--seeds=1", "--margin=0.3", "--out=run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "one seed is not judged" in " ".join(done.stdout.split())
    record = json.loads((tmp_path / "run" / "result.json").read_text())
    assert [pair["outcome"] for pair in record["pairs"]] == [None]
    assert "seeds" not in record["summary"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"margin": 0.0},
            r"margin is 0\.0; expected a finite number above 0: .*nothing is ever equivalent to within 0",
        ),
        ({"margin": -1.0}, r"margin is -1\.0"),
        ({"margin": float("nan")}, "margin is nan"),
        ({"margin": float("inf")}, "margin is inf"),
        ({"seeds": 0}, "seeds is 0; expected a whole number of at least 1"),
        ({"seed": 2**32 - 2, "seeds": 3}, "the last, 4294967296, to be below"),
    ],
)
def test_unusable_values_are_quoted(changes, told):
    with pytest.raises(InputError, match=told):
        replace(ORACLE, **changes)


def test_the_command_refuses_a_margin_of_zero(tmp_path):
    done = command("run", "paraboloid", "--seeds=4", "--margin=0", cwd=tmp_path)
    assert done.returncode == 2
    assert "margin is 0.0" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_command_shows_the_margin_in_words_and_numbers(tmp_path):
    options = ("--rows=60", "--epochs=20", "--no-throughput", "--seeds=6", "--margin=0.4", "--target-r2=0.5")
    done = command(
        "run", "paraboloid", *options, "--contender=numpy:float32", "--reference=numpy:float64", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "Over 6 seeds" in done.stdout
    assert done.stdout.count("0.4 of the standard deviation") >= 2
    (folder,) = (tmp_path / "runs").iterdir()
    table = (folder / "experiment.toml").read_text()
    assert "seeds = 6" in table
    assert "margin = 0.4" in table


def test_the_table_fits_a_narrow_terminal():
    console = Console(width=80)
    with console.capture() as shown:
        show(parity.run(ORACLE, throughput=False), console)
    lines = shown.get().splitlines()
    row = next(line for line in lines if line.startswith(" R2  "))
    assert row.rstrip().endswith("equivalent")


def test_bounds_are_told_whole_on_a_narrow_terminal():
    quick = {"rows": 60, "test_rows": 50, "epochs": 2, "contender": ("numpy:float32",), "reference": "numpy:float64"}
    console = Console(width=80)
    with console.capture() as shown:
        show(parity.run(parity.recipe("colebrook", **quick, optimizer=SGD()), throughput=False), console)
    rows = [re.split(" {2,}", line.strip()) for line in shown.get().splitlines()]
    assert ["target", *["beyond 0.02 %"] * 2] in rows
    assert ["needed", *["beyond 1 %"] * 2] in rows


class StopAt(Silent):
    """Interrupts the n-th stack of seeds."""

    def __init__(self, number):
        self.left = number

    @contextmanager
    def task(self, name, total):
        self.left -= name.startswith("training seeds")
        if self.left == 0:
            raise KeyboardInterrupt
        yield lambda done: None


@pytest.mark.parametrize(("stop", "seeds"), [(1, None), (2, None), (4, 3), (5, 6)])
def test_an_interrupt_leaves_the_pairs_that_were_trained(monkeypatch, tmp_path, stop, seeds):
    monkeypatch.setattr("parity.outcomes.seeds.LARGEST_STACK", 3)
    result = parity.run(ORACLE, out=tmp_path / "run", throughput=False, watcher=StopAt(stop))
    (pair,) = result.pairs
    assert json.loads((tmp_path / "run" / "result.json").read_text())["complete"] is result.complete is (stop == 5)
    if seeds is None:
        assert pair.outcome is None
        return
    assert pair.outcome.seeds == seeds
    assert pair.outcome.verdict == ("equivalent" if seeds == 6 else "inconclusive")
    assert ("3 of 6 seeds were trained" in pair.outcome.note) is (seeds == 3)


def test_stacks_change_nothing(monkeypatch):
    whole = parity.run(ORACLE, throughput=False)
    monkeypatch.setattr("parity.outcomes.seeds.LARGEST_STACK", 4)
    parts = parity.run(ORACLE, throughput=False)
    assert whole.pairs[0].outcome == parts.pairs[0].outcome


# Backends without fit_many.


class Alone:
    """The oracle's trainer without `fit_many`."""

    def __init__(self, trainer):
        self.trainer = trainer

    def __getattr__(self, name):
        if name == "fit_many":
            raise AttributeError(name)
        return getattr(self.trainer, name)


class NotYet(Alone):
    """The same with one that is not written yet."""

    def fit_many(self, *args, **watched):
        raise NotImplementedError


def oracle(start):
    trainer = registry.load("numpy").trainer(start.config, device="cpu", mode="loop", dtype="float64")
    trainer.set_state(start.state)
    return trainer


@pytest.mark.parametrize("wrap", [Alone, NotYet])
def test_a_backend_without_fit_many_trains_one_after_the_other(wrap):
    start = draw(ORACLE)
    states = [draw_state(replace(ORACLE, seed=seed), start.config) for seed in range(3)]
    trainer, seen = oracle(start), []
    watched = {"evaluate": start.held_out.inputs, "evaluate_at": (0, 20), "checkpoints_at": (20,)}
    expected, nothing = fit_many(trainer, states, start.train, start.order, **watched)
    found, note = fit_many(wrap(trainer), states, start.train, start.order, progress=seen.append, **watched)
    assert nothing == ""
    assert "one after the other" in note
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(mine.losses, theirs.losses)
        np.testing.assert_array_equal(mine.predictions, theirs.predictions)
    assert seen == sorted(seen)
    assert seen[-1] == 3 * start.order.steps
    np.testing.assert_array_equal(
        trainer.get_state().named()["layers.0.kernel"], start.state.parameters["layers.0.kernel"]
    )


def test_an_interrupt_leaves_the_trainers_own_state():
    start = draw(ORACLE)
    trainer = oracle(start)

    def stop(steps):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_many(Alone(trainer), [start.state], start.train, start.order, progress=stop)
    assert trainer.get_state().step == 0


def test_a_run_without_fit_many_says_so(monkeypatch):
    monkeypatch.setattr("numpy_impl.trainer.NumpyTrainer.fit_many", NotYet.fit_many)
    (pair,) = parity.run(ORACLE, throughput=False).pairs
    assert pair.outcome.verdict == "equivalent"
    assert "numpy:cpu:loop:float32: without fit_many, its runs were trained one after the other" in pair.outcome.note
    # The replicas of the ladder are trained by it as well.
    assert "without fit_many" in pair.envelope.note


# What it costs who does not ask for it.


@pytest.mark.parametrize(
    "code", ["import parity", "import parity.runner", "from parity.commands.run import parse_run; parse_run([])"]
)
def test_statistics_are_loaded_where_they_are_needed(code):
    assert "scipy" not in loaded_by(code)
