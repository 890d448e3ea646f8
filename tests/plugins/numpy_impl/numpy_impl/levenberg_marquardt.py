"""Levenberg-Marquardt, as the formulas in `parity.contract.optimizers` have it."""

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
    loss, exponent = objective.loss(x), round(float(slots["exponent"][0]))
    matrix, g = normal_equations(objective, x)
    x, exponent = first_below(c, objective, x, loss, matrix, g, exponent)
    return float(loss), x, {"exponent": np.full_like(x, exponent)}


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


def first_below(
    c: LevenbergMarquardt, objective: Objective, x: Array, loss: Any, matrix: Array, g: Array, exponent: int
) -> tuple[Array, int]:
    """Where the first trial lies whose loss is below that at x, or x itself; and the exponent of the next step."""
    for n in range(max(exponent, -c.most_lowered), c.most_raised + 1):
        d = damped(matrix, g, c.dampings[n + c.most_lowered])
        if d is not None and objective.loss(x - d) < loss:  # NaN is below nothing
            return x - d, max(n - 1, -c.most_lowered)
    return x, c.most_raised + 1


def damped(matrix: Array, g: Array, mu: float) -> Array | None:
    """The solution d, (P,), of (A + mu I) d = g, or None where the matrix has no Cholesky factor."""
    try:
        lower = np.linalg.cholesky(matrix + mu * np.eye(len(g), dtype=g.dtype))
        return np.linalg.solve(lower.T, np.linalg.solve(lower, g))
    except np.linalg.LinAlgError:
        return None
