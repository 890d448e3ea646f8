"""Losses: which one, and how the elements are reduced to one number."""

from dataclasses import dataclass
from typing import Literal, get_args

from parity.contract.errors import require_choice, require_positive

LossKind = Literal["mse", "mae", "huber", "log_cosh", "cross_entropy"]
Reduction = Literal["mean", "sum"]


@dataclass(frozen=True)
class Loss:
    """The loss between predictions p and targets t, both of shape (B, K).

    mse (p-t)^2; mae |p-t|; huber d^2/2 inside `huber_delta` and delta (|d| - delta/2) outside; log_cosh log cosh(p-t);
    cross_entropy -sum_k t_k log softmax(p)_k with t a row of class probabilities.
    The mean is over all B*K elements, for cross_entropy over the B rows.
    """

    kind: LossKind = "mse"
    """Which loss."""
    reduction: Reduction = "mean"
    """Mean or sum over the elements."""
    huber_delta: float = 1.0
    """Where huber turns from a parabola into a line."""

    def __post_init__(self) -> None:
        require_choice("Loss.kind", self.kind, get_args(LossKind))
        require_choice("Loss.reduction", self.reduction, get_args(Reduction))
        require_positive(self, "huber_delta")
