"""A contender that is as fast as it gets, and two of them timed in turns."""

from collections.abc import Callable
from dataclasses import dataclass

from parity.contender import Contender
from parity.contract import Solver
from parity.start import Start
from parity.throughput.process import Seconds, Worker

FIRST_STEPS, FIRST_SOLUTIONS = 200, 2
"""Steps of the two first calls, whose difference is the time to compile; of a solver, whose steps are long, fewer."""
SAMPLE_SECONDS = 0.2
"""A sample takes at least as long, so that what comes with every call weighs little."""
MOST_WARMUPS = 8
REPLICAS = 16
"""Runs that are trained in one call, to count whole models a second."""


class Warm:
    """A contender in its worker, compiled and warm."""

    def __init__(self, contender: Contender, worker: Worker, first_steps: int) -> None:
        self.contender = contender
        self._worker = worker
        beginning = worker.seconds(contender, first_steps)
        again = worker.seconds(contender, first_steps).wall
        self.compile_seconds = max(0.0, beginning.wall - again)
        self.was_kept = beginning.warm
        self.steps = max(first_steps, int(first_steps * SAMPLE_SECONDS / again) + 1)
        self._warm_up()

    def sample(self, delay: float = 0.0) -> Seconds:
        """Seconds a step, of some steps together."""
        total = self._worker.seconds(self.contender, self.steps, delay)
        return Seconds(total.wall / self.steps, total.cpu / self.steps)

    def replica_seconds(self) -> float:
        """Wall seconds a step of each of some replicas that are trained in one call."""
        steps = max(1, self.steps // REPLICAS)
        self._worker.seconds(self.contender, steps, replicas=REPLICAS)
        return self._worker.seconds(self.contender, steps, replicas=REPLICAS).wall / (steps * REPLICAS)

    def threads(self) -> int:
        """That its process computes with."""
        return self._worker.threads()

    def _warm_up(self) -> None:
        """Until a run is no faster than the one before it."""
        before = self.sample().wall
        for _ in range(MOST_WARMUPS):
            now = self.sample().wall
            if now >= before:
                return
            before = now


@dataclass(frozen=True)
class Pairs:
    """Samples of two, taken in turns, in seconds a step."""

    ours: tuple[Seconds, ...]
    theirs: tuple[Seconds, ...]


def interleaved(ours: Callable[[], Seconds], theirs: Callable[[], Seconds], pairs: int) -> Pairs:
    """Samples in the order A B, B A, A B, ...: what drifts evenly meets both alike."""
    taken: list[tuple[Seconds, Seconds]] = []
    for number in range(pairs):
        if number % 2 == 0:
            first = ours()
            taken.append((first, theirs()))
        else:
            second = theirs()
            taken.append((ours(), second))
    return Pairs(*zip(*taken, strict=True))


def clock_of(contender: Contender, threads: int) -> str:
    """The clock that a contender is judged by.

    On one core of a machine that others use it is the core's own, `cpu`; with several threads, some of which wait, or a device
    that computes while the host waits, it is the one on the wall.
    """
    return "cpu" if contender.device == "cpu" and threads == 1 else "wall"


def read(seconds: tuple[Seconds, ...], clock: str) -> list[float]:
    """What a clock says."""
    return [each.cpu if clock == "cpu" else each.wall for each in seconds]


def first_steps(start: Start) -> int:
    """Steps of the two first calls."""
    return FIRST_SOLUTIONS if isinstance(start.config.optimizer, Solver) else FIRST_STEPS
