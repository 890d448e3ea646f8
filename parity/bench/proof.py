"""The proof in front of a timing: contenders that are not shown to do the same are not compared."""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil

from parity.contender import Contender
from parity.experiment import Experiment
from parity.progress import Watcher
from parity.runner import run

PROOF_STEPS = 100
"""Steps over which the ladder is climbed: a mode that computes something else is seen at its first, or over a few."""


def proven(
    experiment: Experiment, reference: Contender, contenders: Sequence[Contender], watcher: Watcher
) -> dict[Contender, str]:
    """By contender why its speed is void; empty where it is equivalent to the reference."""
    others = [contender for contender in contenders if contender != reference]
    if not others:
        return dict.fromkeys(contenders, "")
    short = replace(
        experiment,
        contender=tuple(map(str, others)),
        reference=str(reference),
        epochs=min(experiment.epochs, ceil(PROOF_STEPS * experiment.epochs / experiment.steps)),
    )
    result = run(short, throughput=False, watcher=watcher)
    if not result.complete:
        raise KeyboardInterrupt
    reasons = {pair.candidate: "" if pair.verdict == "equivalent" else pair.summary for pair in result.pairs}
    return {contender: "" if contender == reference else reasons[str(contender)] for contender in contenders}
