"""How columns in their own units become what a network sees, and back."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scaling:
    """Scaling of columns: network units = (own units - shift) / scale, of ln(own units) where a column is logarithmic."""

    shift: Floats
    """(D,)."""
    scale: Floats
    """(D,)."""
    log: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(1, bool))
    """(D,) or (1,), the columns of which the network sees the natural logarithm."""

    def to_network(self, columns: NDArray[Any]) -> Floats:
        """Own units (N, D) to network units; what has no logarithm becomes NaN."""
        return (logarithms(columns, self.log) - self.shift) / self.scale

    def from_network(self, columns: NDArray[Any]) -> Floats:
        """Network units (N, D) to own units, in float64."""
        own: Floats = columns.astype(np.float64) * self.scale + self.shift
        if not self.log.any():
            return own
        with np.errstate(over="ignore"):
            return np.where(self.log, np.exp(np.where(self.log, own, 0.0)), own)


def logarithms(columns: NDArray[Any], log: NDArray[np.bool_]) -> Floats:
    """(N, D) columns with the natural logarithm taken of those that `log` marks."""
    own: Floats = columns.astype(np.float64)
    if not log.any():
        return own
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(log, np.log(np.where(log, own, 1.0)), own)
