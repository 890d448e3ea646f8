"""What was exported, beside what NumPy says."""

import numpy as np
from numpy.typing import NDArray

from parity.contract.exporting import Evaluate
from parity.surrogate.surrogate import Surrogate

ROWS = 1000
HALF_THE_DIGITS = {dtype: float(np.sqrt(np.finfo(dtype).eps)) for dtype in ("float32", "float64")}
"""A deviation beyond this is no rounding: a network of a few layers loses some digits of 7 or 16, but not half of them."""


def deviation(surrogate: Surrogate, evaluate: Evaluate) -> float:
    """How far what was exported is off NumPy's float64, at most, as a share of each output's largest value."""
    inputs = random_rows(surrogate, ROWS)
    expected = surrogate(inputs)
    sizes = np.maximum(np.abs(expected).max(axis=0), np.finfo(np.float64).tiny)
    return float((np.abs(evaluate(inputs).astype(np.float64) - expected) / sizes).max())


def random_rows(surrogate: Surrogate, rows: int) -> NDArray[np.float64]:
    """(N, D) inputs, evenly over the trained ranges, of a logarithmic input evenly in its logarithm; always the same."""
    low, high = (np.array([getattr(variable, end) for variable in surrogate.inputs]) for end in ("low", "high"))
    log = np.array([variable.log for variable in surrogate.inputs])
    shares = np.random.default_rng(0).random((rows, len(low)))
    ratio = np.where(log, high, 1.0) / np.where(log, low, 1.0)
    return np.where(log, low * ratio**shares, low + (high - low) * shares)
