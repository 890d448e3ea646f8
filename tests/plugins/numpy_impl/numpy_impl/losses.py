"""Losses: the value, and its gradient by the predictions.

Each loss returns its terms before they are reduced, one an element or one a row, and the gradient of their sum.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract import Loss

Array = NDArray[Any]


def value_and_gradient(loss: Loss, predictions: Array, targets: Array) -> tuple[float, Array]:
    """The loss between (B, K) predictions and targets, and its (B, K) gradient by the predictions."""
    terms, gradient = _terms(loss, predictions, targets)
    if loss.reduction == "sum":
        return float(terms.sum()), gradient
    return float(terms.mean()), gradient / terms.size


def _terms(loss: Loss, predictions: Array, targets: Array) -> tuple[Array, Array]:
    error = predictions - targets
    match loss.kind:
        case "mse":
            return error**2, 2 * error
        case "mae":
            return np.abs(error), np.sign(error)
        case "huber":
            return huber(error, loss.huber_delta)
        case "log_cosh":
            return log_cosh(error), np.tanh(error)
        case "cross_entropy":
            return cross_entropy(predictions, targets)


def log_cosh(error: Array) -> Array:
    """Without overflow, and with all digits near 0; (B, K) terms."""
    size = np.abs(error)
    near, far = np.minimum(size, 1), np.maximum(size, 1)
    return np.where(size < 1, np.log1p(np.sinh(near) ** 2) / 2, np.logaddexp(far, -far) - math.log(2))


def huber(error: Array, delta: float) -> tuple[Array, Array]:
    """A parabola inside `delta`, lines of slope `delta` outside; (B, K) terms."""
    size = np.abs(error)
    return np.where(size <= delta, error**2 / 2, delta * (size - delta / 2)), np.clip(error, -delta, delta)


def cross_entropy(logits: Array, targets: Array) -> tuple[Array, Array]:
    """-sum_k t_k log softmax(logits)_k, without overflow; (B,) terms."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_softmax = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    terms = -(targets * log_softmax).sum(axis=1)
    return terms, np.exp(log_softmax) * targets.sum(axis=1, keepdims=True) - targets
