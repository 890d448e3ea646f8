"""An outcome in words; the margin is a choice, so it stands in every sentence that claims something."""

from collections.abc import Sequence

from parity.numbers import short
from parity.outcomes.equivalence import ALARM, ALPHA
from parity.result import Measure, MeasureVerdict, Pair, Tally


def reasons(measures: Sequence[Measure], diverged: Tally, reached: Tally) -> list[str]:
    """What shows that the two are different; empty where nothing does."""
    beyond = [f"{m.name} differs by more than the margin" for m in measures if m.verdict == "different"]
    uneven = [
        f"{_sides(tally)} {what} (p = {tally.p_value:.1g})"
        for tally, what in ((diverged, "diverged"), (reached, "reached the target"))
        if tally.p_value <= ALARM
    ]
    return beyond + uneven


def doubts(measures: Sequence[Measure], diverged: Tally, trained: int, asked: int) -> list[str]:
    """What stands against calling them equivalent; empty where nothing does."""
    found = [f"{trained} of {asked} seeds were trained"] if trained < asked else []
    if diverged.reference_only or diverged.candidate_only:
        found.append(f"{_sides(diverged)} diverged, and no mean can make up for that")
    found += [f"{m.name} is undecided ({m.note})" for m in measures if m.verdict == "inconclusive"]
    if all(m.verdict is None for m in measures):
        found.append("there is nothing to judge by")
    return found


def summary(
    pair: Pair,
    verdict: MeasureVerdict,
    measures: Sequence[Measure],
    against: Sequence[str],
    doubtful: Sequence[str],
    seeds: int,
    share: float,
) -> str:
    """The verdict and why it is no other, the numbers, and where the margin comes from."""
    why = f", because {'; '.join(against or doubtful)}" if against or doubtful else ""
    verdicts = f"Over {seeds} seeds the outcomes of {pair.candidate} and {pair.reference} are {verdict}{why}."
    told = "; ".join(filter(None, map(_measured, measures)))
    chosen = f"A margin is {share:g} of the standard deviation of the reference's own seeds."
    return f"{verdicts} {told}. {chosen}" if told else verdicts


def _measured(measure: Measure) -> str:
    if measure.verdict is None:
        return f"{measure.name} is not judged, as {measure.note}"
    if measure.mean_difference is None or measure.interval is None or measure.margin is None:
        return ""
    interval = " to ".join(map(short, measure.interval))
    return (
        f"{measure.name}: mean difference {short(measure.mean_difference)} "
        f"({1 - 2 * ALPHA:.0%} interval {interval}, margin {short(measure.margin)})"
    )


def _sides(tally: Tally) -> str:
    """On how many seeds one side did what the other did not."""
    total = tally.both + tally.reference_only + tally.candidate_only + tally.neither
    counts = [("the reference", tally.reference_only), ("the candidate", tally.candidate_only)]
    return " and ".join(f"{who} alone on {count} of {total} seeds" for who, count in counts if count)
