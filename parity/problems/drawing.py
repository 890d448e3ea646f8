"""Rows of a problem: drawn over its ranges, with the truth at each."""

from collections.abc import Callable, Sequence

import numpy as np

from parity.contract import Data, InputError, require
from parity.problems.cache import remembered
from parity.problems.problem import Floats, Problem, Quantity

MEND = "Narrow the ranges of its inputs, or mend its truth."


def draw_rows(problem: Problem, rows: int, random: np.random.Generator) -> Data:
    """Rows in the problem's own units; InputError where one is not finite."""
    drawn = spread(problem.drawn or problem.inputs, random.random((rows, len(problem.drawn or problem.inputs))))
    inputs = inputs_at(problem, drawn)
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


def inputs_at(problem: Problem, drawn: Floats) -> Floats:
    """(N, D) inputs of (N, M) drawn quantities; InputError with row and values where one has none."""
    if problem.inputs_from_drawn is None:
        return drawn
    inputs = _computed(problem, problem.inputs_from_drawn, drawn, problem.drawn)
    _check(problem, "input", inputs, drawn, problem.drawn)
    return inputs


def truth_at(problem: Problem, inputs: Floats) -> Floats:
    """(N, K) outputs at (N, D) inputs; InputError with row and values where there is none, or one that is not finite."""
    truth = problem.truth
    assert truth is not None
    _check(problem, "input", inputs, inputs, problem.inputs)
    targets = remembered(problem, lambda rows: _computed(problem, truth, rows, problem.inputs), inputs)
    expected = (len(inputs), len(problem.outputs))
    require(targets.shape == expected, f"The truth of {problem.name} gave shape {targets.shape}; expected {expected}.")
    _check(problem, "target", targets, inputs, problem.inputs)
    return targets


def _computed(
    problem: Problem, function: Callable[[Floats], Floats], rows: Floats, quantities: Sequence[Quantity]
) -> Floats:
    """What a function gives at the rows; InputError names the first row that a library refuses."""
    try:
        return np.asarray(function(rows), np.float64)
    except InputError:
        raise
    except Exception as error:
        # An error in a truth of one's own must keep its traceback.
        if not problem.libraries:
            raise
        row, reason = _first_refused(function, rows) or (None, error)
        where = "for these rows together" if row is None else f"in row {row}, where {_told(quantities, rows[row])}"
        raise InputError(f"{problem.name} can't be computed {where}: {_short(reason)}. {MEND}") from error


def _first_refused(function: Callable[[Floats], Floats], rows: Floats) -> tuple[int, Exception] | None:
    for row in range(len(rows)):
        try:
            function(rows[row : row + 1])
        except Exception as error:
            return row, error
    return None


def _check(problem: Problem, kind: str, values: Floats, rows: Floats, quantities: Sequence[Quantity]) -> None:
    """InputError names the first row whose values are not finite, or have no logarithm where the network sees one."""
    log = np.array([quantity.log for quantity in (problem.inputs if kind == "input" else problem.outputs)])
    for bad, what, expected in (
        (~np.isfinite(values), "are not finite", "finite numbers"),
        (log & (values <= 0.0), "have no logarithm", "numbers above 0"),
    ):
        if bad.any():
            row, column = np.argwhere(bad)[0]
            raise InputError(
                f"{problem.name} has {bad.sum()} {kind} values that {what}, the first {values[row, column]} in row {row}; "
                f"expected {expected}. In that row {_told(quantities, rows[row])}. {MEND}"
            )


def _told(quantities: Sequence[Quantity], row: Floats) -> str:
    """The values of a row with their symbols and units, as in `p = 1e+05 Pa, T = 300 K`."""
    return ", ".join(
        f"{quantity.symbol} = {value:.6g}" + ("" if quantity.unit == "-" else f" {quantity.unit}")
        for quantity, value in zip(quantities, row, strict=True)
    )


def _short(error: Exception) -> str:
    """The first line of what a library says, without a full stop."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(" .")
