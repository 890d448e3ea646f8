"""What a peer is: it tells its losses, and trains under a stopwatch."""

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Self

from benchmarks.peers.formulas import OURS, Formula
from benchmarks.peers.job import Job


class Stopwatch:
    """Seconds of CPU time of the process, all threads together, and by the clock, from start to stop."""

    cpu = wall = 0.0

    def start(self, *_: Any, **__: Any) -> None:
        """Also as a library's hook, which hands something over."""
        self._begin = time.process_time(), time.perf_counter()

    def stop(self, *_: Any, **__: Any) -> None:
        """The same."""
        self.cpu, self.wall = (
            now - then for now, then in zip((time.process_time(), time.perf_counter()), self._begin, strict=True)
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Peer(ABC):
    """One way to train the network. It goes on from where it is: what a step costs does not depend on the weights."""

    formula: Formula = OURS
    """How it computes Adam."""
    span = 1
    """Over how many steps a loss that it tells is averaged."""
    note = ""
    """Where start, order or execution can't be ours, or what was set so that they are."""

    def __init__(self, job: Job) -> None:
        self.job = job

    @abstractmethod
    def losses(self, steps: int) -> Sequence[float]:
        """(steps / span,) the mean squared error of each step, from the start; asked first, and once."""

    @abstractmethod
    def train(self, steps: int, watch: Stopwatch) -> None:
        """Train so many steps; the watch runs from the first to the end of the last, and not while a run is set up."""
