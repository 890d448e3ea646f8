"""How long something takes when nothing disturbs it."""

import time
from collections.abc import Callable

SETTLED = 0.01
"""A best time is taken once `REPEATS` more in a row were not better by this share."""
REPEATS = 5
LONGEST = 2.0
"""Seconds after which the best so far is taken."""


def best_seconds(work: Callable[[], object], clock: Callable[[], float] = time.thread_time) -> float:
    """The least time of a call, in seconds of a clock; CPU time of this thread, unless work is done by several."""
    work()
    best, in_vain, end = float("inf"), 0, time.perf_counter() + LONGEST
    while in_vain < REPEATS and time.perf_counter() < end:
        begin = clock()
        work()
        seconds = clock() - begin
        in_vain = in_vain + 1 if seconds > best * (1 - SETTLED) else 0
        best = min(best, seconds)
    return best
