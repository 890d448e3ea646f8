"""What rounding in an activation makes of the gradients around it.

A slope is computed from numbers of the size of 1, so it is off by a unit in the last place of 1 however small it is: of a
saturated unit's 1 - tanh^2 next to no digits are left. So is the factor 1 + erf of a GELU's output. Rows that are alike are all
off by the same, and no replica moves a saturated unit. What one slope is off by reaches every layer in front of it.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from parity.contract import MLP, Arrays, TrainingConfig

Floats = NDArray[np.float64]

EXACT = ("relu", "leaky_relu", "identity")
"""Activations whose slope is one of two numbers."""
FROM_ONE = ("gelu", "gelu_tanh")
"""Those whose output too is computed from a number of the size of 1."""


def of_activations(
    config: TrainingConfig, parameters: Arrays, gradients: Arrays, dtype: str
) -> Iterator[tuple[str, Floats]]:
    """By tensor and element, what activations and slopes that are a unit in the last place of 1 off make of a gradient.

    Of an MLP; a batch normalisation keeps units from saturating.
    """
    if not isinstance(config.model, MLP) or config.model.activation in EXACT:
        return
    unit, error = float(np.finfo(dtype).eps), np.zeros(config.outputs)
    for layer in reversed(range(len(config.model.hidden))):
        kernel = parameters[f"layers.{layer + 1}.kernel"].astype(np.float64)
        of_kernel, of_bias = (np.abs(gradients[f"layers.{layer}.{name}"]) for name in ("kernel", "bias"))
        behind = gradients[f"layers.{layer + 1}.bias"]
        if config.model.activation in FROM_ONE:
            yield f"layers.{layer + 1}.kernel", np.broadcast_to(unit * np.abs(behind), kernel.shape)
        # What a unit's output is worth to the loss; its bias is worth that times the slope.
        worth = np.abs(kernel @ behind)
        slope = np.divide(np.minimum(of_bias, worth), worth, out=np.zeros(worth.shape), where=worth > 0)
        error = unit * worth + slope * (np.abs(kernel) @ error)
        yield f"layers.{layer}.bias", error
        inputs = of_kernel.max() / of_bias.max() if of_bias.any() else 1.0
        yield f"layers.{layer}.kernel", np.broadcast_to(error * inputs, of_kernel.shape)
