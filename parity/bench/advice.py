"""What to take for a network: who is ahead of whom, by how much, and what it costs."""

from collections.abc import Sequence

from parity.numbers import short
from parity.throughput.rows import Row
from parity.throughput.statistics import Ratio, ratio_of


def fastest_first(rows: Sequence[Row]) -> list[Row]:
    """Those that were timed, in the order of their ratios to the reference, which a drift of the machine does not turn."""
    timed = [row for row in rows if row.seconds_per_step and not row.void]
    return sorted(timed, key=lambda row: row.ratio or 1.0)


def tuned(rows: Sequence[Row]) -> list[Row]:
    """The tuned ones, the fastest in front: a loop of a documentation is beside them in tables, and never among them."""
    return [row for row in fastest_first(rows) if row.class_ == "tuned"]


def between(row: Row, other: Row) -> Ratio:
    """How many times as long the one takes as the other: sample by sample where they were timed side by side.

    Elsewhere by way of the reference, with an interval as wide as both of theirs.
    """
    if row.turns and (row.turns, row.clock) == (other.turns, other.clock):
        return ratio_of(row.samples, other.samples)
    (low, high), (least, most) = (each.ratio_interval or (1.0, 1.0) for each in (row, other))
    value = (row.ratio or 1.0) / (other.ratio or 1.0)
    margin = max(high / least, most / low) - 1.0
    return Ratio(value, low / most, high / least, margin, min(row.pairs, other.pairs))


def is_ahead(row: Row, other: Row) -> bool:
    """Whether it is faster than another by more than the noise of the machine."""
    return between(row, other).told(max(row.noise or 0.0, other.noise or 0.0)) == "faster"


def rival(rows: Sequence[Row]) -> Row | None:
    """The first of another backend than that in front, of rows with the fastest in front."""
    return next((row for row in rows if row.backend != rows[0].backend), None)


def advice(rows: Sequence[Row]) -> str:
    """Which mode is the fastest on this network, what is as fast, and when it pays; empty where none was timed."""
    timed = tuned(rows)
    if not timed:
        return ""
    best, *rest = timed
    told = f"Take {best.contender}: {short(1e6 * _seconds(best))} us a step"
    equals = [row.contender for row in rest if not is_ahead(best, row)]
    if equals:
        told += f", with {', '.join(equals)} not told apart from it"
    ahead = rival(timed)
    if ahead is not None and ahead.contender not in equals:
        told += f", {factor(ahead, best)} times as fast as {ahead.contender}, the best of {ahead.backend}"
    if best.break_even_steps:
        told += f"; its compiling has paid after {best.break_even_steps:,} steps"
    return told + "."


def factor(slower: Row, faster: Row) -> str:
    """How many times as fast the one is as the other, with its 95 % interval."""
    ratio = between(slower, faster)
    return f"{ratio.value:.3g} ({ratio.low:.3g} to {ratio.high:.3g})"


def _seconds(row: Row) -> float:
    assert row.seconds_per_step is not None
    return row.seconds_per_step
