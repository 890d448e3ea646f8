"""Dropout and batch normalisation do two different things in training and in evaluation."""

from collections.abc import Iterator

import numpy as np

from parity.diagnose.finding import Finding
from parity.diagnose.program import Program

MOST = 0.5
FAR = 50.0  # |mean| / standard deviation of a column.


def layers_with_modes(program: Program) -> str:
    """`dropout and batch normalisation`, as far as the network has them."""
    kinds = {operation.kind for operation in (*program.operations, *program.last_operations)}
    return " and ".join(
        name for kind, name in (("dropout", "dropout"), ("batch_norm", "batch normalisation")) if kind in kinds
    )


def training(program: Program) -> Iterator[Finding]:
    """Steps are made in training mode."""
    what, told = layers_with_modes(program), [step for step in program.steps if step.training is not None]
    wrong = [step for step in told if not step.training]
    # Later steps are looked at more rarely, and each stands for those up to the next.
    stands_for = np.diff([*(step.number for step in told), max(program.updates, len(told))])
    share = sum(n for step, n in zip(told, stands_for, strict=True) if not step.training) / max(1, sum(stands_for))
    if what and wrong and share > MOST and not all(p.trained_before for p in program.parameters):
        evidence = (
            f"{len(wrong)} of {len(told)} steps that were looked at, from step {wrong[0].number} on, ran in evaluation mode, "
            f"and the network has {what}."
        )
        yield Finding("eval-mode-in-training", "error", evidence, program.training.forward_place)


def evaluation(program: Program) -> Iterator[Finding]:
    """The last evaluation is made in evaluation mode."""
    what = layers_with_modes(program)
    judged = [e for e in program.evaluations if e.after > 0 and e.training is not None]
    if what and judged and judged[-1].training:
        evidence = f"The network has {what}, and was judged in training mode behind step {judged[-1].after}."
        yield Finding("train-mode-in-evaluation", "error", evidence, judged[-1].place)


def batch_norm(program: Program) -> Iterator[Finding]:
    """What a batch normalisation is given lies near 0, compared with its spread."""
    far = max((o for o in program.operations if o.kind == "batch_norm"), key=lambda o: o.shift, default=None)
    if far is None or far.shift < FAR:
        return
    momentum = far.constants.get("momentum", 0.1)
    left = (1 - momentum) ** program.updates * far.shift
    evidence = (
        f"A column's mean is {far.shift:.3g} standard deviations from 0; behind {program.updates} steps the running mean is "
        f"still {left:.2g} standard deviations off."
    )
    judged = [e for e in program.evaluations if e.training is False and e.targets is not None]
    score = program.measure(judged[-1].predictions, judged[-1].targets) if judged else None
    last = next((s for s in reversed(program.steps) if s.predictions is not None and s.training), None)
    in_training = program.measure(last.predictions, last.targets) if last else None
    bad = left > 0.1 or (
        score is not None and in_training is not None and (not np.isfinite(score) or score < in_training - 0.1)
    )
    yield Finding("batch-norm-units", "error" if bad else "hint", evidence, far.place or program.loss_place)
