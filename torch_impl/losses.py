"""Losses of predictions p and targets t, both (B, K), reduced to a scalar."""

from collections.abc import Callable
from functools import partial
from math import log

import torch
import torch.nn.functional as F
from torch import Tensor

from parity.contract import Loss


def squared_error(p: Tensor, t: Tensor, reduction: str) -> Tensor:
    return F.mse_loss(p, t, reduction=reduction)


def absolute_error(p: Tensor, t: Tensor, reduction: str) -> Tensor:
    return F.l1_loss(p, t, reduction=reduction)


def huber(p: Tensor, t: Tensor, reduction: str, delta: float) -> Tensor:
    return F.huber_loss(p, t, reduction=reduction, delta=delta)


def log_cosh(p: Tensor, t: Tensor, reduction: str) -> Tensor:
    # PyTorch has none. Near 0 this form keeps all digits, beyond it does not overflow where cosh does.
    size = (p - t).abs()
    near, far = size.clamp(max=1.0), size.clamp(min=1.0)
    elements = torch.where(size < 1.0, torch.log1p(torch.sinh(near) ** 2) / 2, far + F.softplus(-2.0 * far) - log(2.0))
    return reduce(elements, reduction)


def cross_entropy(p: Tensor, t: Tensor, reduction: str) -> Tensor:
    return F.cross_entropy(p, t, reduction=reduction)


def reduce(elements: Tensor, reduction: str) -> Tensor:
    return elements.mean() if reduction == "mean" else elements.sum()


LOSSES = {
    "mse": squared_error,
    "mae": absolute_error,
    "huber": huber,
    "log_cosh": log_cosh,
    "cross_entropy": cross_entropy,
}


def build_loss(config: Loss) -> Callable[[Tensor, Tensor], Tensor]:
    constants = {"delta": config.huber_delta} if config.kind == "huber" else {}
    return partial(LOSSES[config.kind], reduction=config.reduction, **constants)
