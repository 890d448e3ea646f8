"""First-order optimizers as functions of vectors, with no number of the host: what a graph of operations can hold.

Each gives the step (P,) that is subtracted from x, and moves its slots. The formulas are the contract's.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from parity.contract import SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, Lion, NAdam, RAdam, RMSprop

Slots = dict[str, Tensor]  # by the contract's name (P,)


def sgd(config: SGD, x: Tensor, g: Tensor, slots: Slots, scalars: Mapping[str, Tensor]) -> Tensor:
    g = g + config.weight_decay * x if config.weight_decay else g
    if not config.momentum:
        return scalars["lr"] * g
    velocity = slots["momentum"].mul_(config.momentum).add_(g)
    return scalars["lr"] * (g + config.momentum * velocity if config.nesterov else velocity)


def adam(config: Adam | AdamW, x: Tensor, g: Tensor, slots: Slots, scalars: Mapping[str, Tensor]) -> Tensor:
    m, v = moments(config, g, slots)
    return scalars["corrected_rate"] * m / (v.sqrt() / scalars["root_correction"] + config.eps)


def adamw(config: AdamW, x: Tensor, g: Tensor, slots: Slots, scalars: Mapping[str, Tensor]) -> Tensor:
    return adam(config, x, g, slots, scalars) + scalars["lr"] * config.weight_decay * x


def rmsprop(config: RMSprop, x: Tensor, g: Tensor, slots: Slots, scalars: Mapping[str, Tensor]) -> Tensor:
    v = slots["mean_square"].mul_(config.decay).addcmul_(g, g, value=1.0 - config.decay)
    step = g / (v.sqrt() + config.eps)
    return scalars["lr"] * (slots["momentum"].mul_(config.momentum).add_(step) if config.momentum else step)


def adagrad(config: Adagrad, x: Tensor, g: Tensor, slots: Slots, scalars: Mapping[str, Tensor]) -> Tensor:
    return scalars["lr"] * g / (slots["sum_of_squares"].addcmul_(g, g).sqrt() + config.eps)


def nadam(config: NAdam, x: Tensor, g: Tensor, slots: Slots, scalars: Mapping[str, Tensor]) -> Tensor:
    m, v = moments(config, g, slots)
    root = v.sqrt() / scalars["root_correction"] + config.eps
    return (scalars["gradient_rate"] * g + scalars["momentum_rate"] * m) / root


def radam(config: RAdam, x: Tensor, g: Tensor, slots: Slots, scalars: Mapping[str, Tensor]) -> Tensor:
    m, v = moments(config, g, slots)
    rectification = scalars["rectification"]
    return scalars["corrected_rate"] * m * torch.where(rectification > 0, rectification / (v.sqrt() + config.eps), 1.0)


def adamax(config: Adamax, x: Tensor, g: Tensor, slots: Slots, scalars: Mapping[str, Tensor]) -> Tensor:
    m, u = slots["first_moment"].lerp_(g, 1.0 - config.b1), slots["infinity_norm"]
    u.copy_(torch.maximum(u * config.b2, g.abs() + config.eps))
    return scalars["corrected_rate"] * m / u


def adadelta(config: Adadelta, x: Tensor, g: Tensor, slots: Slots, scalars: Mapping[str, Tensor]) -> Tensor:
    v = slots["mean_square"].mul_(config.decay).addcmul_(g, g, value=1.0 - config.decay)
    w = slots["mean_square_update"]
    step = (w + config.eps).sqrt() / (v + config.eps).sqrt() * g
    w.mul_(config.decay).addcmul_(step, step, value=1.0 - config.decay)
    return scalars["lr"] * step


def lion(config: Lion, x: Tensor, g: Tensor, slots: Slots, scalars: Mapping[str, Tensor]) -> Tensor:
    m = slots["momentum"]
    step = (config.b1 * m + (1.0 - config.b1) * g).sign() + config.weight_decay * x
    m.lerp_(g, 1.0 - config.b2)
    return scalars["lr"] * step


def moments(config: Adam | AdamW | NAdam | RAdam, g: Tensor, slots: Slots) -> tuple[Tensor, Tensor]:
    """Both moments with the gradient in them."""
    m = slots["first_moment"].lerp_(g, 1.0 - config.b1)
    v = slots["second_moment"].mul_(config.b2).addcmul_(g, g, value=1.0 - config.b2)
    return m, v


UPDATES: dict[type, Callable[..., Tensor]] = {
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


def corrections(config: Any, lr: NDArray[np.float64], t: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """What PyTorch's own optimizers compute for themselves: bias corrections at the steps t, counted from 1."""
    if isinstance(config, Adam | AdamW):
        return {"corrected_rate": lr / (1.0 - config.b1**t), "root_correction": np.sqrt(1.0 - config.b2**t)}
    if isinstance(config, Adamax):
        return {"corrected_rate": lr / (1.0 - config.b1**t)}
    if isinstance(config, RAdam):
        last, correction = 2.0 / (1.0 - config.b2) - 1.0, 1.0 - config.b2**t
        length = last - 2.0 * t * config.b2**t / correction
        longer = np.maximum(length, 5.0)
        squared = (longer - 4.0) * (longer - 2.0) * last / ((last - 4.0) * (last - 2.0) * longer)
        rectification = np.where(length > 5.0, np.sqrt(squared * correction), 0.0)
        return {"corrected_rate": lr / (1.0 - config.b1**t), "rectification": rectification}
    return {}
