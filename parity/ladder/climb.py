"""The climb: rung by rung until one breaks, and what may be said then."""

from parity.ladder.rungs import EXACT_RUNGS, outcome
from parity.ladder.subject import Subject
from parity.result import Pair, Rung, Verdict


def climb(reference: Subject, candidate: Subject, rungs: list[Rung]) -> Pair:
    """Climb a pair; the first rung that breaks is the last that is reported.

    `rungs` is filled on the way, so that an interrupted climb leaves what it reached.
    """
    with candidate.watcher.task(f"climbing {candidate.contender}", len(EXACT_RUNGS)) as done:
        for compare in EXACT_RUNGS:
            rungs.append(compare(reference, candidate))
            done(len(rungs))
            if not rungs[-1].passed:
                break
    if rungs[-1].passed and not _diverged(reference, candidate):
        rungs.append(outcome(reference, candidate))
    verdict, summary = _judge(reference, candidate, rungs)
    return Pair(str(reference.contender), str(candidate.contender), verdict, summary, tuple(rungs))


def _judge(reference: Subject, candidate: Subject, rungs: list[Rung]) -> tuple[Verdict, str]:
    last, who = rungs[-1], f"{candidate.contender} and {reference.contender}"
    if last.name == "start" and not last.passed:
        return "inconclusive", f"{who} did not start alike, so nothing is claimed about them ({last.where})."
    if not last.passed:
        return "different", (
            f"{who} part at the rung {last.name}: {last.where}, gap {last.gap:.2g} where rounding explains {last.limit:.2g}."
        )
    diverged = _diverged(reference, candidate)
    if diverged:
        return "diverged", f"{who}: {diverged}; nothing is claimed beyond that step."
    return "equivalent", f"{who} hold on every rung."


def _diverged(reference: Subject, candidate: Subject) -> str:
    """Which contenders left the finite numbers, and when."""
    return " and ".join(
        f"{subject.contender} is no longer finite from step {subject.diverged_at}"
        for subject in (reference, candidate)
        if subject.diverged_at is not None
    )
