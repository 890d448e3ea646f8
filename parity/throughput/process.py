"""A framework in a process of its own, as seen from outside."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from tempfile import TemporaryFile
from typing import Any

from parity.contender import Contender
from parity.contract import ParityError
from parity.environment import THREAD_VARIABLES


class TimingError(ParityError):
    """A contender could not be timed."""


@dataclass(frozen=True)
class Seconds:
    """How long something took."""

    wall: float
    cpu: float
    """Of all threads of the process together."""
    warm: bool = True
    """Whether nothing was compiled meanwhile that is not on the disk."""


@dataclass(frozen=True)
class Phases:
    """What a process of a contender does before it is as fast as it gets, in seconds, and the memory that it took."""

    load: float
    """Importing the framework and finding the device."""
    build: float
    """A trainer, and the state in it."""
    transfer: float
    """Data and order to where training reads them, and back."""
    first_step: float
    """From a built trainer to the end of its first step, compiling with it."""
    compile: float
    """What the first run takes beyond a second one of as many steps: tracing and compiling."""
    idle_bytes: int
    """The process's largest memory before there was a trainer."""
    peak_bytes: int


class Worker:
    """A process with one framework that trains on demand, on the first cores of this machine."""

    def __init__(
        self, backend: str, table: dict[str, Any], *, threads: int = 1, environment: Mapping[str, str] | None = None
    ) -> None:
        self.backend = backend
        # A file, because a pipe that nobody reads fills up and holds the process.
        self._errors = TemporaryFile("w+")  # noqa: SIM115 (it lives as long as the process, and `close` closes it)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "parity.throughput.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads)), **(environment or {})},
        )
        self.hashes: dict[str, str] = self._ask({"experiment": table, "cores": cores(threads)})["hashes"]

    def seconds(self, contender: Contender, steps: int, delay: float = 0.0, replicas: int = 1) -> Seconds:
        """One training of so many steps, of so many replicas in one call.

        `delay` is a share of its time that is idled away behind it, to prove a detector.
        """
        asked = {"time": astuple(contender), "steps": steps, "delay": delay, "replicas": replicas}
        return Seconds(**self._ask(asked))

    def phases(self, contender: Contender, steps: int) -> Phases:
        """The phases of this process, which must have done nothing yet."""
        return Phases(**self._ask({"phases": astuple(contender), "steps": steps}))

    def threads(self) -> int:
        """How many threads the process runs at most at once: those of its numerical libraries, on its cores."""
        return int(self._ask({"threads": True})["threads"])

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
        if "error" in reply:
            raise TimingError(reply["error"])
        return reply


def cores(threads: int) -> list[int]:
    """The cores that so many threads are pinned to; none where the system can't pin."""
    return sorted(os.sched_getaffinity(0))[:threads] if hasattr(os, "sched_getaffinity") else []
