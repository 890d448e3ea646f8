"""Is the verdict the same ten times out of ten, also on a busy machine? `python -m benchmarks.repeats [REPEATS]`

The `parity` command in a process of its own, every second time beside more processes that do nothing but compute than there are
cores. Compared is the whole record of every pair, to the last bit: verdict, rungs, limits, horizon, arbiter.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.progress import track

from benchmarks.results import keep

REPEATS = 10
RUNS = {
    "paraboloid": ("--epochs=200",),
    "rings": ("--epochs=20", "--rows=400"),
}
SPIN = (sys.executable, "-c", "while True: pass")


def record_of(problem: str) -> Any:
    """Verdict and pairs of a run."""
    with TemporaryDirectory() as folder:
        command = (sys.executable, "-m", "parity", "run", problem, *RUNS[problem], "--no-throughput", "--out=run")
        subprocess.run(command, cwd=folder, capture_output=True, check=False)
        record = json.loads((Path(folder) / "run" / "result.json").read_text(encoding="utf-8"))
    return record["verdict"], record["pairs"]


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """So many processes beside this one."""
    beside = [subprocess.Popen(SPIN) for _ in range(processes)]
    try:
        yield
    finally:
        for each in beside:
            each.kill()
            each.wait()


def main(repeats: int) -> None:
    """Repeat, print, keep; ends with 1 where anything came out otherwise."""
    rows = []
    for problem in RUNS:
        records = []
        for i in track(range(repeats), description=problem):
            with busy(2 * (os.cpu_count() or 1) if i % 2 else 0):
                records.append(record_of(problem))
        verdicts = [verdict for verdict, _ in records]
        digests = {hashlib.sha256(json.dumps(record).encode()).hexdigest() for record in records}
        most = max(set(verdicts), key=verdicts.count)
        print(f"{problem}: {most} {verdicts.count(most)} times of {repeats}; {len(digests)} different records")
        rows.append({"problem": problem, "repeats": repeats, "verdicts": verdicts, "records": len(digests)})
    print(f"kept in {keep('repeats', rows, ['jax', 'torch'])}")
    raise SystemExit(any(len(set(row["verdicts"])) > 1 or row["records"] > 1 for row in rows))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else REPEATS)
