"""How much longer one process takes for a step than another, on one core, both warm.

Samples of the two lie as A B B A, so that a drift of the machine falls on both alike. What is compared is CPU time: a neighbour
on the core makes a process wait, and is none of its cost.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import bootstrap

from benchmarks.peers.worker import Worker

BLOCKS = 6
"""Of four samples, which are two pairs."""
SAMPLE_SECONDS = 0.2
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
            self.steps = UNIT * int(np.ceil(self.steps * AIM * SAMPLE_SECONDS / seconds / UNIT))
        self.waited: list[float] = []

    def sample(self) -> float:
        """CPU seconds a step."""
        cpu, wall = self.worker.train(self.steps)
        self.waited.append(wall / cpu)
        return cpu / self.steps

    def _warm(self) -> float:
        """CPU seconds of so many steps once they are compiled."""
        for _ in range(2):
            seconds = self.worker.train(self.steps)[0]
        return seconds


def compared(peer: Timed, ours: Timed) -> dict[str, Any]:
    """The pairs of a peer and one of ours, and what they say."""
    pairs = []
    for each in (peer, ours):
        each.waited.clear()
    for _ in range(BLOCKS):
        first = peer.sample(), ours.sample()
        second = tuple(reversed((ours.sample(), peer.sample())))
        pairs += [first, second]
    theirs, mine = (1e6 * float(np.median(side)) for side in zip(*pairs, strict=True))
    return {
        **ratio(pairs),
        "pairs": len(pairs),
        "microseconds": theirs,
        "ours_microseconds": mine,
        "steps": peer.steps,
        "ours_steps": ours.steps,
        "wall_over_cpu": float(np.median(peer.waited)),
        "ours_wall_over_cpu": float(np.median(ours.waited)),
    }


def ratio(pairs: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """The median of the pairs' ratios with its 95 % bootstrap interval, both taken of the logarithms."""
    logs = np.diff(np.log(np.array(pairs)), axis=1)[:, 0] * -1.0
    found = bootstrap((logs,), np.median, confidence_level=0.95, method="percentile", rng=np.random.default_rng(0))
    low, high = found.confidence_interval
    return {"ratio": float(np.exp(np.median(logs))), "interval": [float(np.exp(low)), float(np.exp(high))]}
