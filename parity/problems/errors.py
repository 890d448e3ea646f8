"""How large errors are, in the measures that a need is stated in."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parity.numbers import short
from parity.problems.problem import Bound, Measure, Quantity


@dataclass(frozen=True)
class Errors:
    """Errors of one output over rows, in its own unit or as shares of the true values."""

    measure: Measure
    worst: float
    """The largest, or the 99th percentile, as the measure says."""
    mean: float


def errors(measure: Measure, truth: NDArray[np.floating], values: NDArray[np.floating]) -> Errors:
    """Errors of (N,) values; of those that are NaN there is no error, and all of them NaN is an error that is NaN."""
    each = np.abs(values - truth) if measure == "max_abs" else np.abs(values / truth - 1.0)
    each = each[~np.isnan(each)]
    if not len(each):
        return Errors(measure, np.nan, np.nan)
    worst = np.percentile(each, 99.0) if measure == "p99_rel" else each.max()
    return Errors(measure, float(worst), float(each.mean()))


def measure_of(quantity: Quantity) -> Measure:
    """That of its need; else relative where an output can't be 0, and absolute where it can."""
    if quantity.need is not None:
        return quantity.need.measure
    return "max_rel" if quantity.has_relative_error else "max_abs"


def told(measure: Measure, value: float, unit: str) -> str:
    """An error with its unit, as in `0.5 K` or `1 %`."""
    if measure == "max_abs":
        return short(value) if unit == "-" else f"{short(value)} {unit}"
    return f"{short(100.0 * value)} %"


def told_bound(bound: Bound | None, unit: str) -> str:
    """A bound with its unit, as in `1 % in 99 of 100 rows`."""
    if bound is None:
        return "-"
    return told(bound.measure, bound.value, unit) + (" in 99 of 100 rows" if bound.measure == "p99_rel" else "")
