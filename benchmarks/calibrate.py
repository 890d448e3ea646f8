"""How far apart are correct executions? `python -m benchmarks.calibrate [EXPERIMENTS]`

Random healthy experiments, other ones than `make faults` judges the ladder by. Each candidate is compared with PyTorch on the
rungs predict to step and along the trajectory, and the distance is taken in units of what the replicas say, as the ladder does.
What exceeds it on a trajectory is looked at again, step by step. The largest of each experiment become the file
parity/ladder/calibration.json: comparisons of one experiment resemble each other, those of different ones are independent.
It can be interrupted, and goes on where it was.
"""

import json
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from rich.progress import Progress

from benchmarks.faults import parts
from benchmarks.faults.healthy import backends, begin_of, candidates_of, draw_experiment, start_of, subject_of
from benchmarks.faults.jobs import rows_of
from benchmarks.results import keep
from parity.contender import Contender
from parity.ladder.calibration import FILE, Calibration
from parity.ladder.parting import envelope_at_start, on_the_way
from parity.ladder.rungs import LOOKS, before_training, behind_step
from parity.ladder.subject import Subject
from parity.ladder.trajectory import follow
from parity.start import Start

EXPERIMENTS = 400
FIRST = 8_000_000
"""Seed of the first experiment: none that was looked at while the limits were made, nor one of `make faults`."""
DTYPES = ("float32", "float64")
REPLICAS = 16
KEPT = 20
"""How many comparisons of each kind are kept with their places."""

Row = dict[str, Any]

AGAIN = 2.0
"""Over the furthest replica, from which on it is looked a second time, as the ladder does from its factor; below, what the
first look found is kept, which may be too much and is never too little."""
DEVICE = "cpu"
BARE = Calibration(REPLICAS, AGAIN, 0, AGAIN, 0, experiments=0, steps=0, device=DEVICE, false_alarm=1.0)


def experiment_rows(job: tuple[int]) -> Row:
    """A row for each rung of each pair of an experiment, by its seed."""
    seed = job[0]
    with backends():
        start = start_of(seed)
        rows = [row for dtype in DTYPES for row in _compared(start, seed, dtype)]
    return {"rows": [{"seed": seed, "begin": begin_of(seed)} | row for row in rows]}


def _compared(start: Start, seed: int, dtype: str) -> Iterator[Row]:
    reference = subject_of(Contender("torch", DEVICE, "eager", dtype), start, BARE)
    for contender in candidates_of(dtype, seed):
        candidate = subject_of(contender, start, BARE)
        for rung, ratio, where in (*_rungs(reference, candidate), *_path(reference, candidate)):
            yield {"candidate": str(contender), "rung": rung, "ratio": ratio, "where": where}


def _rungs(reference: Subject, candidate: Subject) -> Iterator[tuple[str, float, str]]:
    envelope = envelope_at_start(reference, candidate)
    steps = range(min(len(view.stepped) for view in envelope.views))
    found = {name: [before_training(envelope, name)] for name in LOOKS}
    for rung, judgements in {**found, "step": [behind_step(envelope, k) for k in steps]}.items():
        judged = [judgement for judgement in judgements if not judgement.broken]
        if judged:
            worst = max(judged, key=lambda judgement: judgement.ratio)
            yield rung, worst.ratio, worst.gap.where


def _path(reference: Subject, candidate: Subject) -> Iterator[tuple[str, float, str]]:
    distances = follow(reference, candidate).distances
    if distances:
        worst = max(distances, key=lambda distance: distance.ratio)
        yield "trajectory", worst.ratio, f"step {worst.step}, {worst.gap.where}"


def looked_again(job: tuple[int, str, float]) -> Row:
    """Where the ladder would say that two trajectories part, if anywhere; by seed, candidate, and the factor of the rungs."""
    seed, name, factor = job
    backend, device, mode, dtype = name.split(":")
    calibration = replace(BARE, factor=factor)
    with backends():
        start = start_of(seed)
        reference = subject_of(Contender("torch", DEVICE, "eager", dtype), start, calibration)
        candidate = subject_of(Contender(backend, device, mode, dtype), start, calibration)
        place = on_the_way(reference, candidate, follow(reference, candidate))
    return {"parts": "" if place is None else f"step {place.step}, {place.stage}, {place.rung.where}"}


def main(count: int) -> None:
    """Compare, and keep the largest ratio of each experiment, and where the largest of all were."""
    # The processes of the jobs are ended also where this one is.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    jobs = [(seed,) for seed in range(FIRST, FIRST + count)]
    rows = [row for _, found in done("calibrating", experiment_rows, jobs) for row in found["rows"]]
    rungs = [row for row in rows if row["rung"] != "trajectory"]
    paths = [row for row in rows if row["rung"] == "trajectory"]
    factor = table(rungs)["largest"][0]
    far = [(row["seed"], row["candidate"], factor) for row in paths if row["ratio"] > AGAIN]
    parts_at = {job[:2]: found["parts"] for job, found in done("looking again", looked_again, far)}
    for row in paths:
        row["parts"] = parts_at.get((row["seed"], row["candidate"]), "")  # only the far ones have been looked at again
    steps = max(draw_experiment(seed).steps for (seed,) in jobs)
    tables = {"rungs": {str(REPLICAS): table(rungs)}, "paths": {str(REPLICAS): table(paths)}}
    made = {"steps": steps, "device": DEVICE, **tables}
    FILE.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    furthest = [row for kind in (rungs, paths) for row in sorted(kind, key=lambda row: -row["ratio"])[:KEPT]]
    for row in furthest:
        parting = f"; parts at {row['parts']}" if row.get("parts") else ""
        print(f"{row['ratio']:.3g} at {row['rung']} of {row['candidate']}, seed {row['seed']}: {row['where']}{parting}")
    print(f"kept in {FILE} and {keep('calibration', furthest, ['jax', 'torch'])}")


def done(name: str, work: Callable[[Any], Row], jobs: Sequence[Any]) -> list[tuple[Any, Row]]:
    """What came of jobs; one that ends in an error ends it all, as what was left out could have been the furthest."""
    with Progress() as progress:
        bar = progress.add_task(name, total=len(jobs))
        kept = parts.folder("benchmarks/calibrate.py") / f"{work.__name__}.jsonl"
        ended = list(rows_of(work, jobs, kept, told=lambda count: progress.update(bar, completed=count)))
    errors = [f"{name} {job}: {row['error']}" for job, row in ended if "error" in row]
    if errors:
        raise SystemExit("\n".join(errors))
    return ended


def table(rows: list[Row]) -> Row:
    """How much was compared, and the largest ratio of each experiment, the largest first.

    A trajectory that no step explains goes as far as its second look: rounding parted it, as the ladder says too.
    """
    largest: dict[int, float] = {}
    for row in rows:
        ratio = row["ratio"] if row.get("parts", "found") else min(row["ratio"], AGAIN)
        largest[row["seed"]] = max(ratio, largest.get(row["seed"], 0.0))
    return {"comparisons": len(rows), "largest": sorted(largest.values(), reverse=True)}


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else EXPERIMENTS)
