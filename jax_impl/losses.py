"""Losses of predictions p and targets t, both (B, K), reduced to a scalar."""

from collections.abc import Callable
from functools import partial
from math import log

import jax
import jax.numpy as jnp
import optax
from jax import Array

from parity.contract import Loss


def squared_error(p: Array, t: Array, reduction: str) -> Array:
    # Not optax.l2_loss, which is half of it.
    return reduce(optax.squared_error(p, t), reduction)


def absolute_error(p: Array, t: Array, reduction: str) -> Array:
    # d sign(d), because the derivative of jnp.abs is 1 at a perfect fit, where PyTorch's is 0.
    return reduce((p - t) * jnp.sign(p - t), reduction)


def huber(p: Array, t: Array, reduction: str, delta: float) -> Array:
    # The gradient of optax.huber_loss is a difference, which loses its digits near a perfect fit; PyTorch's does not.
    d = jnp.abs(p - t)
    return reduce(jnp.where(d <= delta, 0.5 * d * d, delta * (d - 0.5 * delta)), reduction)


def log_cosh(p: Array, t: Array, reduction: str) -> Array:
    # optax.log_cosh loses its digits near 0. There this form keeps them all, beyond it does not overflow where cosh does.
    size = jnp.abs(p - t)
    near, far = jnp.minimum(size, 1.0), jnp.maximum(size, 1.0)
    elements = jnp.where(size < 1.0, jnp.log1p(jnp.sinh(near) ** 2) / 2, far + jax.nn.softplus(-2.0 * far) - log(2.0))
    return reduce(elements, reduction)


def cross_entropy(p: Array, t: Array, reduction: str) -> Array:
    return reduce(optax.softmax_cross_entropy(p, t), reduction)


def reduce(elements: Array, reduction: str) -> Array:
    return elements.mean() if reduction == "mean" else elements.sum()


LOSSES = {
    "mse": squared_error,
    "mae": absolute_error,
    "huber": huber,
    "log_cosh": log_cosh,
    "cross_entropy": cross_entropy,
}


def build_loss(config: Loss) -> Callable[[Array, Array], Array]:
    constants = {"delta": config.huber_delta} if config.kind == "huber" else {}
    return partial(LOSSES[config.kind], reduction=config.reduction, **constants)
