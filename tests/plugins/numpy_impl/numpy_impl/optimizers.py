"""Optimizers whose step is a function of the gradient, as the formulas in `parity.contract.optimizers` have them.

Each function takes its config c, the learning rate lr, the step t counted from 1, one parameter p with its gradient g,
and its slots in the order of `c.slots`; it returns the new p and the new slots. Scalars are Python floats: they are
computed in float64 and leave the dtype of an array alone.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Arrays,
    FirstOrder,
    Lion,
    NAdam,
    RAdam,
    RMSprop,
)

Array = NDArray[Any]


def update(c: FirstOrder, lr: float, t: int, p: Array, g: Array, slots: Arrays) -> tuple[Array, dict[str, Array]]:
    """One parameter and its slots, by their names, after step t."""
    new_p, *new_slots = _UPDATES[type(c)](c, lr, t, p, g, *(slots[name] for name in c.slots))
    # Without momentum SGD and RMSprop declare no slot for the velocity that they return last: zip drops it.
    return new_p, dict(zip(c.slots, new_slots, strict=False))


def clip(gradients: Arrays, clip_norm: float | None) -> Arrays:
    """The gradients, all scaled down by one factor where their global norm is above `clip_norm`."""
    if clip_norm is None:
        return gradients
    norm = math.sqrt(sum(float(np.sum(g**2)) for g in gradients.values()))
    scale = min(clip_norm / (norm + 1e-6), 1.0)  # in this order a norm of NaN stays NaN
    return {name: g * scale for name, g in gradients.items()}


def sgd(c: SGD, lr: float, t: int, p: Array, g: Array, v: Array | float = 0.0) -> tuple[Array, ...]:
    """Gradient descent, with momentum where asked for."""
    g = g + c.weight_decay * p
    v = c.momentum * v + g
    direction = g + c.momentum * v if c.nesterov else v
    return p - lr * direction, v


def adam(c: Adam | AdamW, lr: float, t: int, p: Array, g: Array, m: Array, v: Array) -> tuple[Array, ...]:
    """Adam (arXiv:1412.6980)."""
    m = c.b1 * m + (1 - c.b1) * g
    v = c.b2 * v + (1 - c.b2) * g**2
    return p - lr * (m / (1 - c.b1**t)) / (np.sqrt(v / (1 - c.b2**t)) + c.eps), m, v


def adamw(c: AdamW, lr: float, t: int, p: Array, g: Array, m: Array, v: Array) -> tuple[Array, ...]:
    """AdamW (arXiv:1711.05101): the decay sees the parameter before the step."""
    new_p, m, v = adam(c, lr, t, p, g, m, v)
    return new_p - lr * c.weight_decay * p, m, v


def rmsprop(c: RMSprop, lr: float, t: int, p: Array, g: Array, v: Array, b: Array | float = 0.0) -> tuple[Array, ...]:
    """RMSprop (Hinton 2012); the velocity b is kept before the learning rate is applied."""
    v = c.decay * v + (1 - c.decay) * g**2
    b = c.momentum * b + g / (np.sqrt(v) + c.eps)
    return p - lr * b, v, b


def adagrad(c: Adagrad, lr: float, t: int, p: Array, g: Array, s: Array) -> tuple[Array, ...]:
    """Adagrad (Duchi et al. 2011)."""
    s = s + g**2
    return p - lr * g / (np.sqrt(s) + c.eps), s


def nadam(c: NAdam, lr: float, t: int, p: Array, g: Array, m: Array, v: Array) -> tuple[Array, ...]:
    """NAdam (Dozat 2016), with mu rising to b1."""
    of_gradient, of_moment = _nadam_weights(c, t)
    m = c.b1 * m + (1 - c.b1) * g
    v = c.b2 * v + (1 - c.b2) * g**2
    return p - lr * (of_gradient * g + of_moment * m) / (np.sqrt(v / (1 - c.b2**t)) + c.eps), m, v


@lru_cache(maxsize=1)  # the same for all parameters of a step
def _nadam_weights(c: NAdam, t: int) -> tuple[float, float]:
    """(1-mu_t)/(1-M_t) and mu_(t+1)/(1-M_(t+1)), from the count of steps alone, so that M needs no slot."""
    mu = c.b1 * (1 - 0.96 ** (np.arange(1, t + 2) * c.momentum_decay) / 2)  # mu_1 to mu_(t+1)
    return float((1 - mu[-2]) / (1 - np.prod(mu[:-1]))), float(mu[-1] / (1 - np.prod(mu)))


def radam(c: RAdam, lr: float, t: int, p: Array, g: Array, m: Array, v: Array) -> tuple[Array, ...]:
    """RAdam (arXiv:1908.03265): plain momentum until the second moment has seen enough steps."""
    m = c.b1 * m + (1 - c.b1) * g
    v = c.b2 * v + (1 - c.b2) * g**2
    rho = 2 / (1 - c.b2) - 1
    rho_t = rho - 2 * t * c.b2**t / (1 - c.b2**t)
    direction = m / (1 - c.b1**t)
    if rho_t > 5:
        r = math.sqrt((rho_t - 4) * (rho_t - 2) * rho / ((rho - 4) * (rho - 2) * rho_t))
        direction = direction * (math.sqrt(1 - c.b2**t) * r) / (np.sqrt(v) + c.eps)
    return p - lr * direction, m, v


def adamax(c: Adamax, lr: float, t: int, p: Array, g: Array, m: Array, u: Array) -> tuple[Array, ...]:
    """Adamax (arXiv:1412.6980, section 7.1)."""
    m = c.b1 * m + (1 - c.b1) * g
    u = np.maximum(c.b2 * u, np.abs(g) + c.eps)
    return p - lr * m / ((1 - c.b1**t) * u), m, u


def adadelta(c: Adadelta, lr: float, t: int, p: Array, g: Array, v: Array, w: Array) -> tuple[Array, ...]:
    """Adadelta (arXiv:1212.5701)."""
    v = c.decay * v + (1 - c.decay) * g**2
    d = np.sqrt(w + c.eps) / np.sqrt(v + c.eps) * g
    w = c.decay * w + (1 - c.decay) * d**2
    return p - lr * d, v, w


def lion(c: Lion, lr: float, t: int, p: Array, g: Array, m: Array) -> tuple[Array, ...]:
    """Lion (arXiv:2302.06675)."""
    direction = np.sign(c.b1 * m + (1 - c.b1) * g)
    m = c.b2 * m + (1 - c.b2) * g
    return p - lr * (direction + c.weight_decay * p), m


_UPDATES: dict[type[FirstOrder], Callable[..., tuple[Array, ...]]] = {
    SGD: sgd,
    Adam: adam,
    AdamW: adamw,
    RMSprop: rmsprop,
    Adagrad: adagrad,
    NAdam: nadam,
    RAdam: radam,
    Adamax: adamax,
    Adadelta: adadelta,
    Lion: lion,
}
