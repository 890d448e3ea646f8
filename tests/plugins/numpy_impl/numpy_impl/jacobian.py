"""The Jacobian of a network without batch statistics: the way back of `model`, once for each output and row by row."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from numpy_impl.activations import ACTIVATIONS
from parity.contract import MLP, Arrays

Array = NDArray[Any]


def jacobian(model: MLP, parameters: Arrays, inputs: Array) -> tuple[Array, Array]:
    """The (B, K) predictions, and the (B K, P) derivatives of each by each parameter, in the order of `parameters`."""
    layers = range(len(model.hidden) + 1)
    kernels = [parameters[f"layers.{i}.kernel"] for i in layers]
    taken, slopes = [inputs], []
    for i in layers:
        outgoing = taken[i] @ kernels[i] + parameters[f"layers.{i}.bias"]
        y, slope = ACTIVATIONS[model.activation if i < layers[-1] else "identity"](outgoing)
        taken.append(y)
        slopes.append(slope)

    predictions = taken.pop()
    rows, outputs = predictions.shape
    by_name: dict[str, Array] = {}
    back = np.broadcast_to(np.eye(outputs, dtype=inputs.dtype), (rows, outputs, outputs))  # (B, K, units of layer i)
    for i in reversed(layers):
        back = back * slopes[i][:, None, :]
        by_name[f"layers.{i}.kernel"] = taken[i][:, None, :, None] * back[:, :, None, :]
        by_name[f"layers.{i}.bias"] = back
        back = back @ kernels[i].T
    return predictions, np.concatenate([by_name[name].reshape(rows * outputs, -1) for name in parameters], axis=1)
