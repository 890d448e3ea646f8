"""Steps per second of several contenders: a fresh process each, one core, rounds interleaved forwards and backwards."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import astuple
from statistics import median
from typing import Any

from parity.contender import Contender
from parity.contract import ParityError
from parity.result import Throughput

FIRST_STEPS = 200
"""Steps of the two first calls, whose difference is the time to compile."""
ROUND_SECONDS = 0.25
ROUNDS = 6


class TimingError(ParityError):
    """A contender could not be timed."""


class Worker:
    """A process that trains one contender on demand."""

    def __init__(self, contender: Contender, table: dict[str, Any], core: int) -> None:
        self.contender = contender
        self._process = subprocess.Popen(
            [sys.executable, "-m", "parity.throughput.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.hashes = self._ask({"experiment": table, "contender": astuple(contender), "core": core})["hashes"]

    def seconds(self, steps: int) -> float:
        """Seconds of one training of so many steps."""
        return float(self._ask({"steps": steps})["seconds"])

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            _, errors = self._process.communicate()
            raise TimingError(f"{self.contender} ended while it was timed: {(errors.strip() or 'no word')[-300:]}")
        reply: dict[str, Any] = json.loads(answer)
        return reply


def measure(
    contenders: Sequence[Contender],
    table: dict[str, Any],
    steps: int,
    hashes: dict[str, str],
    progress: Callable[[int], None],
) -> dict[str, Throughput]:
    """Throughput by contender; TimingError where one can't be timed or starts from other bytes than `hashes`."""
    core = min(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    first = min(FIRST_STEPS, steps)
    compiling: list[float] = []
    lengths: list[int] = []
    with ExitStack() as open_workers:
        workers = []
        for contender in contenders:
            worker = Worker(contender, table, core)
            open_workers.callback(worker.close)
            if worker.hashes != hashes:
                raise TimingError(f"{contender} started from other bytes in its own process, so its speed is void")
            beginning, again = worker.seconds(first), worker.seconds(first)
            compiling.append(max(0.0, beginning - again))
            lengths.append(min(steps, max(first, int(first * ROUND_SECONDS / again))))
            worker.seconds(lengths[-1])
            workers.append(worker)
            progress(len(workers))
        rates: list[list[float]] = [[] for _ in workers]
        for round_number in range(ROUNDS):
            order = range(len(workers)) if round_number % 2 == 0 else reversed(range(len(workers)))
            for i in order:
                rates[i].append(lengths[i] / workers[i].seconds(lengths[i]))
            progress(len(workers) + round_number + 1)
    return {
        str(contender): Throughput(median(rate), (min(rate), max(rate)), seconds)
        for contender, rate, seconds in zip(contenders, rates, compiling, strict=True)
    }
