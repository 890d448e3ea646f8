"""The outcome of a pair over its seeds: what is compared, by which margin, and what may be said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from parity.experiment import Experiment
from parity.outcomes.equivalence import ALARM, TEST_ALPHA, discordance
from parity.outcomes.measures import Curves, ever_reached, final, steps_to_target
from parity.outcomes.words import doubts, reasons, summary
from parity.result import Measure, MeasureVerdict, Outcome, Pair, Rung, SeedRuns, Tally

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Runs:
    """The runs of a pair, those of one row from the same seed."""

    reference: SeedRuns
    candidate: SeedRuns

    @cached_property
    def count(self) -> int:
        """Pairs that were trained; an interrupt may have left one side a few ahead."""
        return min(len(self.reference.seeds), len(self.candidate.seeds))

    @cached_property
    def diverged(self) -> tuple[Flags, Flags]:
        """(R,) of each side."""
        sides = [runs.diverged_at[: self.count] for runs in (self.reference, self.candidate)]
        mine, theirs = (np.array([step is not None for step in steps], bool) for steps in sides)
        return mine, theirs

    @cached_property
    def curves(self) -> Curves:
        """(R', E) R2 of each side, for the pairs in which neither diverged."""
        compared = ~(self.diverged[0] | self.diverged[1])
        return self.reference.r2[: self.count][compared], self.candidate.r2[: self.count][compared]


def held(pair: Pair) -> bool:
    """Whether the climb came to its end, the rung accuracy, so that an outcome says something new.

    One that diverged or could not be judged ends on an earlier rung, which passed all the same.
    """
    last = pair.rungs[-1] if pair.rungs else None
    return last is not None and last.name == "accuracy" and last.passed and not last.undecided


def with_outcomes(
    pairs: Sequence[Pair],
    seed_runs: Mapping[str, SeedRuns],
    experiment: Experiment,
    metric: str,
    evaluated_at: Sequence[int],
) -> list[Pair]:
    """The pairs with what their seeds say, where all rungs held and both sides were trained."""
    return [
        _with_outcome(
            pair,
            judge(pair, Runs(seed_runs[pair.reference], seed_runs[pair.candidate]), experiment, metric, evaluated_at),
        )
        if held(pair) and {pair.reference, pair.candidate} <= seed_runs.keys()
        else pair
        for pair in pairs
    ]


def _with_outcome(pair: Pair, outcome: Outcome) -> Pair:
    """The rung accuracy is judged by the outcome, and a different outcome makes the pair different."""
    rungs = tuple(_accuracy(rung, outcome) if rung.name == "accuracy" else rung for rung in pair.rungs)
    if outcome.verdict != "different":
        return replace(pair, summary=f"{pair.summary} {outcome.summary}", rungs=rungs, outcome=outcome)
    parted = f"{pair.candidate} and {pair.reference} hold step by step and part at the rung accuracy. {outcome.summary}"
    return replace(pair, verdict="different", summary=parted, rungs=rungs, outcome=outcome)


def judge(pair: Pair, runs: Runs, experiment: Experiment, metric: str, evaluated_at: Sequence[int]) -> Outcome:
    """Different where anything is; equivalent where all is that can be judged, and no run diverged on one side alone.

    That all measures must be equivalent needs no correction for their number: it makes the claim harder, not easier.
    """
    measures = (
        final(metric, runs.curves, experiment, _coarser_dtype(pair)),
        steps_to_target(runs.curves, experiment, evaluated_at),
    )
    diverged = _tally(*runs.diverged)
    reached = _tally(*(ever_reached(curves, experiment.target_r2) for curves in runs.curves))
    against = reasons(measures, diverged, reached)
    doubtful = doubts(measures, diverged, runs.count, experiment.seeds)
    verdict: MeasureVerdict = "different" if against else "inconclusive" if doubtful else "equivalent"
    how = [side.note for side in (runs.reference, runs.candidate) if side.note]
    return Outcome(
        seeds=runs.count,
        alpha=TEST_ALPHA,
        alarm=ALARM,
        verdict=verdict,
        summary=summary(pair, verdict, measures, against, doubtful, runs.count),
        measures=measures,
        diverged=diverged,
        reached=reached,
        note="; ".join(dict.fromkeys((*against, *doubtful, *how))),
    )


def _coarser_dtype(pair: Pair) -> str:
    dtypes = [name.rsplit(":", 1)[1] for name in (pair.reference, pair.candidate)]
    return max(dtypes, key=lambda dtype: float(np.finfo(dtype).eps))


def _tally(mine: Flags, theirs: Flags) -> Tally:
    only_mine, only_theirs = int((mine & ~theirs).sum()), int((theirs & ~mine).sum())
    both, neither = int((mine & theirs).sum()), int((~mine & ~theirs).sum())
    return Tally(both, only_mine, only_theirs, neither, discordance(only_mine, only_theirs))


def _accuracy(rung: Rung, outcome: Outcome) -> Rung:
    """The rung as the outcome judges it; inconclusive, it is described as with one seed."""
    told: Measure = next((m for m in outcome.measures if m.verdict == outcome.verdict), outcome.measures[0])
    gap = None if told.mean_difference is None else abs(told.mean_difference)
    note = f"mean difference in {told.name} over {outcome.seeds} seeds"
    if outcome.verdict == "inconclusive":
        return replace(rung, gap=gap, note=f"{note}: inconclusive")
    if told.verdict != outcome.verdict:
        return replace(rung, passed=False, gap=None, note=outcome.note)
    return replace(rung, passed=outcome.verdict == "equivalent", gap=gap, limit=told.margin, where=note, note=note)
