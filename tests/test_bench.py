"""Timing that can be trusted: statistics with planted truths, processes that are real, rows that outlive an interrupt."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from io import StringIO
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from command import parity
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from parity.bench import Bench, Options, advice, all_contenders, compared, grid, show_rows, svg
from parity.bench.advice import between, fastest_first
from parity.bench.map import cells_of
from parity.bench.proof import proven
from parity.bench.timing import sampled
from parity.bench.warming import Warming
from parity.cli import main
from parity.contender import Contender, expand, parse
from parity.contract import InputError
from parity.environment import cores_at_hand
from parity.problems import recipe
from parity.progress import Silent
from parity.start import draw
from parity.throughput.audit import PROCESSES, audit
from parity.throughput.conditions import Conditions, throttled, together
from parity.throughput.measure import measure
from parity.throughput.process import Seconds, TimingError, Worker, Workers, cores
from parity.throughput.rows import append, latest, read_rows
from parity.throughput.statistics import apart, ratio_of
from parity.throughput.steady import Warm, in_turns, mean_of, read

SMALL = replace(recipe("paraboloid"), epochs=40, batch_size=32)
NUMPY = Contender("numpy", "cpu", "loop", "float64")
SINGLE = replace(NUMPY, dtype="float32")
RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"


def noisy(rng, scale, pairs=12, noise=0.02):
    """Samples in pairs that drift together, the one `scale` times as long as the other."""
    drift = np.exp(np.cumsum(rng.normal(0, 0.1, pairs)))
    theirs, ours = (drift * np.exp(rng.normal(0, noise, pairs)) for _ in range(2))
    return scale * ours, theirs


@given(st.floats(0.2, 5.0), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_a_ratio_is_found_whatever_the_drift(scale, seed):
    ratio = ratio_of(*noisy(np.random.default_rng(seed), scale))
    assert ratio.low <= ratio.value <= ratio.high
    assert ratio.value == pytest.approx(scale, rel=0.1)


def test_swapping_the_two_turns_the_ratio_over():
    ours, theirs = noisy(np.random.default_rng(0), 1.7)
    there, back = ratio_of(ours, theirs), ratio_of(theirs, ours)
    assert (there.value, there.low, there.high) == pytest.approx((1 / back.value, 1 / back.high, 1 / back.low))


def share(told, scale, margin=0.05, trials=200):
    """In what share of the trials this is told of two that differ by `scale`."""
    rng = np.random.default_rng(1)
    return np.mean([ratio_of(*noisy(rng, scale)).told(margin) == told for _ in range(trials)])


def test_a_tenth_is_seen_and_nothing_where_there_is_nothing():
    assert share("slower", 1.1) >= 0.95
    assert share("faster", 1 / 1.1) >= 0.95
    assert share("slower", 1.0) + share("faster", 1.0) <= 0.05
    assert share("equal", 1.0) >= 0.95
    # What differs by the margin may be called equal in a twentieth of the trials.
    assert share("equal", 1.05) <= 0.05 + 0.03


def test_turns_are_abba():
    taken, done = [], []

    def sample(name):
        def take():
            taken.append(name)
            return Seconds(len(taken), len(taken))

        return take

    samples = in_turns([sample(name) for name in "abc"], 20, done.append)
    rounds = ["".join(taken[start : start + 3]) for start in range(0, 60, 3)]
    assert all(sorted(each) == ["a", "b", "c"] for each in rounds)
    assert [each[::-1] for each in rounds[::2]] == rounds[1::2]
    assert len(set(rounds[::2])) > 3
    for name, mine in zip("abc", samples, strict=True):
        assert [each.wall for each in mine] == [place for place, who in enumerate(taken, start=1) if who == name]
    assert done == list(range(1, 21))


def test_a_busy_and_a_noisy_machine_are_marked():
    calm = 10 * (Seconds(1.0, 1.0),)
    assert audit([calm, calm], "cpu").marks(0.05) == []
    busy = 10 * (Seconds(1.5, 1.0),)
    (mark,) = audit([busy, busy], "cpu").marks(0.05)
    assert mark == "busy: runs took 1.50 times the time that they computed"
    rng = np.random.default_rng(0)
    wild = [tuple(Seconds(t, t) for t in np.exp(rng.normal(0, 0.5, 10))) for _ in range(2)]
    assert any("noise of" in mark for mark in audit(wild, "cpu").marks(0.05))


@pytest.mark.parametrize("processes", [3, PROCESSES])
def test_two_processes_of_one_program_are_as_far_apart_as_is_told(processes):
    """Each is faster or slower for as long as it lives; in a twentieth of the trials by more than is told of the first ones."""
    rng, trials, beyond = np.random.default_rng(0), 1000, 0
    for _ in range(trials):
        lives = np.exp(rng.normal(0, 0.01, (processes + 2, 1)) + rng.normal(0, 0.1, 10))
        margin = apart(lives[:-2])
        assert apart(np.exp(rng.normal(0, 0.1, 10)) * lives[:-2]) == pytest.approx(margin)
        beyond += not 1 / (1 + margin) <= lives[-1, 0] / lives[-2, 0] <= 1 + margin
    assert 0.03 < beyond / trials < 0.07


def test_the_reference_is_the_mean_of_its_processes():
    one, other = ((Seconds(1.0, 2.0), Seconds(3.0, 3.0)), (Seconds(4.0, 8.0), Seconds(3.0, 3.0)))
    (first, second) = mean_of([one, other])
    assert (first.wall, first.cpu, second.wall, second.cpu) == pytest.approx((2.0, 4.0, 3.0, 3.0))


@pytest.fixture(scope="module")
def worker():
    worker = Worker("numpy", draw(SMALL))
    yield worker
    worker.close()


def test_a_planted_delay_takes_its_share_of_the_time(worker):
    sides = in_turns([lambda: worker.seconds(NUMPY, 400, 1.0), lambda: worker.seconds(NUMPY, 400)], 9)
    ratio = ratio_of(*([each.cpu for each in side] for side in sides))
    assert 1.5 < ratio.value < 3.0


def test_a_process_is_pinned_to_as_many_cores_as_it_was_given(worker):
    assert worker.seconds(NUMPY, 10).conditions.threads == 1
    with Worker("numpy", draw(SMALL), threads=2) as another:
        assert another.seconds(NUMPY, 10).conditions.threads == min(2, len(cores_at_hand()))


def planted(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_a_core_that_was_too_hot_and_a_quota_that_was_used_up_are_counted(tmp_path):
    assert throttled(tmp_path) is None
    here, elsewhere = cores_at_hand()[0], 1 + max(cores_at_hand())
    heat = "sys/devices/system/cpu/cpu{}/thermal_throttle/core_throttle_count"
    planted(tmp_path, {heat.format(here): "3\n", heat.format(elsewhere): "50\n"})
    assert throttled(tmp_path) == 3
    statistics = "usage_usec 7\nnr_periods 9\nnr_throttled {}\n"
    planted(
        tmp_path,
        {
            "proc/self/cgroup": "9:name=systemd:/\n3:cpuset:/a\n2:cpu,cpuacct:/a\n0::/b\n",
            "sys/fs/cgroup/cpu/a/cpu.stat": statistics.format(4),
            "sys/fs/cgroup/b/cpu.stat": statistics.format(10),
            "sys/fs/cgroup/cpu.stat": "usage_usec 7\n",
            "sys/fs/cgroup/c/cpu.stat": statistics.format(100),
        },
    )
    assert throttled(tmp_path) == 17
    planted(tmp_path, {"proc/self/cgroup": "0::/b/bé\n", "sys/fs/cgroup/b/bé/cpu.stat": statistics.format(1)})
    assert throttled(tmp_path) == 14


def test_what_stood_beside_several_samples_is_taken_together():
    one, other, unknown = Conditions(0.5, 2, 1), Conditions(0.25, 1, 2), Conditions(0.75, None, 1)
    assert together([one, other, unknown]) == Conditions(0.75, 3, 2)
    assert together([unknown, unknown]).throttled is None
    assert mean_of([(Seconds(1.0, 1.0, conditions=each),) for each in (one, other)])[0].conditions == Conditions(
        0.5, 3, 2
    )


@pytest.mark.parametrize(
    ("slowed", "marked"), [(NUMPY, {NUMPY, SINGLE}), (SINGLE, {SINGLE})], ids=["reference", "other"]
)
def test_what_was_throttled_is_marked_and_what_was_held_against_it(slowed, marked, tmp_path, monkeypatch):
    sample = Warm.sample

    def throttle(self, delay=0.0):
        seconds = sample(self, delay)
        return replace(seconds, conditions=replace(seconds.conditions, throttled=int(self.contender == slowed)))

    monkeypatch.setattr(Warm, "sample", throttle)
    with Bench(tmp_path / "rows.jsonl", Options(phases=False, pairs=2, floor=1e9), Silent()) as bench:
        rows = bench.rows(SMALL, [NUMPY, SINGLE], NUMPY)
    times = 2 * {NUMPY: PROCESSES, SINGLE: 1}[slowed]
    mark = f"throttled: slowed for heat or a quota {times} times"
    assert {row.contender for row in rows if mark in row.unpublishable} == {str(contender) for contender in marked}


def test_a_fault_of_a_contender_is_told_and_the_process_goes_on(worker):
    with pytest.raises(Exception, match="expected one of"):
        worker.seconds(replace(NUMPY, mode="nonsense"), 10)
    assert worker.seconds(NUMPY, 10).wall > 0


def test_numbers_of_a_run_are_measured_by_the_same_kit():
    start = draw(SMALL)
    (speed,) = measure([NUMPY], start, lambda done: None).values()
    assert speed.spread[0] <= speed.steps_per_second <= speed.spread[1]


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """Rows of two contenders, and the file they are in."""
    path = tmp_path_factory.mktemp("bench") / "bench.jsonl"
    contenders = [NUMPY, *expand(parse("torch:eager:float64"))]
    options = Options(phases=False, pairs=4)
    with Bench(path, options, Silent()) as bench:
        rows = bench.rows(SMALL, contenders, contenders[0])
    return rows, path, contenders, options


def test_a_row_has_what_it_takes_to_judge_it(bench):
    rows, path, *_ = bench
    reference, other = rows
    assert not reference.void
    assert not other.void
    assert reference.ratio is None
    assert other.reference == reference.contender
    low, high = other.ratio_interval
    assert low <= other.ratio <= high
    assert other.interval[0] <= other.seconds_per_step <= other.interval[1]
    assert other.limit_ratio > 1
    assert 0 < other.rate_share < 1
    assert other.rate_share == pytest.approx(other.flops / other.seconds_per_step / other.matmul_rate)
    assert other.copy_rate > 2**20
    assert (other.widths, other.batch_size, other.class_) == ((2, 10, 5, 1), 32, "tuned")
    told = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    names = "backend mode class device widths batch_size seconds_per_step interval limit_ratio compile_seconds void environment"
    assert all({"schema", *names.split()} <= row.keys() for row in told)
    assert all(len(row.conditions) == len(row.samples) == 4 for row in rows)
    assert {each.threads for row in rows for each in row.conditions} == {1}
    assert read_rows(path) == rows


def test_what_stands_in_the_file_is_not_measured_again(bench, monkeypatch):
    rows, path, contenders, options = bench
    monkeypatch.setattr("parity.throughput.process.Worker", None)
    before = path.read_bytes()
    with Bench(path, options, Silent()) as bench:
        assert bench.rows(SMALL, contenders, contenders[0]) == rows
    assert path.read_bytes() == before


def test_a_contender_that_computes_something_else_is_void(monkeypatch):
    from numpy_impl.trainer import NumpyTrainer as Trainer

    honest = Trainer.loss_and_grads

    def halved(self, batch, **options):
        loss, gradients = honest(self, batch, **options)
        return loss, {name: 0.5 * gradient for name, gradient in gradients.items()}

    (reference,) = expand(parse("torch:eager:float64"))
    assert proven(SMALL, reference, [reference, NUMPY], Silent())[NUMPY] == ""
    monkeypatch.setattr(Trainer, "loss_and_grads", halved)
    assert "part at the rung gradients" in proven(SMALL, reference, [reference, NUMPY], Silent())[NUMPY]


def test_a_grid_brings_the_rows_that_its_batches_need():
    cells = grid(recipe("paraboloid"), (16, 64), (32, 2048))
    found = [(cell.model.hidden, cell.batch_rows) for cell in cells]
    assert found == [((width, width), batch) for width in (16, 64) for batch in (32, 2048)]
    assert all(cell.train_rows >= cell.batch_rows for cell in cells)
    assert grid(recipe("paraboloid"), (), ()) == [recipe("paraboloid")]


def test_all_modes_of_both_twins_are_timed_where_none_is_named():
    found = {(each.backend, each.mode) for each in all_contenders(())}
    assert {("jax", "scan"), ("jax", "step"), ("torch", "eager")} <= found


def faster(row, factor):
    return replace(
        row,
        samples=tuple(sample / factor for sample in row.samples),
        seconds_per_step=row.seconds_per_step / factor,
        interval=tuple(end / factor for end in row.interval),
        ratio=row.ratio and row.ratio / factor,
        ratio_interval=row.ratio_interval and tuple(end / factor for end in row.ratio_interval),
    )


@pytest.mark.parametrize(
    ("factor", "verdict", "status"), [(1.0, "unclear", 0), (3.0, "faster", 0), (1 / 3, "slower", 1)]
)
def test_two_files_are_compared(bench, tmp_path, factor, verdict, status, capsys):
    rows, path, *_ = bench
    append(tmp_path / "after.jsonl", [faster(row, factor) for row in rows])
    changes = compared(rows, read_rows(tmp_path / "after.jsonl"))
    assert [change.verdict for change in changes] == [verdict] * 2
    assert all(change.interval[0] <= 1 / factor <= change.interval[1] for change in changes)
    assert main(["bench", "--compare", str(path), str(tmp_path / "after.jsonl")]) == status
    assert verdict in capsys.readouterr().out


def test_a_machine_that_became_slower_is_no_change_of_a_contender(bench):
    rows, *_ = bench
    machine = [replace(faster(row, 1 / 3), limit_seconds=3 * row.limit_seconds) for row in rows]
    assert [change.verdict for change in compared(rows, machine)] == ["unclear"] * 2
    more = [replace(faster(row, 1 / 30), limit_seconds=3 * row.limit_seconds) for row in rows]
    assert [change.verdict for change in compared(rows, more)] == ["slower"] * 2
    assert all(change.ratio == pytest.approx(30.0) for change in compared(rows, more))
    # A machine that became faster explains what is faster, and hides nothing that is slower.
    quick = [replace(faster(row, 3.0), limit_seconds=row.limit_seconds / 3) for row in rows]
    assert [change.verdict for change in compared(rows, quick)] == ["unclear"] * 2
    slow = [replace(faster(row, 1 / 3), limit_seconds=row.limit_seconds / 3) for row in rows]
    assert [change.verdict for change in compared(rows, slow)] == ["slower"] * 2
    drifted = [replace(faster(row, 1 / 3), audit={**row.audit, "drift": 3.0}) for row in rows]
    assert [change.verdict for change in compared(rows, drifted)] == ["unclear"] * 2


def test_rows_of_other_machines_are_not_compared(bench):
    rows, *_ = bench
    other = [replace(row, environment={**row.environment, "processor": "an abacus"}) for row in rows]
    assert [change.verdict for change in compared(rows, other)] == ["void"] * 2
    assert "abacus" in compared(rows, other)[0].why


def test_advice_names_the_fastest_and_what_is_not_told_apart(bench):
    rows, *_ = bench
    assert advice([]) == ""
    slow, quick = rows[0], faster(rows[1], 1000.0)
    assert advice([slow, quick]).startswith(f"Take {quick.contender}")
    assert "times as fast as" in advice([slow, quick])
    twin = replace(quick, mode="other")
    assert "not told apart" in advice([slow, quick, twin])
    assert advice([replace(quick, void="it failed")]) == ""


def test_a_contender_that_is_lost_is_void_and_the_others_are_timed(tmp_path, monkeypatch):
    """Its process is killed in the third round."""
    lost, taken = SINGLE, []
    sample = Warm.sample

    def dying(self):
        if self.contender == lost:
            taken.append(self)
            if len(taken) == 3:
                os.kill(self._worker.pid, signal.SIGKILL)
        return sample(self)

    monkeypatch.setattr(Warm, "sample", dying)
    path, options = tmp_path / "rows.jsonl", Options(phases=False, pairs=4)
    with Bench(path, options, Silent()) as bench:
        reference, other = bench.rows(SMALL, [lost], NUMPY)
    assert "the process of numpy ended while it was timed" in other.void
    assert other.reference == reference.contender
    assert not reference.void
    assert len(reference.samples) == 4
    with Bench(path, options, Silent()) as bench:
        again, other = bench.rows(SMALL, [lost], NUMPY)
    assert again == reference
    assert not other.void


def played(rng, life, noise):
    """What samples a process that is so much slower for as long as it lives, and by so much a round."""
    return lambda: Seconds(*2 * [float(np.exp(life + rng.normal(0, noise)))])


def rounds_taken(spread, noise, other=0.0, most_pairs=40):
    """Rounds of five processes of a reference and of another that lies where they do."""
    rng = np.random.default_rng(0)
    references = [played(rng, life, noise) for life in spread * np.array([-1.0, -0.5, 0.0, 0.5, 1.0])]
    steps, options = [], Options(most_pairs=most_pairs)
    theirs, (ours,) = sampled(references, [played(rng, 0.0, other)], options, "cpu", lambda: steps.append(1))
    assert {len(samples) for samples in theirs} == {len(ours)}
    assert len(steps) == options.parts(0)
    return len(ours)


def test_more_rounds_are_taken_until_what_differs_by_the_floor_is_told():
    assert rounds_taken(spread=0.001, noise=0.01) == 10
    assert 10 < rounds_taken(spread=0.001, noise=0.04) < 40
    # The reference lies well, and what is held against it widely.
    assert 10 < rounds_taken(spread=0.001, noise=0.01, other=0.08) < 40
    assert rounds_taken(spread=0.001, noise=0.2) == 40
    assert rounds_taken(spread=0.001, noise=0.2, most_pairs=13) == 12
    assert rounds_taken(spread=0.001, noise=0.2, most_pairs=0) == 10


def seen(most_pairs, trials=60):
    """In what share of the trials a tenth is told, and nothing of what is alike, on a machine that is rather noisy."""
    rng, told = np.random.default_rng(0), []
    for _ in range(trials):
        *references, plain = (played(rng, life, 0.03) for life in rng.normal(0, 0.008, 6))
        others = [plain, lambda plain=plain: Seconds(*2 * [1.1 * plain().cpu])]
        theirs, both = sampled(references, others, Options(most_pairs=most_pairs), "cpu")
        noise, reference = audit(theirs, "cpu").noise, read(mean_of(theirs), "cpu")
        alike, later = (ratio_of(read(each, "cpu"), reference).told(noise) for each in both)
        told.append((later == "slower", alike in ("equal", "unclear")))
    return np.mean(told, axis=0)


def test_as_many_rounds_are_taken_as_it_takes_to_see_a_tenth():
    assert seen(most_pairs=10)[0] < 0.9
    assert (seen(most_pairs=40) >= 0.95).all()


def test_a_row_is_marked_where_the_noise_is_above_the_floor(tmp_path):
    for floor in (1e-9, 1e9):
        options = Options(phases=False, pairs=2, floor=floor)
        with Bench(tmp_path / f"{floor}.jsonl", options, Silent()) as bench:
            (row,) = bench.rows(SMALL, [NUMPY], NUMPY)
        assert any("noise" in mark for mark in row.unpublishable) == (floor < 1)


@pytest.mark.parametrize("doomed", [{1, 3}, {1, 2, 3, 4}])
def test_further_processes_of_the_reference_may_be_lost_but_one(doomed, tmp_path, monkeypatch):
    sample, left = Warm.sample, set(doomed)

    def dying(self):
        number = next(number for (_, number), worker in bench._workers._known.items() if worker is self._worker)
        if number in left:
            left.remove(number)
            os.kill(self._worker.pid, signal.SIGKILL)
        return sample(self)

    monkeypatch.setattr(Warm, "sample", dying)
    with Bench(tmp_path / "rows.jsonl", Options(phases=False, pairs=4), Silent()) as bench:
        (row,) = bench.rows(SMALL, [NUMPY], NUMPY)
    assert not left
    assert bool(row.void) == (len(doomed) == 4)
    assert len(row.samples) == (0 if row.void else 4)


def test_nothing_gets_warm_beside_what_is_timed():
    """What is under way is waited for, what waits for its turn and is not needed is not begun."""
    begun, ended = [], []

    class Slow(Workers):
        def of(self, name, backend, start):
            begun.append(name[0])
            time.sleep(0.3)
            ended.append(name[0])
            raise TimingError("no worker")

    running, waiting, needed = NUMPY, SINGLE, replace(NUMPY, mode="other")
    with Warming(draw(SMALL), 1, Slow(threads=1)) as warming:
        for contender in (running, waiting, needed):
            warming.begin(contender)
        while not begun:
            time.sleep(0.01)
        warming.leave({needed})
        assert running in ended
        with pytest.raises(TimingError, match="no worker"):
            warming.warm(needed)
    assert begun == [running, needed]


def test_what_the_clock_on_the_wall_tells_does_not_get_warm_beside_a_proof():
    with Warming(draw(SMALL), 2, Workers(threads=2)) as warming:
        warming.begin(NUMPY)
        assert not warming._begun


def test_a_bench_goes_on_behind_an_error(tmp_path, monkeypatch):
    def failing(*_):
        raise ValueError("planted")

    with Bench(tmp_path / "rows.jsonl", Options(phases=False, pairs=4), Silent()) as bench:
        with monkeypatch.context() as planted:
            planted.setattr("parity.bench.bench.proven", failing)
            with pytest.raises(ValueError, match="planted"):
                bench.rows(SMALL, [NUMPY], NUMPY)
        (row,) = bench.rows(SMALL, [NUMPY], NUMPY)
    assert not row.void


def test_what_is_held_against_a_reference_that_cannot_run_is_void(tmp_path):
    (reference,) = expand(parse("torch:cuda_graph:float64"))
    reference = replace(reference, device="cpu")
    with Bench(tmp_path / "rows.jsonl", Options(phases=False, pairs=4), Silent()) as bench:
        first, other = bench.rows(SMALL, [NUMPY], reference)
    assert "cuda" in first.void
    assert other.void.startswith("the reference can't run: ")


def test_two_that_were_not_timed_side_by_side_are_compared_by_way_of_the_reference(bench):
    reference, other = bench[0]
    quick, slow = faster(other, 50.0), replace(faster(other, 25.0), mode="other")
    beside, apart = between(slow, quick), between(replace(slow, turns="others"), quick)
    assert beside.value == pytest.approx(2.0)
    assert apart.value == pytest.approx(2.0)
    assert apart.low < beside.low
    assert beside.high < apart.high
    # The machine was slower when the other was timed, and the reference with it.
    drifted = [reference, quick, replace(slow, turns="others", seconds_per_step=quick.seconds_per_step / 3)]
    assert fastest_first(drifted)[0] == quick


def test_a_map_says_who_is_ahead_and_by_how_much(bench):
    slow, quick = (replace(row, unpublishable=()) for row in (bench[0][0], faster(bench[0][1], 1000.0)))
    alike = replace(faster(slow, 1.0001), backend=quick.backend, mode=quick.mode)
    other = [replace(row, batch_size=64) for row in (slow, alike)]
    picture = svg([slow, quick, *other], "Which")
    words = [text.text for text in ElementTree.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")]
    ratio = between(slow, quick)
    marked = svg([slow, replace(quick, unpublishable=("busy",))], "Which")
    assert "* not to be published" in marked
    assert " x *<" in marked
    assert f"{ratio.value:.3g} ({ratio.low:.3g} to {ratio.high:.3g}) x" in words
    assert {"10-5", "batch 32", "batch 64"} <= set(words)
    assert [cell.winner for cell in cells_of([slow, quick, *other])] == ["torch", "neither"]


def test_a_process_takes_one_start_after_the_other_and_an_ended_one_is_replaced():
    workers = Workers(threads=1)
    small, other = draw(SMALL), draw(replace(SMALL, seed=5))
    try:
        first = workers.of("a", "numpy", small)
        assert workers.of("a", "numpy", other) is first
        assert first.seconds(NUMPY, 5).wall > 0
        assert workers.of("b", "numpy", small) is not first
        os.kill(first.pid, signal.SIGKILL)
        again = workers.of("a", "numpy", small)
        assert again is not first
        assert again.seconds(NUMPY, 5).wall > 0
        with pytest.raises(TimingError, match="numpy started from other bytes"):
            workers.of("a", "numpy", replace(small, hashes={**small.hashes, "data": "?"}))
    finally:
        workers.close()


def test_an_interrupt_does_not_wait_for_what_gets_warm():
    """The first process is getting warm and others wait for their turn; none of them is left."""
    workers, start, others = Workers(threads=1), draw(SMALL), children()

    def interrupted():
        with Warming(start, 1, workers) as warming:
            for number in range(3):
                warming.begin(NUMPY, number)
            deadline = time.monotonic() + 60
            while children() == others and time.monotonic() < deadline:
                time.sleep(0.01)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert children() == others
    with pytest.raises(TimingError, match="was ended"):
        workers.of("another", "numpy", start)
    assert children() == others


def children():
    """Processes that this one has begun to time in, and that live."""
    told = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(os.getpid())], capture_output=True, text=True, check=True
    )
    return [line for line in told.stdout.splitlines() if "parity.throughput.worker" in line]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forgets")
def test_a_peak_is_forgotten_and_seen_again():
    code = """
from parity.throughput.worker import forget_peak, peak_bytes
def take():
    b"x" * (300 * 2**20)
take()
before = peak_bytes()
forget_peak()
idle = peak_bytes()
take()
print(before, idle, peak_bytes())
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, idle, again = map(int, answer.stdout.split())
    assert before > idle + 200 * 2**20
    assert again > idle + 200 * 2**20


def test_a_named_network_is_timed_whole_from_the_command_line(tmp_path):
    line = "bench paraboloid --contender numpy --batch-size 32 --epochs 40 --most-pairs 10 --picture map.svg"
    answer = parity(*line.split(), cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert "Seconds of a whole run" in answer.stdout
    rows = read_rows(tmp_path / "runs" / "bench.jsonl")
    assert {row.dtype for row in rows} == {"float32", "float64"}
    for row in rows:
        assert not row.void
        before = row.phases.import_seconds + row.phases.transfer_seconds + row.phases.compile_seconds
        assert row.whole_seconds == pytest.approx(before + draw(SMALL).config.steps * row.seconds_per_step)
        assert row.phases.first_step_seconds > row.seconds_per_step
        assert 2**20 < row.phases.idle_bytes <= row.phases.peak_bytes < 2 * row.phases.idle_bytes
        assert row.models_per_second > 0
    assert ElementTree.parse(tmp_path / "map.svg").getroot().tag.endswith("svg")
    again = parity(*line.split(), cwd=tmp_path)
    assert again.stdout == answer.stdout


def test_no_number_is_cut_on_a_terminal_of_80_columns():
    console = Console(width=80, file=StringIO())
    for _, rows in groupby(read_rows(RESULTS / "bench.jsonl"), key=lambda row: row.widths):
        known = list(rows)
        on_a_gpu = [replace(row, device="cuda", mode="cuda_graph") for row in known if row.mode == "eager"]
        show_rows([*known, *on_a_gpu], console)
    told = console.file.getvalue()
    assert "idiomatic" in told
    assert "…" not in told


def test_the_last_row_of_a_contender_counts(bench):
    rows, *_ = bench
    again = [faster(row, 2.0) for row in rows]
    assert latest([*rows, *again]) == again


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"schema": 0}', "line 1 has the schema 0; this version reads 1. Measure again"),
        ('{"schema": 99}', "schema 99; this version reads 1. Install a newer parity"),
        ("{}", "has the schema None"),
        ("[1]", "line 1 is no object in braces"),
        ("{", "line 1 is not JSON"),
        ('{"schema": 1}', "is missing"),
    ],
)
def test_a_file_that_is_none_of_these_is_refused(tmp_path, line, said):
    path = tmp_path / "old.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(InputError) as refused:
        read_rows(path)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--compare", "a.jsonl"], "compare has 1 files; expected two"),
        (["--compare", "a.jsonl", "b.jsonl"], "There is no file 'a.jsonl'"),
        (["--pairs", "3"], "pairs is 3; expected an even number of at least 10"),
        (["--pairs", "11"], "pairs is 11; expected an even number"),
        (["--most-pairs", "7"], "most-pairs is 7; expected at least as many as pairs, 10"),
        (["--threads", "0"], "threads is 0; expected at least 1"),
        pytest.param(
            ["--threads", "100000"],
            "threads is 100000, but this process may use",
            marks=pytest.mark.skipif(not cores(1), reason="this system can't pin"),
        ),
        (["--floor", "0"], "floor is 0.0; expected a share above 0"),
        (["--widths", "0"], "widths is (0,); expected whole numbers of at least 1"),
        (["paraboloid", "--contender", "torch:warp"], "no device, mode or dtype 'warp'"),
    ],
)
def test_wrong_usage_is_answered_in_words(options, said, tmp_path):
    answer = parity("bench", *options, cwd=tmp_path)
    assert answer.returncode == 2
    assert said in " ".join(answer.stderr.split())
    assert "Traceback" not in answer.stderr
