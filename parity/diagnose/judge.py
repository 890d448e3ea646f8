"""From what was watched to a diagnosis."""

import time
from collections.abc import Callable, Sequence

import numpy as np

from parity.contract import Recording, Watcher
from parity.diagnose.blame import blame
from parity.diagnose.checks import check
from parity.diagnose.finding import SEVERITIES, Diagnosis
from parity.diagnose.fixes import with_fixes
from parity.diagnose.judged import Scored
from parity.diagnose.program import Program
from parity.diagnose.search import Verdict
from parity.diagnose.signals import signals
from parity.diagnose.trials import Trials


def judge(
    name: str,
    recording: Recording,
    index: int,
    watcher: Watcher | None,
    scored: Sequence[Scored] = (),
    seconds: float = 60.0,
    say: Callable[[str], None] = lambda name: None,
) -> tuple[Diagnosis, ...]:
    """The diagnosis of one network of a recording; none where no step of it was seen."""
    training = recording.trainings[index]
    if not training.steps:
        return ()
    program = Program(training, recording.framework, tuple(scored))
    return (diagnose(name, program, watcher, index, seconds, recording.unseen, say),)


def diagnose(
    name: str,
    program: Program,
    watcher: Watcher | None,
    index: int,
    seconds: float,
    unseen: Sequence[str],
    say: Callable[[str], None],
) -> Diagnosis:
    """Check first, then try."""
    begun = time.monotonic()
    found, passed = check(program)
    trials = Trials(program, watcher, index, seconds)
    try:
        verdict = blame(program, found, trials, say)
    except Exception as error:  # What the checks found is worth telling, whatever happens in trying it out.
        verdict = Verdict(
            findings=found, unchecked=[f"What would help was not tried to the end: {type(error).__name__}: {error}."]
        )
    score, judged_on = program.score
    if trials.final is not None and np.isfinite(trials.final):
        score, judged_on = trials.final, trials.judged_on
    told = with_fixes(verdict.findings, program, verdict.sizes)
    order = sorted(told, key=lambda finding: SEVERITIES.index(finding.severity))
    return Diagnosis(
        program=name,
        framework=program.framework,
        title=program.title,
        findings=tuple(order),
        score=score,
        metric="hits" if program.classes else "R2",
        judged_on=judged_on,
        mended=verdict.mended,
        baselines={**trials.baselines, **({} if verdict.attainable is None else {"attainable": verdict.attainable})},
        signals={**signals(program), **verdict.signals},
        trials=tuple(verdict.trials),
        checked=passed,
        unchecked=(*unseen, *unchecked(program), *verdict.unchecked),
        seconds={"trials": time.monotonic() - begun},
    )


def unchecked(program: Program) -> tuple[str, ...]:
    """What the tests can't say about a program of this kind, each as a sentence."""
    told = []
    if program.first is None:
        told.append(
            "Where predictions meet targets was not seen: shapes, pairing, the loss and the data were not checked."
        )
    elif program.classes:
        told.append(
            "Its targets are classes: gradients, updates, modes and the loss were checked; the score is the share of hits, and "
            "neither R2, nor the scale and range of the targets, nor the pairing of rows."
        )
    elif program.loss is None:
        told.append("Its loss is none of those known here: what a perfect prediction would cost was not checked.")
    return tuple(told)
