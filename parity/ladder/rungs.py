"""The rungs, in the order they are climbed; each compares two subjects and says where they are furthest apart."""

from collections.abc import Callable
from operator import itemgetter

import numpy as np

from parity.accuracy import learning_curve
from parity.contract import Arrays
from parity.ladder.gap import NO_GAP, Gap, largest_gap
from parity.ladder.plan import HORIZON
from parity.ladder.subject import Subject
from parity.ladder.tolerance import STRETCH, TELLING, limit, longest_sum
from parity.result import Rung

Compare = Callable[[Subject, Subject], Rung]


def start(reference: Subject, candidate: Subject) -> Rung:
    """Did both receive, bit for bit, what they were given, and do they say that they run it as asked?"""
    gap = NO_GAP
    for subject in (reference, candidate):
        found = subject.misreceived
        asked = {"device": subject.contender.device, "dtype": subject.contender.dtype, "mode": subject.contender.mode}
        says = subject.trainer.describe()
        unlike = [f"{key} {says.get(key)!r}, asked {value!r}" for key, value in asked.items() if says.get(key) != value]
        if subject.trainer.config != subject.start.config:
            unlike.append("another config than it was given")
        if unlike:
            found = Gap(float("inf"), "; ".join(unlike))
        if found.size > gap.size:
            gap = Gap(found.size, f"{subject.contender}: {found.where}")
    return Rung(
        "start", gap.size == 0.0, gap.size, 0.0, gap.where, "data, weights, order and masks, read back bit for bit"
    )


def predict(reference: Subject, candidate: Subject) -> Rung:
    """The same predictions before any training?"""
    gap = _gap(reference, candidate, reference.predictions, candidate.predictions)
    return _judged("predict", gap, reference, candidate, "predictions from the initial weights")


def loss(reference: Subject, candidate: Subject) -> Rung:
    """The same loss of the first batch?"""
    losses = [{"loss": np.array(subject.loss_and_grads[0])} for subject in (reference, candidate)]
    return _judged("loss", largest_gap(*losses), reference, candidate, "loss of the first batch")


def gradients(reference: Subject, candidate: Subject) -> Rung:
    """The same gradient of every tensor?"""
    gap = _gap(reference, candidate, reference.loss_and_grads[1], candidate.loss_and_grads[1])
    return _judged("gradients", gap, reference, candidate, "gradients of the first batch")


def step(reference: Subject, candidate: Subject) -> Rung:
    """The same parameters, buffers and optimizer state behind a few steps, as many as stay finite in both?"""
    behind = min(len(reference.stepped), len(candidate.stepped))
    if behind == 0:
        return Rung("step", True, 0.0, None, "", "not finite behind the first step: nothing to compare")
    mine, theirs = reference.stepped[behind - 1], candidate.stepped[behind - 1]
    gaps = [
        _gap(reference, candidate, mine.parameters, theirs.parameters),
        _gap(reference, candidate, mine.buffers, theirs.buffers),
    ]
    for slot in mine.optimizer.keys() | theirs.optimizer.keys():
        gap = _gap(reference, candidate, mine.optimizer.get(slot, {}), theirs.optimizer.get(slot, {}))
        gaps.append(Gap(gap.size, f"{slot} of {gap.where}" if gap.where else ""))
    if mine.step != theirs.step:
        gaps.append(Gap(float("inf"), f"count of steps {theirs.step}, reference {mine.step}"))
    worst = max(gaps, key=lambda gap: gap.size)
    return _judged("step", worst, reference, candidate, f"state behind {behind} steps", steps=behind)


def trajectory(reference: Subject, candidate: Subject) -> Rung:
    """The same path, step by step, as far as rounding lets two correct runs stay together?"""
    total = reference.start.order.steps
    end = min(HORIZON, total, *(s.diverged_at - 1 for s in (reference, candidate) if s.diverged_at is not None))
    gaps = sorted(
        _loss_gaps(reference, candidate, end) + _checkpoint_gaps(reference, candidate, end), key=itemgetter(0)
    )
    largest, at, bound = NO_GAP, 0, 0.0
    for step, gap in gaps:
        explained = _limit(reference, candidate, step) + STRETCH * largest.size
        if TELLING < gap.size <= explained:
            end = step - 1
            break
        if gap.size > largest.size or not gap.size <= explained:
            largest, at, bound = gap, step, min(explained, TELLING)
        if not gap.size <= explained:
            break
    if largest.size == 0.0:
        bound = min(_limit(reference, candidate, end), TELLING)
    where = f"step {at}, {largest.where}" if largest.where else ""
    note = f"loss of every step and parameters at checkpoints, over the first {end} of {total} steps"
    return Rung("trajectory", largest.size <= bound, largest.size, bound, where, note, covers=end)


def outcome(reference: Subject, candidate: Subject) -> Rung:
    """How well both solve the task; with one seed this is described, not judged."""
    mine, theirs = (learning_curve(subject.start, subject.history)[-1] for subject in (reference, candidate))
    note = "difference in R2; one seed is not judged"
    return Rung("accuracy", True, abs(theirs - mine), None, "", note)


EXACT_RUNGS: tuple[Compare, ...] = (start, predict, loss, gradients, step, trajectory)
"""Those that two correct implementations must pass; `outcome` comes behind them."""


def _judged(name: str, gap: Gap, reference: Subject, candidate: Subject, note: str, steps: int = 1) -> Rung:
    bound = _limit(reference, candidate, steps)
    return Rung(name, gap.size <= bound, gap.size, bound, gap.where, note)


def _limit(reference: Subject, candidate: Subject, steps: int) -> float:
    terms = longest_sum(reference.start.config, len(reference.batch.inputs))
    return max(limit(subject.contender.dtype, terms, max(steps, 1)) for subject in (reference, candidate))


def _gap(reference: Subject, candidate: Subject, mine: Arrays, theirs: Arrays) -> Gap:
    for subject, arrays in ((reference, mine), (candidate, theirs)):
        for name, array in arrays.items():
            if array.dtype != subject.contender.dtype:
                return Gap(float("inf"), f"{name}: {subject.contender} gave {array.dtype}")
    return largest_gap(mine, theirs)


def _loss_gaps(reference: Subject, candidate: Subject, end: int) -> list[tuple[int, Gap]]:
    """The distance of the losses over the largest loss so far, since a loss that vanishes has no digits left."""
    mine, theirs = (subject.history.losses[:end].astype(np.float64) for subject in (reference, candidate))
    scale = np.maximum.accumulate(np.abs(mine))
    distance = np.abs(theirs - mine)
    relative = np.divide(distance, scale, out=np.where(distance > 0, np.inf, 0.0), where=scale > 0)
    return [(step, Gap(float(size), "loss")) for step, size in enumerate(relative, start=1)]


def _checkpoint_gaps(reference: Subject, candidate: Subject, end: int) -> list[tuple[int, Gap]]:
    gaps = []
    for i, at in enumerate(reference.checkpoints_at):
        if at <= end:
            for part in ("parameters", "buffers"):
                mine, theirs = (
                    {name: kept[i] for name, kept in getattr(s.history, part).items()} for s in (reference, candidate)
                )
                gaps.append((at, _gap(reference, candidate, mine, theirs)))
    return gaps
