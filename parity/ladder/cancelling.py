"""Where the terms of a gradient cancel to the last bit: zero over the batch, not over its parts, and no replica moves it.

An absolute error, or a Huber loss far from its targets, gives every row the same gradient up to its sign. Where as many pull
one way as the other the sum is exactly zero in one order of adding, and a few units in the last place of its terms in another.
What an optimizer makes of it, where it divides by the size of a gradient, is a whole step, and what follows from that is open.
"""

from math import inf, sqrt

import numpy as np

from parity.contract import Arrays, Batch, State
from parity.ladder.gap import distances, scales
from parity.ladder.view import View, before_batch, of_batch

PARTS = 3
"""How many halves of a batch are looked at, each of rows drawn anew."""


def cancelled_gradients(view: View) -> dict[str, float]:
    """By tensor whose gradient cancels: the usual error of adding up as many terms as there are rows, from what a part has."""
    terms, dtype = len(view.given.batch(0).inputs), view.given.train.inputs.dtype
    found = _cancelled(view.gradients, parts_of(view, view.given.state, 0))
    return {name: sqrt(terms) * float(np.spacing(np.asarray(size, dtype))) for name, size in found.items()}


def cancelled_behind(view: View, k: int) -> dict[str, float]:
    """By tensor behind step k, counted from 0: how far a part moves it, where its gradient cancels in that step.

    Infinitely far, and all of them, behind the first such step.
    """
    for i, state in enumerate([view.given.state, *view.stepped][: k + 1]):
        parts = parts_of(view, state, i)
        cancelled = _cancelled(View(view.trainer, before_batch(view.given, state, i), 1).gradients, parts)
        if cancelled and i < k:
            return dict.fromkeys(state.named(), inf)
        if cancelled:
            moves = [distances(state.named(), after.named()) for part in parts for after in part.stepped]
            mine = [name for name in state.named() if name.split(" of ")[-1] in cancelled]
            return {name: max((move[name] for move in moves), default=inf) for name in mine}
    return {}


def parts_of(view: View, state: State, step: int) -> list[View]:
    """Halves of the batch of a step, each seen from the state before it; none where it has one row."""
    random, batch = np.random.default_rng(step), view.given.batch(step)
    count = len(batch.inputs)
    halves = [random.permutation(count)[: count // 2] for _ in range(PARTS)] if count > 1 else []
    return [View(view.trainer, of_batch(_rows_of(batch, rows), state), 1) for rows in halves]


def _rows_of(batch: Batch, rows: np.ndarray) -> Batch:
    return Batch(batch.inputs[rows], batch.targets[rows], {name: mask[rows] for name, mask in batch.masks.items()})


def _cancelled(whole: Arrays, parts: list[View]) -> dict[str, float]:
    """By tensor that is zero over the whole batch and not over a part, the largest of the parts."""
    zero = [name for name, size in scales(whole).items() if size == 0.0]
    largest = {name: max((scales(part.gradients)[name] for part in parts), default=0.0) for name in zero}
    return {name: size for name, size in largest.items() if size > 0.0}
