"""Two files of results: is anything faster or slower than it was?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from parity.throughput.rows import Row, latest
from parity.throughput.statistics import resampled_medians

MACHINE = ("processor", "cores", "system")
"""Facts of the environment that make two machines; another version of a framework is a change like any other."""


@dataclass(frozen=True)
class Change:
    """What became of one contender on one network."""

    row: Row
    """As measured last."""
    ratio: float | None
    """Seconds a step, now over before; None where the two may not be compared."""
    interval: tuple[float, float] | None
    """95 %, no narrower than the noise and the drift of either, and what the machine has become faster or slower by."""
    verdict: str
    """faster, slower, unclear, or void."""
    why: str = ""


def compared(before: Sequence[Row], after: Sequence[Row]) -> list[Change]:
    """The changes of what stands in both."""
    known = {(row.cell, row.contender, row.class_): row for row in latest(before)}
    pairs = [(known.get((row.cell, row.contender, row.class_)), row) for row in latest(after)]
    return [_change(old, new) for old, new in pairs if old is not None]


def _change(old: Row, new: Row) -> Change:
    why = _why_void(old, new)
    if why:
        return Change(new, None, None, "void", why)
    # Drawn with other seeds, so that the two are independent.
    medians = [np.log(resampled_medians(np.array(row.samples), seed)) for seed, row in enumerate((old, new))]
    value = float(np.median(np.log(new.samples)) - np.median(np.log(old.samples)))
    low, high = np.quantile(medians[1] - medians[0], (0.025, 0.975))
    noise, machine = max(map(_unsteady, (old, new))), np.log(_machine(old, new))
    low, high = min(low, value - noise) - max(0.0, machine), max(high, value + noise) - min(0.0, machine)
    verdict = "slower" if low > 0 else "faster" if high < 0 else "unclear"
    return Change(new, float(np.exp(value)), (float(np.exp(low)), float(np.exp(high))), verdict)


def _unsteady(row: Row) -> float:
    """How far the seconds of a session may be off: by what lies between two processes, and by what they drifted."""
    return float(np.log1p(row.noise or 0.0) + abs(np.log1p(row.audit.get("drift", 0.0))))


def _machine(old: Row, new: Row) -> float:
    """How many times as long the machine itself takes, by its limit, which no backend has a part in; 1 where none is known."""
    if not old.limit_seconds or not new.limit_seconds or old.limit != new.limit:
        return 1.0
    return new.limit_seconds / old.limit_seconds


def _why_void(old: Row, new: Row) -> str:
    for name, row in (("before", old), ("after", new)):
        if row.void or not row.samples:
            return f"{name}: {row.void or 'not timed'}"
    if old.clock != new.clock:
        return f"the clocks differ: {old.clock} and {new.clock}"
    other = [name for name in MACHINE if old.environment.get(name) != new.environment.get(name)]
    told = "; ".join(f"{name} {old.environment.get(name)} and {new.environment.get(name)}" for name in other)
    return f"measured on other machines: {told}" if other else ""
