"""A contender that is as fast as it gets, and several of them timed in turns."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import ceil
from statistics import geometric_mean

import numpy as np

from parity.contender import Contender
from parity.contract import Solver
from parity.progress import Done
from parity.start import Start
from parity.throughput.conditions import together
from parity.throughput.process import Seconds, Worker

FIRST_STEPS, FIRST_SOLUTIONS = 200, 2
"""Steps of the two first calls, whose difference is the time to compile; of a solver, whose steps are long, fewer."""
SAMPLE_SECONDS, MOST_SECONDS = 0.2, 0.3
"""A sample takes about as long at least, so that what comes with every call weighs little; and at most, for there are many."""
AIM = 1.1
"""How much longer than it must be a sample is made: a later one may be quicker."""
MOST_WARMUPS = 8
REPLICAS = 16
"""Runs that are trained in one call, to count whole models a second."""


class Warm:
    """A contender in its worker, compiled and warm."""

    def __init__(self, contender: Contender, worker: Worker, first_steps: int, clock: str = "wall") -> None:
        """`clock` tells how long a sample takes, and whether another is faster."""
        self.contender = contender
        self._worker, self._clock = worker, clock
        self.steps = first_steps
        beginning, again = (self._trained() for _ in range(2))
        self.compile_seconds = max(0.0, beginning.wall - again.wall)
        self.was_kept = beginning.warm
        self._warm_up(self._settled(self._told(again)))

    def sample(self, delay: float = 0.0) -> Seconds:
        """Seconds a step, of some steps together."""
        total = self._trained(delay)
        return replace(total, wall=total.wall / self.steps, cpu=total.cpu / self.steps)

    def replica_seconds(self) -> float:
        """Wall seconds a step of each of some replicas that are trained in one call."""
        steps = max(1, self.steps // REPLICAS)
        self._worker.seconds(self.contender, steps, replicas=REPLICAS)
        return self._worker.seconds(self.contender, steps, replicas=REPLICAS).wall / (steps * REPLICAS)

    def _trained(self, delay: float = 0.0) -> Seconds:
        return self._worker.seconds(self.contender, self.steps, delay)

    def _told(self, seconds: Seconds) -> float:
        (told,) = read((seconds,), self._clock)
        return told

    def _settled(self, seconds: float) -> float:
        """Seconds of a sample, now that it has as many steps as it takes; at first they are those of the first call."""
        for _ in range(MOST_WARMUPS):
            steps = ceil(self.steps * AIM * SAMPLE_SECONDS / seconds)
            if SAMPLE_SECONDS <= seconds <= MOST_SECONDS or steps == self.steps:
                break
            self.steps = steps
            seconds = [self._told(self._trained()) for _ in range(2)][1]  # The first of a number of steps may compile.
        return seconds

    def _warm_up(self, before: float) -> None:
        """Until a sample is no faster than the one before it."""
        for _ in range(MOST_WARMUPS):
            now = self._told(self._trained())
            if now >= before:
                return
            before = now


Samples = tuple[Seconds, ...]
"""Of one contender, in seconds a step, in the order of the rounds."""


def in_turns(samplers: Sequence[Callable[[], Seconds]], rounds: int, done: Done = lambda number: None) -> list[Samples]:
    """A sample of each in every round: A B C, C B A, then in another order and backwards.

    Any two lie as A B B A, so that what drifts evenly meets both alike, and none has the same neighbours always.
    """
    random = np.random.default_rng(0)
    taken: list[list[Seconds]] = [[] for _ in samplers]
    order: list[int] = list(range(len(samplers)))
    for number in range(rounds):
        order = random.permutation(order).tolist() if number % 2 == 0 else order[::-1]
        for place in order:
            taken[place].append(samplers[place]())
        done(number + 1)
    return [tuple(samples) for samples in taken]


def mean_of(processes: Sequence[Samples]) -> Samples:
    """Of several processes of one contender: in each round the geometric mean, for what is told is told of ratios."""
    return tuple(
        Seconds(
            wall=geometric_mean(each.wall for each in taken),
            cpu=geometric_mean(each.cpu for each in taken),
            conditions=together([each.conditions for each in taken]),
        )
        for taken in zip(*processes, strict=True)
    )


def clock_of(contender: Contender, threads: int) -> str:
    """The clock that a contender is judged by.

    On one core of a machine that others use it is the core's own, `cpu`; with several threads, some of which wait, or a device
    that computes while the host waits, it is the one on the wall.
    """
    return "cpu" if contender.device == "cpu" and threads == 1 else "wall"


def read(seconds: Samples, clock: str) -> list[float]:
    """What a clock says."""
    return [each.cpu if clock == "cpu" else each.wall for each in seconds]


def first_steps(start: Start) -> int:
    """Steps of the two first calls."""
    return FIRST_SOLUTIONS if isinstance(start.config.optimizer, Solver) else FIRST_STEPS
