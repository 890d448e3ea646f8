"""Steps per second of several contenders: a fresh process a framework, one core, rounds interleaved forwards and backwards."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import astuple
from statistics import median
from tempfile import TemporaryFile
from typing import Any, Literal

from parity.contender import Contender
from parity.contract import ParityError, Solver
from parity.progress import Done
from parity.records import table_of
from parity.result import Throughput
from parity.start import Start

FIRST_STEPS, FIRST_SOLUTIONS = 200, 2
"""Steps of the two first calls, whose difference is the time to compile; of a solver, whose steps are long, fewer."""
ROUND_SECONDS = 0.25
ROUNDS = 6


class TimingError(ParityError):
    """A contender could not be timed."""


class Worker:
    """A process with one framework that trains on demand."""

    def __init__(self, backend: str, table: dict[str, Any], core: int) -> None:
        self.backend = backend
        # A file, because a pipe that nobody reads fills up and holds the process.
        self._errors = TemporaryFile("w+")  # noqa: SIM115 (it lives as long as the process, and `close` closes it)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "parity.throughput.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self.hashes = self._ask({"experiment": table, "core": core})["hashes"]

    def seconds(self, contender: Contender, steps: int) -> float:
        """Seconds of one training of so many steps."""
        return self.training(contender, steps)[0]

    def training(self, contender: Contender, steps: int) -> tuple[float, bool]:
        """Seconds of one training of so many steps, and whether nothing was compiled in it."""
        answer = self._ask({"contender": astuple(contender), "steps": steps})
        return float(answer["seconds"]), bool(answer["warm"])

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            self._process.wait()
            self._errors.seek(0)
            last = (self._errors.read().strip().splitlines() or ["it said nothing"])[-1]
            raise TimingError(f"the process of {self.backend} ended while it was timed: {last}")
        reply: dict[str, Any] = json.loads(answer)
        return reply


class Timed:
    """A contender in its worker, compiled and warm."""

    def __init__(self, contender: Contender, worker: Worker, first_steps: int) -> None:
        self._contender, self._worker = contender, worker
        beginning, warm = worker.training(contender, first_steps)
        again = worker.seconds(contender, first_steps)
        self._compile_seconds = max(0.0, beginning - again)
        self._cache: Literal["cold", "warm"] = "warm" if warm else "cold"
        self._steps = max(first_steps, int(first_steps * ROUND_SECONDS / again))
        worker.seconds(contender, self._steps)
        self._rates: list[float] = []

    def sample(self) -> None:
        """Train one round."""
        self._rates.append(self._steps / self._worker.seconds(self._contender, self._steps))

    def throughput(self) -> Throughput:
        """The rounds so far."""
        spread = min(self._rates), max(self._rates)
        return Throughput(median(self._rates), spread, self._compile_seconds, self._cache)


def measure(contenders: Sequence[Contender], start: Start, done: Done) -> dict[str, Throughput]:
    """Throughput by contender; TimingError where one can't be timed or starts from other bytes than `start`."""
    table, hashes = table_of(start.experiment), dict(start.hashes)
    first_steps = FIRST_SOLUTIONS if isinstance(start.config.optimizer, Solver) else FIRST_STEPS
    core = min(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    with ExitStack() as open_workers:
        workers: dict[str, Worker] = {}
        for name in dict.fromkeys(contender.backend for contender in contenders):
            workers[name] = Worker(name, table, core)
            open_workers.callback(workers[name].close)
            if workers[name].hashes != hashes:
                raise TimingError(f"{name} started from other bytes in its own process, so its speed is void")
        timed = []
        for contender in contenders:
            timed.append(Timed(contender, workers[contender.backend], first_steps))
            done(len(timed))
        for number in range(ROUNDS):
            for each in timed if number % 2 == 0 else reversed(timed):
                each.sample()
            done(len(timed) + number + 1)
    return {str(contender): each.throughput() for contender, each in zip(contenders, timed, strict=True)}
