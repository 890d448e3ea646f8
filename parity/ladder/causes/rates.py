"""The schedules of the contract once more, as functions of one step."""

import math
from collections.abc import Callable

from parity.contract import Constant, Cosine, Exponential, OneCycle, Schedule, Step, WarmupCosine

Multiple = Callable[[int], float]
"""What the learning rate is multiplied by at a step, counted from 0."""


def multiple(schedule: Schedule, steps: int) -> Multiple:
    """As declared, for a run of so many steps."""

    def at(step: int) -> float:
        t = min(max(step, 0), steps - 1)
        match schedule:
            case Constant():
                return 1.0
            case Cosine(end=end):
                return ease(1.0, end, t / steps)
            case Exponential(decay=decay):
                return float(decay**t)
            case Step(every=every, decay=decay):
                return float(decay ** (t // every))
            case OneCycle():
                return one_cycle(schedule, schedule.rise * steps - 1, steps - 1, t)
            case WarmupCosine():
                return _warmup_cosine(schedule, t, steps)

    return at


def one_cycle(schedule: OneCycle, peak: float, end: float, t: int) -> float:
    """Up to the peak and down to the end, both in steps."""
    first = 1 / schedule.div
    if t < peak:
        return ease(first, 1.0, t / peak)
    return ease(1.0, first / schedule.final_div, (t - peak) / (end - peak) if end > peak else 1.0)


def _warmup_cosine(schedule: WarmupCosine, t: int, steps: int) -> float:
    warmup = round(schedule.warmup * steps)
    if t < warmup:
        return schedule.start + (1 - schedule.start) * t / warmup
    return ease(1.0, schedule.end, (t - warmup) / max(steps - warmup, 1))


def ease(start: float, end: float, share: float) -> float:
    """Half a cosine from `start`, at a share of 0, to `end`, at a share of 1."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
