"""The learning curve: does a run tell of the held-out rows what its own checkpoints predict?

Accuracy and steps to target are read off it, and nothing else that is compared would show it wrong.
"""

from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any

from numpy.typing import NDArray

from parity.contract import BatchOrder, State
from parity.ladder.envelope import Envelope
from parity.ladder.parting import Place
from parity.ladder.replicas import Given
from parity.ladder.subject import Subject
from parity.ladder.view import EVALUATED, View
from parity.result import Rung

ACCURACY = "accuracy"


@dataclass
class Told(View):
    """A view whose predictions are those that a run told."""

    told: NDArray[Any]
    """(V, K)."""

    @cached_property
    def evaluated(self) -> dict[str, NDArray[Any]]:
        """What was told."""
        return {EVALUATED: self.told}


def mistold(subject: Subject) -> Place | None:
    """The first step whose checkpoint predicts otherwise than the run told; None where there is none."""
    history = subject.history
    for c, step in enumerate(subject.checkpoints_at):
        if step in subject.evaluated_at:
            own = View(subject.trainer, kept_at(subject, c), 1)
            told = Told(own.trainer, own.given, 1, history.predictions[subject.evaluated_at.index(step)])
            dtype = subject.contender.dtype
            other = subject.in_other_dtype(own)
            envelope = Envelope((own, told), (dtype, dtype), subject.start.config, subject.calibration, other=other)
            judgement = envelope.judge(attrgetter("evaluated"))
            if not judgement.held and not judgement.broken:
                note = "what a run tells of the held-out rows, against what its own checkpoints predict"
                gap, where = judgement.gap.relative, judgement.gap.where
                rung = Rung(ACCURACY, False, gap, judgement.limit, where, note)
                return Place(step, "reporting", rung, envelope, side=str(subject.contender))
    return None


def kept_at(subject: Subject, c: int) -> Given:
    """The state of a checkpoint, and the held-out rows as all the data there is."""
    history, held_out = subject.history, subject.given.held_out
    parameters, buffers = ({n: rows[c] for n, rows in each.items()} for each in (history.parameters, history.buffers))
    state = State(parameters, buffers, subject.given.state.optimizer, subject.checkpoints_at[c])
    return Given(state, held_out, held_out, BatchOrder(1, None, {}))
