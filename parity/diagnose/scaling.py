"""Scaling of what a network is given and asked for, to mean 0 and standard deviation 1 of the rows it learns from."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract import Data, Scaling

Floats = NDArray[Any]
ROUNDING = 1e-6  # Of a column's largest number: a spread below is that of a column that does not vary.


@dataclass(frozen=True)
class Scalings:
    """Of inputs and of targets; classes and codes, which are whole numbers, stay as they are."""

    inputs: Scaling
    targets: Scaling

    @classmethod
    def of(cls, data: Data, inputs: bool, targets: bool) -> "Scalings":
        """The scalings of these rows, as far as they are asked for."""
        return cls(_scaling(data.inputs, inputs), _scaling(data.targets, targets))

    def scaled(self, data: Data) -> Data:
        """Rows as the network is to see them."""
        return Data(self.inputs_of(data.inputs), self.targets.to_network(data.targets))

    def inputs_of(self, inputs: Floats) -> Floats:
        """Inputs alone."""
        return self.inputs.to_network(inputs) if inputs.dtype.kind == "f" else inputs


def _scaling(array: Floats, wanted: bool) -> Scaling:
    if not wanted or array.dtype.kind != "f":
        return Scaling(np.zeros(array.shape[1:]), np.ones(array.shape[1:]))
    numbers = array.astype(np.float64)
    spread = numbers.std(0)
    return Scaling(numbers.mean(0), np.where(spread > ROUNDING * np.abs(numbers).max(0), spread, 1.0))
