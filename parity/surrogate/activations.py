"""The activations in NumPy: each takes x and returns its value and its derivative there, both in the dtype of x.

Where a derivative jumps, it is that from the left: relu'(0) = 0.
"""

from collections.abc import Callable, Mapping
from math import pi, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc, expit

from parity.contract.models import ELU_ALPHA, LEAKY_RELU_SLOPE

Array = NDArray[Any]
Activation = Callable[[Array], tuple[Array, Array]]


def identity(x: Array) -> tuple[Array, Array]:
    """x."""
    return x, np.ones_like(x)


def relu(x: Array) -> tuple[Array, Array]:
    """max(x, 0)."""
    return np.maximum(x, 0), (x > 0).astype(x.dtype)


def leaky_relu(x: Array) -> tuple[Array, Array]:
    """x, or slope x below 0."""
    slope = np.where(x > 0, 1.0, LEAKY_RELU_SLOPE).astype(x.dtype)
    return slope * x, slope


def elu(x: Array) -> tuple[Array, Array]:
    """x, or alpha (exp(x) - 1) below 0 (arXiv:1511.07289)."""
    below = np.minimum(x, 0)
    return np.where(x > 0, x, ELU_ALPHA * np.expm1(below)), np.where(x > 0, 1, ELU_ALPHA * np.exp(below))


def tanh(x: Array) -> tuple[Array, Array]:
    """tanh x."""
    y = np.tanh(x)
    return y, (1 - y) * (1 + y)


def sigmoid(x: Array) -> tuple[Array, Array]:
    """1 / (1 + exp(-x))."""
    y = expit(x)
    return y, y * expit(-x)


def softplus(x: Array) -> tuple[Array, Array]:
    """ln(1 + exp(x))."""
    return np.logaddexp(x.dtype.type(0), x), expit(x)


def silu(x: Array) -> tuple[Array, Array]:
    """x sigmoid(x) (arXiv:1702.03118)."""
    y, slope = sigmoid(x)
    return x * y, y + x * slope


def gelu(x: Array) -> tuple[Array, Array]:
    """x Phi(x), with Phi the distribution function of the standard normal (arXiv:1606.08415)."""
    distribution = erfc(x * -sqrt(0.5)) / 2
    density = np.exp(-(x**2) / 2) / sqrt(2 * pi)
    return x * distribution, distribution + x * density


def gelu_tanh(x: Array) -> tuple[Array, Array]:
    """gelu with Phi(x) taken as (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2 (arXiv:1606.08415, section 2)."""
    root = 2 * sqrt(2 / pi)
    y, slope = sigmoid(root * (x + 0.044715 * x**3))
    return x * y, y + x * slope * root * (1 + 3 * 0.044715 * x**2)


ACTIVATIONS: Mapping[str, Activation] = {
    function.__name__: function
    for function in (identity, relu, leaky_relu, elu, tanh, sigmoid, softplus, silu, gelu, gelu_tanh)
}
