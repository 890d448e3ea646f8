"""Is the data what it should be, and does each row meet its own target?"""

import math
from collections.abc import Iterator

import numpy as np

from parity.diagnose.finding import Finding, Severity
from parity.diagnose.lossfit import ELEMENTS
from parity.diagnose.program import Program

TORN = 0.5  # Share of the rows met again whose target had changed.


def non_finite(program: Program) -> Iterator[Finding]:
    """Inputs and targets must be numbers."""
    for step in program.steps:
        for what, array in (("inputs", step.inputs), ("targets", step.targets)):
            if array is None or array.dtype.kind != "f" or np.isfinite(array).all():
                continue
            bad = int((~np.isfinite(array)).sum())
            where = np.argwhere(~np.isfinite(array.reshape(len(array), -1)))[0] if array.ndim else [0, 0]
            evidence = (
                f"{bad} of {array.size} {what} of step {step.number} are NaN or infinite, the first in row {where[0]}, "
                f"column {where[-1]}."
            )
            yield Finding("non-finite-data", "error", evidence, program.training.forward_place or step.loss_place)
            return


def broadcast(program: Program) -> Iterator[Finding]:
    """Prediction and target must have one shape."""
    first = program.first
    if not program.broadcast or first is None:
        return
    p, t = first.predictions.shape, first.targets.shape
    pairs = math.prod(np.broadcast_shapes(p, t))
    evidence = (
        f"Predictions of shape {p} met targets of shape {t}: the loss is over {pairs:,} pairs, of every row's prediction with "
        f"every row's target.{tested(program)}"
    )
    yield Finding(
        "target-shape-broadcast",
        "error",
        evidence,
        first.loss_place,
        equivalent=equivalence(program, first.predictions.size),
    )


def tested(program: Program) -> str:
    """The loss of a perfect prediction, and of targets in another order: neither should be what it is here."""
    loss, first = program.loss, program.first
    if loss is None or first is None or loss.kind not in ELEMENTS:
        return ""
    p, t = np.asarray(first.predictions, float), np.asarray(first.targets, float)
    if p.size != t.size or not np.isfinite(t).all():
        return ""
    perfect = loss.value(t.reshape(p.shape), t)
    order = np.random.default_rng(0).permutation(len(t))
    before, permuted = loss.value(p, t), loss.value(p, t[order])
    stays = abs(permuted - before) <= 1e-6 * abs(before)
    text = f" Of a perfect prediction it would be {perfect:.4g}, not 0"
    return f"{text}; with the targets in another order it stays {before:.4g}." if stays else f"{text}."


def equivalence(program: Program, rows: int) -> str:
    """What a loss over all pairs amounts to."""
    loss = program.loss
    if loss is None or loss.kind != "mse":
        return "This loss is smallest where all predictions are the same: near the middle of the targets."
    rate = f"{rows} times the learning rate" if loss.reduction == "sum" else "the same learning rate"
    return f"This loss is minimised by predicting the mean: {rows} x {rows} pairs act as target = mean(y) with {rate}."


def torn(program: Program) -> Iterator[Finding]:
    """The same row must meet the same target every time."""
    rows = program.rows
    if rows is None or rows.torn <= TORN or len(rows.inputs) < 10 or program.broadcast:
        return
    # A target that only jitters is noise added on purpose; one that jumps about as far as targets lie apart is another row's.
    if rows.jump > 0.5:
        evidence = f"{rows.torn:.0%} of the rows that came again had another target than before."
        yield Finding(
            "inputs-targets-misaligned",
            "error",
            evidence,
            program.training.forward_place or program.loss_place,
        )


def constant(program: Program) -> Iterator[Finding]:
    """A column that is the same in every row tells nothing, unless it is the constant 1 of a linear model."""
    rows = program.rows
    if rows is None or rows.inputs.ndim < 2 or len(rows.inputs) < 2:
        first = program.first
        if first is None or first.inputs is None or np.ndim(first.inputs) < 2 or len(first.inputs) < 2:
            return
        inputs = first.inputs
    else:
        inputs = rows.inputs
    if rows is not None and len(rows.inputs) == 1 and rows.met > 10:
        inputs = np.repeat(rows.inputs, 2, axis=0)
    flat = inputs.reshape(len(inputs), -1)
    same = np.flatnonzero((flat == flat[0]).all(0))
    same = np.array([column for column in same if flat[0, column] != 1 or len(same) == flat.shape[1]], int)
    if not len(same):
        return
    every = len(same) == flat.shape[1]
    # Zeros in several columns are categories that do not occur, pixels of a margin, or units of another network.
    absent = not every and len(same) > 1 and not flat[0, same].any()
    which = (
        "all inputs are"
        if every
        else f"column {same[0]} is"
        if len(same) == 1
        else f"columns {', '.join(map(str, same[:5]))} are"
    )
    evidence = f"In the {len(flat)} rows that were seen {which} the same in every row, e.g. {flat[0, same[0]]:.4g}."
    severity: Severity = "error" if every else "hint" if absent else "warning"
    yield Finding("constant-input", severity, evidence, program.training.forward_place)
