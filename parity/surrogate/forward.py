"""A network evaluated and differentiated by NumPy alone."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract.exporting import Network, scaling_of
from parity.surrogate.activations import ACTIVATIONS

Floats = NDArray[np.float64]


def outputs_at(network: Network, inputs: Floats) -> Floats:
    """(N, D) inputs to (N, K) outputs, in their own units; the layers are evaluated in the network's dtype."""
    activation = ACTIVATIONS[network.model.activation]
    *hidden, (kernel, bias) = network.layers()
    x: NDArray[Any] = scaling_of(network.inputs).to_network(inputs).astype(network.dtype)
    for wide, offset in hidden:
        x, _ = activation(x @ wide + offset)
    return in_own_units(network, x @ kernel + bias)


def in_own_units(network: Network, last: NDArray[Any]) -> Floats:
    """What the last layer gives as outputs: probabilities of classes, or numbers with their scaling undone."""
    return softmax(last.astype(np.float64)) if network.classes else scaling_of(network.outputs).from_network(last)


def gradient_at(network: Network, inputs: Floats) -> Floats:
    """(N, K, D) derivatives of the outputs by the inputs, in own units: from the last layer back to the first, then the chain
    rule through scaling and logarithm."""
    own = outputs_at(network, inputs)
    *hidden, (kernel, _) = network.layers()
    x: NDArray[Any] = scaling_of(network.inputs).to_network(inputs).astype(network.dtype)
    slopes = []
    for wide, offset in hidden:
        x, slope = ACTIVATIONS[network.model.activation](x @ wide + offset)
        slopes.append(slope)
    back = np.broadcast_to(kernel.T, (len(inputs), *kernel.T.shape))
    for (wide, _), slope in zip(reversed(hidden), reversed(slopes), strict=True):
        back = (back * slope[:, None, :]) @ wide.T
    return _outer(network, own) @ back.astype(np.float64) * _inner(network, inputs)[:, None, :]


def _outer(network: Network, own: Floats) -> Floats:
    """(N, K, K): the outputs by what the last layer gives."""
    if network.classes:
        # The softmax's own: p_i (1 where i = j, else 0) - p_i p_j.
        diagonal: Floats = own[:, :, None] * np.eye(own.shape[1])
        return diagonal - own[:, :, None] * own[:, None, :]
    scaling = scaling_of(network.outputs)
    slopes: Floats = np.where(scaling.log, own, 1.0) * scaling.scale
    return slopes[:, :, None] * np.eye(own.shape[1])


def _inner(network: Network, inputs: Floats) -> Floats:
    """(N, D): what the first layer is given by the inputs."""
    scaling = scaling_of(network.inputs)
    with np.errstate(divide="ignore"):
        slopes: Floats = 1.0 / (np.where(scaling.log, inputs, 1.0) * scaling.scale)
    return slopes


def softmax(logits: Floats) -> Floats:
    """(N, K) probabilities of K classes."""
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: Floats = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return probabilities
