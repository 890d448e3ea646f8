"""Scaling of what a network is given and asked for, to mean 0 and standard deviation 1 of the rows it learns from."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract import Data

Floats = NDArray[Any]


@dataclass(frozen=True)
class Scaling:
    """Mean and spread by column; 0 and 1 where nothing is scaled."""

    input_mean: Floats
    input_spread: Floats
    target_mean: Floats
    target_spread: Floats

    @classmethod
    def of(cls, data: Data, inputs: bool, targets: bool) -> "Scaling":
        """The scaling of these rows."""
        return cls(*_mean_and_spread(data.inputs, inputs), *_mean_and_spread(data.targets, targets))

    def scaled(self, data: Data) -> Data:
        """Rows as the network is to see them."""
        return Data(self.inputs_of(data.inputs), (data.targets - self.target_mean) / self.target_spread)

    def inputs_of(self, inputs: Floats) -> Floats:
        """Inputs alone."""
        if inputs.dtype.kind != "f":
            return inputs
        scaled: Floats = (inputs - self.input_mean) / self.input_spread
        return scaled

    def outputs_of(self, outputs: Floats) -> Floats:
        """What the network answers, in the targets' own units."""
        own: Floats = outputs * self.target_spread + self.target_mean
        return own


def _mean_and_spread(array: Floats, wanted: bool) -> tuple[Floats, Floats]:
    if not wanted or array.dtype.kind != "f":
        return np.zeros(array.shape[1:]), np.ones(array.shape[1:])
    numbers = array.astype(np.float64)
    spread = numbers.std(0)
    # A column that does not vary has rounding for a spread.
    return numbers.mean(0), np.where(spread > 1e-6 * np.abs(numbers).max(0), spread, 1.0)
