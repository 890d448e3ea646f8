"""A line of advice about a network: what to take, and what it costs."""

from collections.abc import Sequence

from parity.numbers import short
from parity.throughput.rows import Row


def advice(rows: Sequence[Row]) -> str:
    """Which mode is the fastest on this network, what is as fast, and when it pays; empty where none was timed."""
    timed = sorted(
        (row for row in rows if row.seconds_per_step and not row.void and row.class_ == "tuned"), key=_seconds
    )
    if not timed:
        return ""
    best, *rest = timed
    told = f"Take {best.contender}: {short(1e6 * _seconds(best))} us a step"
    equals = [row.contender for row in rest if not is_ahead(best, row)]
    if equals:
        told += f", with {', '.join(equals)} not told apart from it"
    ahead = next((row for row in rest if row.backend != best.backend), None)
    if ahead is not None and ahead.contender not in equals:
        told += f", {short(_seconds(ahead) / _seconds(best))} times as fast as {ahead.contender}, the best of {ahead.backend}"
    if best.break_even_steps:
        told += f"; its compiling has paid after {best.break_even_steps:,} steps"
    return told + "."


def best_modes(rows: Sequence[Row]) -> dict[tuple[str, str], Row]:
    """By backend and device the tuned mode that was the fastest here."""
    best: dict[tuple[str, str], Row] = {}
    for row in rows:
        if row.seconds_per_step and not row.void and row.class_ == "tuned":
            known = best.get((row.backend, row.device))
            if known is None or _seconds(row) < _seconds(known):
                best[row.backend, row.device] = row
    return best


def is_ahead(row: Row, other: Row) -> bool:
    """Whether it is faster than another by more than the noise of the machine."""
    return _seconds(other) > _seconds(row) * (1.0 + (row.noise or 0.0))


def _seconds(row: Row) -> float:
    assert row.seconds_per_step is not None
    return row.seconds_per_step
