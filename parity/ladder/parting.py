"""Where two runs part: the first step whose own output differs where one is given the other's whole state before it."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from parity.contract import History, State, TrainingConfig
from parity.ladder.cloud import Cloud
from parity.ladder.envelope import Envelope
from parity.ladder.gap import gaps, tensor_of
from parity.ladder.replicas import Given
from parity.ladder.rungs import ENVELOPED
from parity.ladder.subject import Subject
from parity.ladder.trajectory import Distance, Followed, distances, kept
from parity.ladder.view import Taken, View, before_batch
from parity.result import Rung

STAGES = {"predict": "forward", "loss": "loss", "gradients": "gradient"}
HIDDEN = "state"
"""The stage where a step depends on more than the state that is told of the one before it."""
WINDOWS = (8, 64)
"""Steps that are taken together where no single one shows a difference."""


@dataclass(frozen=True)
class Place:
    """A step, what happens in it, and where that differs."""

    step: int
    """Counted from 1; 0 is the start."""
    stage: str
    rung: Rung
    """What breaks where both are given the same before that step."""
    envelope: Envelope | None = None
    """Of the two that differ at that place; None where a run differs from its own steps."""
    side: str = ""
    """The contender whose run differs from its own steps."""

    @property
    def tensor(self) -> str:
        """The tensor, or the slot of one."""
        return tensor_of(self.rung.where)


def at_the_start(reference: Subject, candidate: Subject, rung: Rung, envelope: Envelope) -> Place:
    """The place of a rung that broke before the trajectory."""
    k = rung.covers or 1
    if rung.name == "step" and k > 1:
        given = before_batch(reference.given, envelope.views[0].stepped[k - 2], k - 1)
        found = dissected(local_envelope(reference, candidate, given), k)
        if found is not None:
            return found
    return Place(k, stage_of(rung, reference.start.config), rung, envelope)


def on_the_way(reference: Subject, candidate: Subject, followed: Followed) -> Place | None:
    """The place of an excess on the trajectory; None where no step, no run of steps and no bookkeeping shows a difference."""
    excess = followed.excess
    if excess is None:
        return None
    low = max((at for at in reference.compared_at if at < excess.step), default=0)
    before = _walked(reference, low)
    return (
        _first_step(reference, candidate, before, low, excess.step)
        or _in_the_loop(reference, candidate, followed)
        or _first_step(reference, candidate, reference.given.state, 0, low)
        or _drifted(reference, candidate, excess.step)
    )


def dissected(envelope: Envelope, step: int) -> Place | None:
    """The first rung that breaks where both are given the same before one step."""
    # What a step leaves behind shows any difference in what leads to it, but not in the loss that is told.
    finite = all(view.stepped for view in envelope.views)
    if ENVELOPED["step"](envelope).passed and (not finite or ENVELOPED["loss"](envelope).passed):
        return None
    rungs = (compare(envelope) for compare in ENVELOPED.values())
    return next(
        (Place(step, stage_of(rung, envelope.config), rung, envelope) for rung in rungs if not rung.passed), None
    )


def stage_of(rung: Rung, config: TrainingConfig) -> str:
    """What happens in a step where a rung breaks: of the state behind it, slots and parameters are the optimizer's work."""
    if rung.name != "step":
        return STAGES[rung.name]
    buffers = {spec.name for spec in config.model.buffers()}
    return "state" if tensor_of(rung.where) in buffers or rung.where.startswith("count of") else "optimizer"


def stage_of_start(rung: Rung) -> str:
    """What did not arrive: data, or state."""
    what = rung.where.split(": ")[-1]
    return "data" if what.startswith(("inputs", "targets", "rows", "dropouts")) else "state"


def envelope_at_start(reference: Subject, candidate: Subject) -> Envelope:
    """The envelope of both as they start."""
    return _envelope(reference, candidate, (reference.first, candidate.first), reference.clouds)


def local_envelope(reference: Subject, candidate: Subject, given: Given, steps: int = 1) -> Envelope:
    """The envelope of both from the same state."""
    mine, theirs = (View(s.trainer, given.cast(s.contender.dtype), steps) for s in (reference, candidate))
    return _envelope(reference, candidate, (mine, theirs), None)


def _envelope(
    reference: Subject, candidate: Subject, views: tuple[View, View], around: tuple[Cloud, Cloud] | None
) -> Envelope:
    dtypes = (reference.contender.dtype, candidate.contender.dtype)
    other = reference.in_other_dtype(views[0])
    return Envelope(views, dtypes, reference.start.config, reference.calibration, around, other)


def _walked(subject: Subject, steps: int) -> State:
    """The state behind so many steps, taken one by one."""
    subject.trainer.set_state(subject.given.state)
    for i in range(steps):
        subject.trainer.step(subject.given.batch(i))
    return subject.trainer.get_state()


def _first_step(reference: Subject, candidate: Subject, state: State, first: int, last: int) -> Place | None:
    """The first step from `first` on whose own output differs, the candidate being given the reference's state before each."""
    with reference.watcher.task("where they part", last) as done:
        for step in range(first, last):
            envelope = local_envelope(reference, candidate, before_batch(reference.given, state, step))
            found = dissected(envelope, step + 1)
            if found is not None:
                return found
            if not envelope.views[0].stepped:
                return None
            state = envelope.views[0].stepped[0]
            done(step + 1)
    return None


def _in_the_loop(reference: Subject, candidate: Subject, followed: Followed) -> Place | None:
    """Where a contender's own run differs from its own steps: what it feeds itself with, what it reports, or what it hides.

    Each step is taken from the state that the one before it told, so that nothing else goes from one to the next. Rounding can
    part a run from its steps too, as it can part two runs: then none of them is another where the run itself was before it.
    """
    for subject in (candidate, reference):
        far = _far(subject, stepwise(subject, followed.end, anew=True), followed)
        if far and _differs_within(subject, far[0].step, followed):
            hidden = not _far(subject, stepwise(subject, followed.end), followed)
            stage = HIDDEN if hidden else _stage_of_loop(subject, far, followed.end)
            rung = Rung("trajectory", False, far[0].gap.relative, None, far[0].gap.where)
            return Place(far[0].step, stage, rung, side=str(subject.contender))
    return None


def _far(subject: Subject, steps: History, followed: Followed) -> list[Distance]:
    """Where the run of a subject is further from its steps than rounding explains."""
    compared = distances(steps, subject.beginning, subject.compared_at, followed.end, followed.noise)
    return [each for each in compared if each.ratio > followed.factor]


def _differs_within(subject: Subject, last: int, followed: Followed) -> bool:
    """Whether a run differs from one of its steps up to the last, taken from where the run was, or tells of another."""
    trainer, told = subject.trainer, subject.beginning
    low = max((at for at in subject.compared_at if at < last - 1), default=0)
    before = _run_to(subject, low)
    for i in range(low, min(last, followed.end)):
        after = _run_to(subject, i + 1)
        if before is None or after is None:
            return True
        view = View(trainer, before_batch(subject.given, before, i), 1)
        taken = Taken(trainer, view.given, 1, after, float(told.losses[i]))
        if dissected(_envelope(subject, subject, (view, taken), None), i + 1) is not None:
            return True
        before = after
    if before is None or last not in subject.compared_at:
        return before is None
    c = subject.compared_at.index(last)
    apart = gaps({**before.parameters, **before.buffers}, kept(told, c))
    return any(
        Distance(last, gap, followed.noise.of_tensor(name, c)).ratio > followed.factor for name, gap in apart.items()
    )


def _run_to(subject: Subject, end: int) -> State | None:
    """The state that a run of so many steps ends in; None where it can't be as short, as it looks at batches behind its end."""
    if end == 0:
        return subject.given.state
    subject.trainer.set_state(subject.given.state)
    given = subject.given.part(0, end)
    try:
        return subject.trainer.fit(given.train, given.order).final
    except Exception:  # whatever the backend's own error is
        return None


def stepwise(subject: Subject, end: int, anew: bool = False) -> History:
    """The run of a subject as its own steps: losses, and parameters and buffers where they are compared.

    `anew` puts it at its own state before each.
    """
    trainer, given = subject.trainer, subject.given
    trainer.set_state(given.state)
    losses, states = np.full(max(end, 1), np.nan), {0: given.state}
    for i in range(end):
        if anew:
            trainer.set_state(trainer.get_state())
        losses[i] = trainer.step(given.batch(i))
        if i + 1 in subject.compared_at:
            states[i + 1] = trainer.get_state()
    at = [step for step in subject.compared_at if step in states]

    def kept(part: Callable[[State], Any]) -> dict[str, Any]:
        return {name: np.stack([part(states[step])[name] for step in at]) for name in part(given.state)}

    parameters, buffers = kept(lambda state: state.parameters), kept(lambda state: state.buffers)
    return History(losses, np.zeros(0), parameters, buffers, trainer.get_state())


def _stage_of_loop(subject: Subject, far: list[Distance], end: int) -> str:
    """What differs between a run and its own steps: what it reports alone, the batch of the step, or the state before it."""
    later = {(each.step, each.gap.where == "loss") for each in far}
    last = max(at for at in subject.compared_at if at <= end)
    if (last, False) not in later or not any(is_loss for _, is_loss in later):
        return "reporting"
    return "data" if far[0].gap.where == "loss" else "optimizer"


def _drifted(reference: Subject, candidate: Subject, last: int) -> Place | None:
    """Where no single step shows a difference but several together do, each smaller than what is stored of a step."""
    for length in WINDOWS:
        first = max(0, last - length)
        given = reference.given.part(first, last)
        window = Given(_walked(reference, first), given.train, given.held_out, given.order)
        envelope = local_envelope(reference, candidate, window, last - first)
        k = min(len(view.stepped) for view in envelope.views) - 1
        if k < last - first - 1:
            continue
        judgement = envelope.behind(k)
        if not judgement.held and not judgement.broken:
            rung = Rung(
                "step", False, judgement.gap.relative or inf, judgement.limit, judgement.gap.where, covers=k + 1
            )
            return Place(first + 1, "drift", rung, envelope)
    return None
