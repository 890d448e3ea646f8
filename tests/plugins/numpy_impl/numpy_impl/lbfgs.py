"""L-BFGS, as the formulas in `parity.contract.optimizers` have it."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numpy_impl.objective import Objective
from parity.contract import LBFGS, Arrays

Array = NDArray[Any]
Pair = tuple[Array, Array]


def lbfgs(c: LBFGS, objective: Objective, x: Array, slots: Arrays) -> tuple[float, Array, dict[str, Array]]:
    """One step from x, (P,): the loss there, and x and the slots behind it."""
    pairs = [(slots[f"s.{i}"], slots[f"y.{i}"]) for i in range(c.memory)]
    loss, g = objective.loss_and_gradient(x)
    d = direction(g, [(s, y) for s, y in pairs if s @ y > 0])
    taken = search(c, objective, x, loss, g, d)
    if taken is None:
        pairs = [(np.zeros_like(x), np.zeros_like(x))] * c.memory
    else:
        s, new_g = taken
        x, y = x + s, new_g - g
        pairs = [(s, y), *pairs][: c.memory] if s @ y > 0 else pairs
    vectors = [vector for pair in pairs for vector in pair]
    return float(loss), x, dict(zip(c.slots, vectors, strict=True))


def direction(g: Array, pairs: Sequence[Pair]) -> Array:
    """d = -H g, (P,), by the two-loop recursion over pairs s, y, the newest first (Nocedal 1980, doi 10.2307/2006193)."""
    q, shares = g, []
    for s, y in pairs:
        share = (s @ q) / (s @ y)
        q = q - share * y
        shares.append(share)
    q = first_scale(g, pairs) * q
    for (s, y), share in zip(reversed(pairs), reversed(shares), strict=True):
        q = q + (share - (y @ q) / (s @ y)) * s
    return -q


def first_scale(g: Array, pairs: Sequence[Pair]) -> Any:
    """H0, a multiple of the identity."""
    if pairs:
        s, y = pairs[0]
        return (s @ y) / (y @ y)
    return np.minimum(1.0, 1 / np.abs(g).sum())


def search(c: LBFGS, objective: Objective, x: Array, loss: Any, g: Array, d: Array) -> tuple[Array, Array] | None:
    """The step a d and the gradient behind it, both (P,), or None where no length will do."""
    slope = g @ d
    a, low, high = 1.0, 0.0, math.inf
    for _ in range(c.most_trials):
        new_loss, new_g = objective.loss_and_gradient(x + a * d)
        # As they are written, a NaN fails either.
        if not (np.isfinite(new_loss) and new_loss <= loss + c.c1 * a * slope):
            high = a
        elif not new_g @ d >= c.c2 * slope:
            low = a
        else:
            return a * d, new_g
        a = (low + high) / 2 if high < math.inf else 2 * low
    return None
