"""How much longer one process takes for a step than another, on one core, both warm.

Samples of the two lie as A B B A, so that a drift of the machine falls on both alike. What is compared is CPU time: a neighbour
on the core makes a process wait, and is none of its cost.
"""

from math import ceil
from statistics import median
from typing import Any

from benchmarks.peers.worker import Worker
from parity.throughput.process import Seconds
from parity.throughput.statistics import ratio_of
from parity.throughput.steady import SAMPLE_SECONDS, Samples, in_turns, read

PAIRS = 12
AIM = 1.5
"""How much longer than it must be a sample is made: a later one may be quicker."""
FIRST_STEPS = 256
UNIT = 32
"""Of which the steps of every sample are a multiple: that many make an execution of Keras."""


class Timed:
    """A worker, compiled and warm for a number of steps that takes long enough."""

    def __init__(self, worker: Worker) -> None:
        self.worker, self.steps = worker, FIRST_STEPS
        while (seconds := self._warm()) < SAMPLE_SECONDS:
            self.steps = UNIT * ceil(self.steps * AIM * SAMPLE_SECONDS / seconds / UNIT)

    def sample(self) -> Seconds:
        """Seconds a step."""
        total = self.worker.train(self.steps)
        return Seconds(total.wall / self.steps, total.cpu / self.steps)

    def _warm(self) -> float:
        """CPU seconds of so many steps once they are compiled."""
        for _ in range(2):
            seconds = self.worker.train(self.steps).cpu
        return seconds


def compared(peer: Timed, ours: Timed) -> dict[str, Any]:
    """The pairs of a peer and one of ours, and what they say."""
    samples = in_turns([peer.sample, ours.sample], PAIRS)
    theirs, mine = (read(each, "cpu") for each in samples)
    ratio = ratio_of(theirs, mine)
    return {
        "ratio": ratio.value,
        "interval": [ratio.low, ratio.high],
        "pairs": ratio.pairs,
        "microseconds": 1e6 * median(theirs),
        "ours_microseconds": 1e6 * median(mine),
        "steps": peer.steps,
        "ours_steps": ours.steps,
        "wall_over_cpu": waited(samples[0]),
        "ours_wall_over_cpu": waited(samples[1]),
    }


def waited(samples: Samples) -> float:
    """Wall over CPU time, in the middle."""
    return median(each.wall / each.cpu for each in samples)
