"""An outcome in words; the margin is a choice, so it stands in every sentence that claims something."""

from collections.abc import Sequence

from parity.numbers import short
from parity.outcomes.equivalence import ALARM, TEST_ALPHA
from parity.result import Measure, MeasureVerdict, Pair, Tally


def reasons(measures: Sequence[Measure], diverged: Tally, reached: Tally) -> list[str]:
    """What shows that the two are different; empty where nothing does."""
    beyond = [f"{m.name} differs by more than the margin" for m in measures if m.verdict == "different"]
    uneven = [
        f"{_alone(tally, did)} (p = {tally.p_value:.1g})"
        for tally, did in ((diverged, "diverged"), (reached, "reached the target"))
        if tally.p_value <= ALARM
    ]
    return beyond + uneven


def doubts(measures: Sequence[Measure], diverged: Tally, trained: int, asked: int) -> list[str]:
    """What stands against calling them equivalent; empty where nothing does."""
    found = [f"{trained} of {asked} seeds were trained"] if trained < asked else []
    if diverged.reference_only or diverged.candidate_only:
        found.append(f"{_alone(diverged, 'diverged')}, which no mean makes up for")
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
) -> str:
    """The verdict and why it is no other, and the numbers with the margins that they were judged by."""
    why = f", because {'; '.join(against or doubtful)}" if against or doubtful else ""
    verdicts = f"Over {seeds} seeds the outcomes of {pair.candidate} and {pair.reference} are {verdict}{why}."
    told = "; ".join(filter(None, map(_measured, measures)))
    return f"{verdicts} {told}." if told else verdicts


def _measured(measure: Measure) -> str:
    if measure.verdict is None:
        return f"{measure.name} is not judged, as {measure.note}"
    if measure.mean_difference is None or measure.interval is None or measure.margin is None:
        return ""
    interval = " to ".join(map(short, measure.interval))
    return (
        f"{measure.name}: mean difference {short(measure.mean_difference)} ({1 - 2 * TEST_ALPHA:.0%} interval {interval}; "
        f"margin {short(measure.margin)}, {measure.margin_text})"
    )


def _alone(tally: Tally, did: str) -> str:
    """On how many seeds one side did what the other did not."""
    total = tally.both + tally.reference_only + tally.candidate_only + tally.neither
    counts = [("reference", tally.reference_only), ("candidate", tally.candidate_only)]
    return " and ".join(f"the {side} alone {did} on {count} of {total} seeds" for side, count in counts if count)
