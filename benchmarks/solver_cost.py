"""What an iteration of Levenberg-Marquardt costs, as a multiple of its products alone: `python -m benchmarks.solver_cost`

2-24-24-1, 697 parameters, 4000 rows, float64, two threads. Beside it, in the same process and in turns, NumPy with BLAS and
LAPACK computes J'J of a Jacobian of that size and its Cholesky factor, and nothing else. Then the peak of memory.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median, quantiles
from typing import Any

import numpy as np

from benchmarks.results import keep
from parity import registry
from parity.contract import MLP, Constant, LevenbergMarquardt, Trainer
from parity.problems import recipe
from parity.start import Start, draw

THREADS = 2
ROWS, MANY_ROWS = 4000, 100_000
ITERATIONS, ROUNDS = 10, 15
TWINS = ("jax", "torch")


def main() -> None:
    """Measure each twin in a process of its own, print and keep."""
    rows = [{"backend": name, **told(name, "cost"), **told(name, "memory")} for name in TWINS]
    for row in rows:
        print(
            f"{row['backend']}: {row['ratio']:.2f} ({row['quartiles'][0]:.2f} to {row['quartiles'][1]:.2f}) times J'J and "
            f"Cholesky in NumPy, {row['milliseconds']:.0f} ms an iteration; "
            f"{row['peak_gib']:.2f} GiB at {MANY_ROWS:,} rows, of which {row['idle_gib']:.2f} before"
        )
    print(f"kept in {keep('solver_cost', rows, list(TWINS))}")


def told(backend: str, what: str) -> dict[str, Any]:
    """What a process of one backend measures."""
    threads = {name: str(THREADS) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    command = [sys.executable, "-m", "benchmarks.solver_cost", what, backend]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **threads})
    result: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return result


def start_of(rows: int) -> Start:
    """The paraboloid with a network of 697 parameters."""
    held_out = 2 / (rows + 2)
    changes = {"rows": rows + 2, "held_out": held_out, "epochs": ITERATIONS, "schedule": Constant()}
    return draw(replace(recipe("paraboloid"), model=MLP((24, 24), "tanh"), optimizer=LevenbergMarquardt(), **changes))


def trained(trainer: Trainer, start: Start) -> float:
    """Seconds of a run of some iterations."""
    state, train, _ = start.cast("float64")
    trainer.set_state(state)
    begin = time.perf_counter()
    trainer.fit(train, start.order)
    return time.perf_counter() - begin


def trainer_of(backend: str, start: Start) -> Trainer:
    """In the backend's default mode, float64."""
    loaded = registry.load(backend)
    return loaded.trainer(start.config, device="cpu", mode=loaded.modes[0], dtype="float64")


def cost(backend: str) -> dict[str, Any]:
    """The median over rounds of an iteration over the products beside it."""
    start = start_of(ROWS)
    trainer = trainer_of(backend, start)
    jacobian = np.random.default_rng(0).standard_normal((ROWS, start.config.size))

    def products() -> None:
        for _ in range(ITERATIONS):
            np.linalg.cholesky(jacobian.T @ jacobian + np.eye(start.config.size))

    trained(trainer, start)
    products()
    rounds = [(trained(trainer, start), seconds(products)) for _ in range(ROUNDS)]
    ratios = [ours / theirs for ours, theirs in rounds]
    low, _, high = quantiles(ratios, n=4)
    return {
        "ratio": median(ratios),
        "quartiles": [low, high],
        "milliseconds": 1e3 * median(ours for ours, _ in rounds) / ITERATIONS,
    }


def memory(backend: str) -> dict[str, Any]:
    """The peak of this process with many rows, and what it took before."""
    start = start_of(MANY_ROWS)
    trainer = trainer_of(backend, start)
    idle = peak()
    trained(trainer, start)
    return {"idle_gib": idle, "peak_gib": peak()}


def peak() -> float:
    """GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def seconds(work: Callable[[], None]) -> float:
    """Seconds of some work."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps({"cost": cost, "memory": memory}[sys.argv[1]](sys.argv[2])))
    else:
        main()
