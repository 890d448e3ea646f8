"""Rows of a problem: drawn over its ranges, with the truth at each."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from parity.contract import Data, require
from parity.problems.problem import Floats, Problem, Quantity


def draw_rows(problem: Problem, rows: int, random: np.random.Generator) -> Data:
    """Rows in the problem's own units; InputError where one is not finite."""
    drawn = spread(problem.drawn or problem.inputs, random.random((rows, len(problem.drawn or problem.inputs))))
    inputs = drawn if problem.inputs_from_drawn is None else problem.inputs_from_drawn(drawn)
    return Data(inputs, truth_at(problem, inputs))


def spread(quantities: Sequence[Quantity], shares: Floats) -> Floats:
    """Shares (N, D) from 0 to 1 as values over the ranges, of a logarithmic quantity evenly in ln."""
    low, high = (np.array([getattr(quantity, end) for quantity in quantities]) for end in ("low", "high"))
    log = np.array([quantity.log for quantity in quantities])
    values: Floats = low + (high - low) * shares
    if not log.any():
        return values
    ratio = np.where(log, high / np.where(log, low, 1.0), 1.0)
    return np.where(log, np.where(log, low, 1.0) * ratio**shares, values)


def truth_at(problem: Problem, inputs: Floats) -> Floats:
    """(N, K) outputs at (N, D) inputs; InputError with row and values where one is not finite."""
    assert problem.truth is not None
    targets = np.asarray(problem.truth(inputs), np.float64)
    expected = (len(inputs), len(problem.outputs))
    require(targets.shape == expected, f"The truth of {problem.name} gave shape {targets.shape}; expected {expected}.")
    _check_finite(problem, "input", inputs)
    _check_finite(problem, "target", targets)
    return targets


def _check_finite(problem: Problem, kind: str, values: NDArray[np.float64]) -> None:
    bad = np.argwhere(~np.isfinite(values))
    require(
        len(bad) == 0,
        f"{problem.name} has {len(bad)} {kind} values that are not finite, the first "
        f"{values[tuple(bad[0])] if len(bad) else ''} in row {bad[0][0] if len(bad) else ''}; expected finite numbers. "
        "Narrow the ranges of its inputs, or mend its truth.",
    )
