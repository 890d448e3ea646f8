"""Causes of a learning curve that is not that of the run's own checkpoints."""

from collections.abc import Iterator
from operator import attrgetter

from parity.contract import RegularizedMLP
from parity.ladder.causes.hypothesis import Evidence, Hypothesis, Judged, judged
from parity.ladder.parting import Place
from parity.ladder.subject import Subject
from parity.ladder.view import EVALUATED

ALIGN_MODE = "model.eval() in front of every evaluation, and model.train() behind it"
ALIGN_STEP = "evaluate behind the update of the very step that the curve names"


def curve_causes(suspect: Subject, place: Place) -> list[Judged]:
    """What explains the predictions that were told."""
    assert place.envelope is not None
    (own, told), judgement = place.envelope.views, place.envelope.judge(attrgetter("evaluated"))
    allowed = {EVALUATED: judgement.factor * judgement.noise}
    found = judged(_in_training(suspect, place), Evidence(told.evaluated, own.evaluated, allowed))
    e, curve = suspect.evaluated_at.index(place.step), suspect.history.predictions
    for shift, how in ((1, "late"), (-1, "early")):
        if 0 <= e + shift < len(curve):
            text = f"the predictions of the held-out rows are told one evaluation {how}"
            # What is told one further is what this step predicts: there the two must agree.
            hypothesis = Hypothesis("report.evaluation", text, ALIGN_STEP, lambda: own.evaluated)
            found += judged([hypothesis], Evidence({EVALUATED: curve[e + shift]}, told.evaluated, allowed))
    return found


def _in_training(suspect: Subject, place: Place) -> Iterator[Hypothesis]:
    if not isinstance(suspect.start.config.model, RegularizedMLP):
        return
    assert place.envelope is not None
    own = place.envelope.views[0]
    own.trainer.set_state(own.given.state)
    predictions = own.trainer.predict(own.given.train.inputs, training=True)
    text = "the held-out rows are predicted in training mode, with their own batch statistics"
    yield Hypothesis("report.evaluation", text, ALIGN_MODE, lambda: {EVALUATED: predictions})
