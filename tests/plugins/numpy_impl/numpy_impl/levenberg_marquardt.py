"""Levenberg-Marquardt, as the formulas in `parity.contract.optimizers` have it."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numpy_impl.jacobian import jacobian
from numpy_impl.objective import Objective
from parity.contract import Arrays, LevenbergMarquardt

Array = NDArray[Any]


def levenberg_marquardt(
    c: LevenbergMarquardt, objective: Objective, x: Array, slots: Arrays
) -> tuple[float, Array, dict[str, Array]]:
    """One step from x, (P,): the loss there, and x and the slots behind it."""
    loss, damping = objective.loss(x), slots["damping"][0]
    x, damping = first_below(c, objective, x, loss, damping)
    return float(loss), x, {"damping": np.full_like(x, damping)}


def normal_equations(objective: Objective, x: Array) -> tuple[Array, Array]:
    """The matrix A, (P, P), and g, (P,), summed over blocks of rows."""
    config, parameters = objective.config, objective.arrays(x)
    matrix, g = np.zeros((len(x), len(x)), x.dtype), np.zeros_like(x)
    for start in range(0, len(objective.inputs), config.block_rows):
        block = slice(start, start + config.block_rows)
        predictions, rows = jacobian(config.model, parameters, objective.inputs[block])
        matrix += rows.T @ rows
        g += rows.T @ (predictions - objective.targets[block]).ravel()
    c = 1 / objective.targets.size if config.loss.reduction == "mean" else 1.0
    return c * matrix, c * g


def first_below(c: LevenbergMarquardt, objective: Objective, x: Array, loss: Any, damping: Any) -> tuple[Array, Any]:
    """Where the first trial lies whose loss is below that at x, or x itself; and ln(mu / damping) of the next step."""
    lowest, highest = c.range
    if damping > highest:
        return x, damping
    matrix, g = normal_equations(objective, x)
    doublings = 1
    while damping <= highest:
        mu = c.damping * np.exp(damping)
        d = damped(matrix, g, mu)
        below = math.inf if d is None else objective.loss(x - d)
        if below < loss:  # NaN is below nothing
            share = (loss - below) / (d @ (g + mu * d))
            factor = max(1 / 3, 1 - (2 * share - 1) ** 3)
            return x - d, max(damping + np.log(factor), x.dtype.type(lowest))
        damping, doublings = damping + x.dtype.type(doublings * math.log(2)), doublings + 1
    return x, damping


def damped(matrix: Array, g: Array, mu: float) -> Array | None:
    """The solution d, (P,), of (A + mu I) d = g, or None where the matrix has no Cholesky factor."""
    try:
        lower = np.linalg.cholesky(matrix + mu * np.eye(len(g), dtype=g.dtype))
        return np.linalg.solve(lower.T, np.linalg.solve(lower, g))
    except np.linalg.LinAlgError:
        return None
