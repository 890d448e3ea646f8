"""In rows that come one after the other in time: does each meet the target of its own moment?"""

from collections.abc import Iterator

import numpy as np

from parity.diagnose.finding import Finding
from parity.diagnose.neighbours import neighbours
from parity.diagnose.network import Floats
from parity.diagnose.program import Program

FARTHEST = 50  # Rows by which targets are moved.
FEWEST = 100  # Rows that tell anything.
MOST = 2000
NEAREST = 5
BETTER = 0.3  # Of R2, by which other targets have to fit better.


def shifted(program: Program) -> Iterator[Finding]:
    """Inputs tell most of the target that they are paired with, and not of one that comes later.

    Of one that comes earlier they may: who forecasts has seen what went before.
    """
    if program.classes or program.broadcast:
        return
    for inputs, targets in in_order(program):
        scores = by_shift(inputs[:MOST], targets[:MOST])
        best = int(np.argmax(scores))
        if scores[best] > max(scores[0], 0.0) + BETTER:
            evidence = (
                f"Inputs fit the target {best} row{'s' * (best > 1)} further on better than their own: by the nearest rows R2 "
                f"is {scores[best]:.2f} there, and {scores[0]:.2f} as they are paired."
            )
            yield Finding("inputs-targets-misaligned", "error", evidence, program.training.forward_place)
            return


def in_order(program: Program) -> Iterator[tuple[Floats, Floats]]:
    """Rows as the program has them one after the other: of a full batch, or of an evaluation."""
    first = program.first
    judged = [
        (e.inputs, e.targets) for e in reversed(program.evaluations) if e.compared is None and e.targets is not None
    ]
    candidates = [*([(first.inputs, first.targets)] if first is not None else []), *judged[:2]]
    for inputs, targets in candidates:
        if inputs is None or targets is None or np.ndim(inputs) < 2 or len(inputs) < FEWEST or np.ndim(targets) == 0:
            continue
        rows = len(inputs)
        if len(targets) == rows:
            x, t = (np.asarray(array, float).reshape(rows, -1) for array in (inputs, targets))
            if np.isfinite(x).all() and np.isfinite(t).all():
                yield x, t


def by_shift(inputs: Floats, targets: Floats) -> list[float]:
    """R2 of the first target of each row by those of the rows most like it, when all are taken 0, 1, 2, ... rows further on."""
    near = neighbours(inputs, inputs, NEAREST + 1)[1][:, 1:]  # But for the row itself.
    scores = []
    for shift in range(min(FARTHEST, len(inputs) // 4) + 1):
        rows = len(inputs) - shift
        moved = targets[shift:, 0]
        fit = near[:rows] < rows
        guess = np.where(fit, moved[np.minimum(near[:rows], rows - 1)], 0.0).sum(1) / np.maximum(fit.sum(1), 1)
        spread = ((moved - moved.mean()) ** 2).sum()
        scores.append(float(1 - ((moved - guess) ** 2).sum() / spread) if spread > 0 else 0.0)
    return scores
