"""Schedules, as the formulas in `parity.contract.schedules` have them, in Python floats."""

import math

from parity.contract import Constant, Cosine, Exponential, OneCycle, Schedule, Step, WarmupCosine


def multiple(schedule: Schedule, t: int, steps: int) -> float:
    """What the learning rate is multiplied by at step t, counted from 0, of a run of `steps`."""
    t = min(t, steps - 1)
    match schedule:
        case Constant():
            return 1.0
        case Cosine(end=end):
            return _ease(1.0, end, t / steps)
        case Exponential(decay=decay):
            return float(decay**t)
        case Step(every=every, decay=decay):
            return float(decay ** (t // every))
        case OneCycle():
            return _one_cycle(schedule, t, steps)
        case WarmupCosine():
            return _warmup_cosine(schedule, t, steps)


def _one_cycle(schedule: OneCycle, t: int, steps: int) -> float:
    first, last = 1 / schedule.div, 1 / (schedule.div * schedule.final_div)
    peak = schedule.rise * steps - 1
    if t < peak:
        return _ease(first, 1.0, t / peak)
    return _ease(1.0, last, (t - peak) / (steps - 1 - peak))


def _warmup_cosine(schedule: WarmupCosine, t: int, steps: int) -> float:
    warmup = round(schedule.warmup * steps)
    if t < warmup:
        return schedule.start + (1 - schedule.start) * t / warmup
    return _ease(1.0, schedule.end, (t - warmup) / (steps - warmup))


def _ease(start: float, end: float, share: float) -> float:
    """Half a cosine from `start`, at a share of 0, to `end`, at a share of 1."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
