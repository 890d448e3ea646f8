"""The rungs from start to step, in the order they are climbed; each compares a pair and says where it is furthest apart."""

from collections.abc import Callable
from dataclasses import replace
from math import inf, sqrt
from operator import attrgetter, methodcaller

import numpy as np

from parity.ladder.envelope import Envelope, Judgement, Look
from parity.ladder.gap import NO_GAP, Gap, scales
from parity.ladder.subject import Subject
from parity.result import Rung

START = "start"


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
            found = Gap(inf, "; ".join(unlike))
        if found.size > gap.size:
            gap = Gap(found.size, f"{subject.contender}: {found.where}")
    note = "data, weights, order and masks, read back bit for bit"
    return Rung(START, gap.size == 0.0, gap.size, 0.0, gap.where, note)


def predict(envelope: Envelope) -> Rung:
    """The same predictions before any training?"""
    return judged("predict", before_training(envelope, "predict"), "predictions from the initial weights")


def loss(envelope: Envelope) -> Rung:
    """The same loss of the first batch?"""
    return judged("loss", before_training(envelope, "loss"), "loss of the first batch")


def gradients(envelope: Envelope) -> Rung:
    """The same gradient of every tensor?"""
    return judged("gradients", before_training(envelope, "gradients"), "gradients of the first batch")


def step(envelope: Envelope) -> Rung:
    """The same parameters, buffers and optimizer state behind each of a few steps, as many as stay finite in both?"""
    mine, theirs = (view.stepped for view in envelope.views)
    behind = min(len(mine), len(theirs))
    rung = Rung("step", True, 0.0, None, "", "not finite behind the first step: nothing to compare")
    alone: list[str] = []
    for k in range(behind):
        if mine[k].step != theirs[k].step:
            where = f"count of steps {theirs[k].step}, reference {mine[k].step}"
            return Rung("step", False, inf, 0.0, where, covers=k + 1)
        judgement = behind_step(envelope, k)
        alone += [str(k + 1)] * judgement.is_alone
        note = f"state behind {behind} steps" + (f", of {', '.join(alone)} by itself" if alone else "")
        found = replace(judged("step", judgement, note), covers=k + 1)
        if not found.passed or found.undecided:
            return found
        rung = replace(found if rung.limit is None or _closeness(found) > _closeness(rung) else rung, note=note)
    return rung if len(mine) == len(theirs) else _one_not_finite(envelope, behind, rung)


def _one_not_finite(envelope: Envelope, k: int, rung: Rung) -> Rung:
    """The rung where one of the two is not finite behind a step: broken where all replicas do as the reference does.

    Where some do and some do not, rounding decides, and where the other side's products overflow, the order of operations;
    then the two are compared as far as both are finite.
    """
    reference = len(envelope.views[0].stepped) > k
    finite_side = envelope.views[0 if reference else 1].behind(k)
    if any(scales(finite_side)[name] > sqrt(float(np.finfo(array.dtype).max)) for name, array in finite_side.items()):
        return rung
    replicas = envelope.first.finite_behind(k)
    who = "candidate" if reference else "reference"
    if all(finite == reference for finite in replicas):
        return Rung("step", False, inf, None, f"{who} is not finite behind step {k + 1}", covers=k + 1)
    return rung


ENVELOPED: dict[str, Callable[[Envelope], Rung]] = {
    "predict": predict,
    "loss": loss,
    "gradients": gradients,
    "step": step,
}
"""The rungs that an envelope judges."""

LOOKS: dict[str, Look] = {
    "predict": attrgetter("predictions"),
    "loss": attrgetter("losses"),
    "gradients": attrgetter("gradients"),
}
"""What those before the first step look at."""


def before_training(envelope: Envelope, name: str) -> Judgement:
    """What an envelope says at a rung before the first step.

    Losses and gradients are sums over the rows of the batch, and what a batch normalisation gives in training.
    """
    adds_rows = name != "predict" or bool(envelope.config.model.buffers())
    return envelope.judge(
        LOOKS[name],
        terms=envelope.terms if adds_rows else envelope.units,
        unseen={"predict": envelope.left_of_predictions, "gradients": envelope.left_of_gradients}.get(name, dict),
    )


def behind_step(envelope: Envelope, k: int) -> Judgement:
    """What an envelope says of the state behind step k, counted from 0.

    Rounding that a wild rate makes grow from step to step may bring the two further apart than any replica shows. It explains
    the distance where that step alone, as the candidate took it, is what the reference does from where the candidate was.
    """
    together = envelope.behind(k)
    if k == 0 or together.broken or (together.held and not together.is_open) or not envelope.alone(k).views[0].stepped:
        return together
    alone = replace(envelope.alone(k).behind(0), is_alone=True)
    if alone.broken and not together.is_open:
        return together
    return alone if together.is_open else min(together, alone, key=lambda judgement: judgement.ratio)


def looked_at(rung: Rung) -> Look:
    """What a rung looked at where it was furthest apart."""
    return methodcaller("behind", (rung.covers or 1) - 1) if rung.name == "step" else LOOKS[rung.name]


def judged_at(envelope: Envelope, rung: Rung) -> tuple[Envelope, Look, Judgement]:
    """The same with what it was judged by: the envelope, which may be that of a step by itself, and what that says."""
    if rung.name != "step":
        return envelope, looked_at(rung), before_training(envelope, rung.name)
    k = (rung.covers or 1) - 1
    judgement = behind_step(envelope, k)
    if judgement.is_alone:
        envelope, k = envelope.alone(k), 0
    return envelope, methodcaller("behind", k), judgement


def judged(name: str, judgement: Judgement, note: str) -> Rung:
    """A rung from its judgement."""
    if judgement.broken:
        who = ", ".join(map(str, sorted(set(judgement.broken))))
        undecided = f"replicas {who} of the noise envelope are not finite, so that it has no limit"
        return Rung(name, True, judgement.gap.relative, None, judgement.gap.where, note, undecided=undecided)
    if judgement.is_open:
        note = f"{note}; not judged: rounding may have done anything here"
        return Rung(name, True, judgement.gap.relative, None, judgement.gap.where, note)
    return Rung(name, judgement.held, judgement.gap.relative, judgement.limit, judgement.gap.where, note)


def _closeness(rung: Rung) -> float:
    return 0.0 if not rung.gap or not rung.limit else rung.gap / rung.limit
