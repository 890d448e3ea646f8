"""Blame by intervention: whether anything is to be blamed, and what no intervention can mend."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from parity.diagnose.changes import changes
from parity.diagnose.finding import Effect, Finding, Trial
from parity.diagnose.program import Program
from parity.diagnose.repairs import BEYOND, MEANT, SOFT, STOPPED, captured
from parity.diagnose.scene import Scene
from parity.diagnose.search import GAIN, Search, Verdict
from parity.diagnose.trials import Trials
from parity.diagnose.wording import finding_of

NOTHING = 0.1  # R2 up to which inputs tell nothing about targets.
LEARNED = 0.9  # Of the score, from which nobody misses a column.
FEW_ROWS = 50
OF_DATA = frozenset({"constant-input", "inputs-targets-misaligned"})


def blame(program: Program, found: Sequence[Finding], trials: Trials, say: Callable[[str], None]) -> Verdict:
    """Try what might help, and tell what did."""
    setup, split = captured(program, found), trials.split
    if setup is None or split is None:
        return Verdict(
            [*found],
            unchecked=["What would help was not tried: the rows that it learns from were not seen, or are too few."],
        )
    say("what can be learned from these rows")
    attainable = trials.attainable
    if attainable is None:
        return Verdict([*found], unchecked=["What would help was not tried: there was no time."])
    own = program.score[0]
    if trials.final is not None and "non-finite-data" not in {finding.code for finding in found}:
        own = trials.final
    as_it_stands = own if own is not None and np.isfinite(own) else -1.0
    if as_it_stands <= NOTHING:
        found = [*found, *mispaired(program, found, trials, attainable)]
    scene = Scene(program, setup, trials, *split, as_it_stands, attainable, say)
    learned = as_it_stands >= attainable - GAIN
    if any(finding.code in BEYOND for finding in found) and not (learned and attainable > NOTHING):
        # What can't learn from the right rows either comes first; then what no change of the training can mend.
        first = STOPPED | {"target-shape-broadcast", "non-finite-data"}
        found = sorted(found, key=lambda finding: (finding.code not in first, finding.code not in BEYOND))
        return beyond(scene, found)
    if learned:
        # What can be learned from these rows it has learned; rows that lost values, or their targets, take more than that away.
        soft = (SOFT | MEANT | OF_DATA) if attainable >= LEARNED else (SOFT | MEANT) - OF_DATA
        return Verdict([replace(f, severity="hint") if f.code in soft else f for f in found], attainable=attainable)
    return Search(scene, found).verdict()


def mispaired(program: Program, found: Sequence[Finding], trials: Trials, attainable: float) -> list[Finding]:
    """Inputs that tell nothing at all about their targets belong to other rows."""
    known = {finding.code for finding in found}
    few = trials.split is None or len(trials.split[0].inputs) < FEW_ROWS
    if program.classes or few or attainable > NOTHING or known & {"inputs-targets-misaligned", "constant-input"}:
        return []
    scores = trials.baselines
    evidence = (
        f"Nothing about a target can be told from its inputs: R2 is {scores['linear']:.2f} by linear least squares, "
        f"{scores['nearest rows']:.2f} by the nearest rows, and at best {attainable:.2f} by a network of 64-64 units."
    )
    return [
        Finding("inputs-targets-misaligned", "error", evidence, program.training.forward_place or program.loss_place)
    ]


def beyond(scene: Scene, found: Sequence[Finding]) -> Verdict:
    """Of what can be tried where the worst can't be mended: only what is plain to see, columns far from scaled.

    Where scaling them alone brings most of what can be had, that stands in the way first.
    """
    known = {finding.code for finding in found}
    if not known <= {"value-frozen-at-trace"}:
        return Verdict([*found], attainable=scene.attainable)
    wanted = [c for c in ("unscaled-inputs", "unscaled-targets") if scene.far(inputs=c == "unscaled-inputs")]
    scaled = [change for change in changes(scene.setup, (), None, None) if change.code in wanted]
    before: list[Finding] = []
    behind: list[Finding] = []
    stands = max(scene.as_it_stands, 0.0)
    for change in scaled:
        score = scene.trials.run(change.apply(scene.setup))
        if score is None or score <= scene.as_it_stands + GAIN:
            continue
        scene.tried.append(Trial(change.name, score, (), gained=True))
        finding = finding_of(change, Effect(scene.as_it_stands, score), scene)
        (before if score - stands > (scene.attainable - stands) / 2 else behind).append(finding)
    return Verdict([*before, *found, *behind], scene.tried, attainable=scene.attainable)
