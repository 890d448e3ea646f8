"""What a training shows of itself: told beside the findings, and taken as evidence where an intervention has named the cause.

By themselves these are symptoms: published thresholds on them blame dying units for a target of the wrong shape.
"""

from collections.abc import Iterator

import numpy as np

from parity.diagnose.lossfit import ELEMENTS
from parity.diagnose.program import Program

TENTH = 10
FEW = 10  # Rows whose coupling is looked at.


def signals(program: Program) -> dict[str, float]:
    """By name, as far as they could be seen."""
    with np.errstate(all="ignore"):
        found = [*_of_losses(program), *_of_steps(program), *_of_the_loss(program)]
    return {name: value for name, value in found if np.isfinite(value)}


def _of_losses(program: Program) -> Iterator[tuple[str, float]]:
    losses = program.training.losses
    if len(losses) < 2:
        return
    yield "loss at the start", float(losses[0])
    yield "loss at the end", float(losses[-1])
    yield "share of steps in which it rose", float(np.mean(np.diff(losses) > 0))
    if len(losses) >= 2 * TENTH:
        # Means over tenths, because the batches of single steps differ.
        last, before = (losses[len(losses) * k // TENTH : len(losses) * (k + 1) // TENTH].mean() for k in (9, 8))
        yield "fall of the loss in the last tenth", float((before - last) / abs(before)) if before else 0.0


def _of_steps(program: Program) -> Iterator[tuple[str, float]]:
    steps = [step for step in program.steps if step.moves and step.weights]
    ratios = [
        float(np.linalg.norm(list(step.moves.values())))
        / max(float(np.linalg.norm(list(step.weights.values()))), 1e-30)
        for step in steps[len(steps) // 2 :]
    ]
    if ratios:
        yield "update over weight", float(np.median(ratios))
    kinds = [operation for operation in program.last_operations if operation.kind == "activation"]
    if kinds:
        yield "largest share of a layer's units that are off", max(operation.off for operation in kinds)
        yield "largest share of a layer's values at an end", max(operation.ends for operation in kinds)


def _of_the_loss(program: Program) -> Iterator[tuple[str, float]]:
    """Does the loss care which target belongs to which row, and does a row's gradient hang on another row's target?"""
    loss, first = program.loss, program.first
    if loss is None or first is None or loss.kind not in ELEMENTS or first.predictions.size != first.targets.size:
        return
    targets = first.targets.astype(float)
    if targets.ndim == 0 or len(targets) < 2 or not np.isfinite(targets).all():
        return
    perfect = targets.reshape(first.predictions.shape)
    order = np.random.default_rng(0).permutation(len(targets))
    own, permuted = loss.value(perfect, targets), loss.value(perfect, targets[order])
    yield "loss of a perfect prediction", own
    if permuted:
        yield "permutation sensitivity", abs(own - permuted) / abs(permuted)
    yield "share of rows coupled", _coupled(program, targets)


def _coupled(program: Program, targets: np.ndarray) -> float:
    loss, first = program.loss, program.first
    assert loss is not None
    assert first is not None
    predictions = first.predictions.astype(float)
    step = 1e-3 * (np.abs(predictions).max() + 1.0)
    other = targets.copy()
    other[-1] += 1.0 + np.abs(targets).max()

    def slope(row: int, with_targets: np.ndarray) -> float:
        higher, lower = predictions.copy(), predictions.copy()
        higher[row] += step
        lower[row] -= step
        return loss.value(higher, with_targets) - loss.value(lower, with_targets)

    rows = range(min(FEW, len(targets) - 1))
    moved = [abs(slope(row, other) - slope(row, targets)) > 1e-9 * max(abs(slope(row, targets)), 1e-30) for row in rows]
    return float(np.mean(moved))
