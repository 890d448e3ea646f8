"""`python -m benchmarks.faults`: run it all, or a part, print the tables and keep a whole run's results.

Where a whole run falls short of a figure, its results are kept all the same, and the exit status is 1.
"""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from rich.progress import Progress

from benchmarks.faults import healthy, jobs, mutants, parts, planted
from benchmarks.faults.figures import shortfalls
from benchmarks.faults.rates import rates
from benchmarks.faults.table import page
from benchmarks.results import FOLDER
from parity.environment import describe

PARTS = {"faults": planted, "mutants": mutants, "healthy": healthy}
# CPU seconds a job may take.
SECONDS = {"faults": 300, "mutants": 120, "healthy": 900}

Row = dict[str, Any]


def main() -> None:
    """Run what was asked for; a whole run leaves its results in `benchmarks/results`."""
    # The processes of the jobs are ended also where this one is.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    asked = _asked()
    chosen = [asked.only] if asked.only else list(PARTS)
    record: Row = {name: [] for name in (*PARTS, "errors")}
    with Progress() as progress:
        for name in chosen:
            record[name], errors = collect(name, asked.limit, asked.seed, asked.processes, progress)
            record["errors"] += errors
    record["rates"] = rates(record["faults"], record["mutants"], record["healthy"])
    if asked.only or asked.limit:
        print(page(record))
        print("A part of the whole, so nothing is kept in benchmarks/results.")
        sys.exit(1 if record["errors"] else 0)
    keep(record, FOLDER)
    short = list(shortfalls(record))
    if short:
        sys.exit("\n".join(["What fell short:", *short]))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--only", choices=PARTS, help="run this part alone")
    parser.add_argument("--limit", type=int, help="run so many jobs of each part, drawn by --seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    return parser.parse_args()


def collect(name: str, limit: int | None, seed: int, processes: int, progress: Progress) -> tuple[list[Row], list[Row]]:
    """The rows of one part, in the order of its jobs, and the jobs that ended in an error instead."""
    part = PARTS[name]
    asked = sample(part.jobs(), limit, seed)
    if name == "mutants":
        mutants.references()
    task = progress.add_task(name, total=len(asked))
    ended = jobs.rows_of(
        part.row_of,
        asked,
        parts.folder() / f"{name}.jsonl",
        processes=processes,
        seconds=SECONDS[name],
        keep_errors=name == "mutants",  # which may end their process, or never
        told=lambda done: progress.update(task, completed=done),
    )
    rows = dict(ended)
    if name == "mutants":
        rows = {job: mutants.ended(job, row["error"]) if "error" in row else row for job, row in rows.items()}
    errors = [
        {"part": name, "job": ", ".join(map(str, job)), "error": rows[job]["error"]}
        for job in asked
        if "error" in rows[job]
    ]
    well = [rows[job] for job in asked if "error" not in rows[job]]
    return [each for row in well for each in (row["rows"] if name == "healthy" else [row])], errors


def sample(asked: Sequence[jobs.Job], limit: int | None, seed: int) -> list[jobs.Job]:
    """All jobs, or some of them, in their order."""
    if limit is None or limit >= len(asked):
        return list(asked)
    return [asked[i] for i in sorted(Random(seed).sample(range(len(asked)), limit))]


def keep(record: Row, folder: Path) -> None:
    """Write the results and their table, and say where."""
    record = {"environment": describe(["jax", "torch"]), **record}
    lines = [f"{json.dumps(name)}: {_told(value)}" for name, value in record.items()]
    (folder / "faults.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    (folder / "faults.md").write_text(page(record), encoding="utf-8")
    print(f"kept in {folder / 'faults.json'} and {folder / 'faults.md'}")


def _told(value: Any) -> str:
    """JSON with a line for each row."""
    if not isinstance(value, list):
        return json.dumps(value, indent=2, allow_nan=False)
    return "[\n" + ",\n".join(json.dumps(finite(row), allow_nan=False) for row in value) + "\n]"


def finite(row: Row) -> Row:
    """The row with null where a number is not finite."""
    return {name: None if isinstance(value, float) and value - value != 0.0 else value for name, value in row.items()}


if __name__ == "__main__":
    main()
