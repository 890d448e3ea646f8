"""The audit: what this machine's timings are worth, said by timing one thing against itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from parity.throughput.statistics import apart
from parity.throughput.steady import Samples, read

FLOOR = 0.05
"""Noise above which no figure of a machine is to be published, as a share; `--floor` sets another."""
PROCESSES = 5
"""In which the reference is timed: from how far they lie apart it is told how far any other two may."""
BUSY = 1.1
"""How many times the time that it computed a run may take before the machine counts as busy."""


@dataclass(frozen=True)
class Audit:
    """What timing a contender against itself has shown."""

    noise: float
    """How far two processes of one program may seem to be apart, as a share, with 95 % confidence."""
    drift: float
    """The median of the last third of the samples over that of the first, less 1."""
    busy: float
    """Wall time over the time that the cores computed, in the middle; above 1 others had the cores."""

    def marks(self, floor: float) -> list[str]:
        """Why figures measured here are not to be published; none where they may be."""
        found = []
        if self.noise > floor:
            found.append(f"noise of {self.noise:.1%} is above {floor:.1%}")
        if self.busy > BUSY:
            found.append(f"busy: runs took {self.busy:.2f} times the time that they computed")
        return found


def audit(processes: Sequence[Samples], clock: str) -> Audit:
    """What samples of one contender, in turns in some processes of its own, say."""
    everything = [seconds for each in zip(*processes, strict=True) for seconds in each]
    times = read(tuple(everything), clock)
    third = max(1, len(times) // 3)
    return Audit(
        noise=apart([read(samples, clock) for samples in processes]),
        drift=median(times[-third:]) / median(times[:third]) - 1.0,
        busy=median(each.wall / each.cpu for each in everything) if clock == "cpu" else 1.0,
    )
