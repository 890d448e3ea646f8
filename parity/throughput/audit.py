"""The audit: what this machine's timings are worth, said by timing one thing against itself."""

import os
from dataclasses import dataclass
from statistics import median

from parity.throughput.statistics import ratio_of
from parity.throughput.steady import Samples, read

FLOOR = 0.05
"""Noise above which no figure of a machine is to be published, as a share; `--floor` sets another."""
BUSY = 1.1
"""How many times the time that it computed a run may take before the machine counts as busy."""


@dataclass(frozen=True)
class Audit:
    """What timing a contender against itself has shown."""

    floor: float
    """The noise: how far the ratio of two that are the same may seem to be off 1, as a share, with 95 % confidence."""
    drift: float
    """The median of the last third of the samples over that of the first, less 1."""
    busy: float
    """Wall time over the time that the cores computed, in the middle; above 1 others had the cores."""
    load: float
    """Runnable processes of the machine in the last minute, a core."""
    threads: int
    """That the process computes with."""

    def marks(self, largest_floor: float) -> list[str]:
        """Why figures measured here are not to be published; none where they may be."""
        found = []
        if self.floor > largest_floor:
            found.append(f"noise of {self.floor:.1%} is above {largest_floor:.1%}")
        if self.busy > BUSY:
            found.append(f"busy: runs took {self.busy:.2f} times the time that they computed")
        return found


def audit(one: Samples, other: Samples, clock: str, threads: int) -> Audit:
    """What samples of one contender, in turns in two processes of its own, say."""
    ratio = ratio_of(read(one, clock), read(other, clock))
    everything = [seconds for pair in zip(one, other, strict=True) for seconds in pair]
    times = read(tuple(everything), clock)
    third = max(1, len(times) // 3)
    return Audit(
        floor=max(1.0 / ratio.low, ratio.high) - 1.0,
        drift=median(times[-third:]) / median(times[:third]) - 1.0,
        busy=median(each.wall / each.cpu for each in everything) if clock == "cpu" else 1.0,
        load=load(),
        threads=threads,
    )


def load() -> float:
    """Runnable processes in the last minute, a core; 0 where the system does not say."""
    return os.getloadavg()[0] / (os.cpu_count() or 1) if hasattr(os, "getloadavg") else 0.0
