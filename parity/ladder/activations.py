"""What rounding in an activation makes of predictions and gradients.

A slope is computed from numbers of the size of 1, so it is off by a unit in the last place of 1 however small it is: of a
saturated unit's 1 - tanh^2 next to no digits are left. So is the factor 1 + erf of a GELU's output. Rows that are alike are all
off by the same, and no replica moves a saturated unit. What one slope is off by reaches every layer in front of it.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from parity.contract import Arrays, TrainingConfig

Floats = NDArray[np.float64]

EXACT = ("relu", "leaky_relu", "identity")
"""Activations whose slope is one of two numbers."""
FROM_ONE = {"gelu": 5.0, "gelu_tanh": 5.0}
"""Those whose output too is computed from a number of the size of 1, in units in the last place of which it may be off: half of
the input, -10 where in float64 the factor 1 + erf has long been 0."""


def of_outputs(config: TrainingConfig, parameters: Arrays, dtype: str) -> Floats:
    """(K,) what the last activations make of predictions."""
    last: Floats = np.abs(parameters[f"layers.{len(config.model.hidden)}.kernel"]).sum(axis=0, dtype=np.float64)
    return FROM_ONE.get(config.model.activation, 0.0) * _unit(dtype) * last


def of_activations(
    config: TrainingConfig, parameters: Arrays, gradients: Arrays, dtype: str
) -> Iterator[tuple[str, Floats]]:
    """By tensor and element, what activations and slopes make of a gradient.

    As far to the front as each layer has a bias: a batch normalisation in front of an activation keeps units from saturating.
    """
    if config.model.activation in EXACT:
        return
    of_output, error = FROM_ONE.get(config.model.activation, 0.0) * _unit(dtype), np.zeros(config.outputs)
    for layer in reversed(range(len(config.model.hidden))):
        kernel = parameters[f"layers.{layer + 1}.kernel"].astype(np.float64)
        behind = gradients[f"layers.{layer + 1}.bias"]
        yield f"layers.{layer + 1}.kernel", np.broadcast_to(of_output * np.abs(behind), kernel.shape)
        if f"layers.{layer}.bias" not in gradients:
            return
        of_kernel, of_bias = (np.abs(gradients[f"layers.{layer}.{name}"]) for name in ("kernel", "bias"))
        # What a unit's output is worth to the loss; its bias is worth that times the slope.
        worth = np.abs(kernel @ behind)
        slope = np.divide(np.minimum(of_bias, worth), worth, out=np.zeros(worth.shape), where=worth > 0)
        error = _unit(dtype) * worth + slope * (np.abs(kernel) @ error)
        yield f"layers.{layer}.bias", error
        inputs = of_kernel.max() / of_bias.max() if of_bias.any() else 1.0
        yield f"layers.{layer}.kernel", np.broadcast_to(error * inputs, of_kernel.shape)


def _unit(dtype: str) -> float:
    return float(np.finfo(dtype).eps)
