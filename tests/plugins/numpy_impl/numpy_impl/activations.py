"""Activations: each takes x and returns its value and its derivative there, both in the shape and dtype of x.

Where a derivative jumps, the value from the left is taken, as PyTorch does: relu'(0) = 0, leaky_relu'(0) = slope.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract.models import ELU_ALPHA, LEAKY_RELU_SLOPE

Array = NDArray[Any]

_erfc = np.vectorize(math.erfc, otypes=[float])


def identity(x: Array) -> tuple[Array, Array]:
    """x."""
    return x, np.ones_like(x)


def relu(x: Array) -> tuple[Array, Array]:
    """max(x, 0)."""
    return np.maximum(x, 0), (x > 0).astype(x.dtype)


def leaky_relu(x: Array) -> tuple[Array, Array]:
    """x, or slope x below 0."""
    slope = np.where(x > 0, np.ones_like(x), LEAKY_RELU_SLOPE)
    return slope * x, slope


def elu(x: Array) -> tuple[Array, Array]:
    """x, or alpha (exp(x) - 1) below 0 (arXiv:1511.07289)."""
    below = np.minimum(x, 0)
    return np.where(x > 0, x, ELU_ALPHA * np.expm1(below)), np.where(x > 0, 1.0, ELU_ALPHA * np.exp(below))


def tanh(x: Array) -> tuple[Array, Array]:
    """tanh x."""
    y = np.tanh(x)
    return y, 1 - y**2


def sigmoid(x: Array) -> tuple[Array, Array]:
    """1 / (1 + exp(-x)), without overflow."""
    y = np.exp(-np.logaddexp(0.0, -x))
    return y, y * (1 - y)


def softplus(x: Array) -> tuple[Array, Array]:
    """log(1 + exp(x)), without overflow."""
    return np.logaddexp(0.0, x), sigmoid(x)[0]


def silu(x: Array) -> tuple[Array, Array]:
    """x sigmoid(x) (arXiv:1702.03118)."""
    s, s_slope = sigmoid(x)
    return x * s, s + x * s_slope


def gelu(x: Array) -> tuple[Array, Array]:
    """x Phi(x), with Phi the distribution function of the standard normal (arXiv:1606.08415)."""
    distribution = (_erfc(-x / math.sqrt(2)) / 2).astype(x.dtype)
    density = np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
    return x * distribution, distribution + x * density


def gelu_tanh(x: Array) -> tuple[Array, Array]:
    """gelu with Phi(x) taken as (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2 (arXiv:1606.08415, section 2)."""
    root = math.sqrt(2 / math.pi)
    # (1 + tanh u) / 2 is sigmoid(2 u), which keeps its digits where tanh is near -1.
    y, y_slope = sigmoid(2 * root * (x + 0.044715 * x**3))
    inner_slope = 2 * root * (1 + 3 * 0.044715 * x**2)
    return x * y, y + x * y_slope * inner_slope


ACTIVATIONS: dict[str, Callable[[Array], tuple[Array, Array]]] = {
    function.__name__: function
    for function in (identity, relu, leaky_relu, elu, tanh, sigmoid, softplus, silu, gelu, gelu_tanh)
}
