"""Which loss a program computes, told by its value: a hand-written one has no name."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract import Loss, Operation, Place, WatchedStep

Floats = NDArray[np.float64]

CLOSE = 1e-3  # Relative; float32 sums of many rows differ in the fifth digit.
SMALLEST = 1e-30


@dataclass(frozen=True)
class Met:
    """A watched step in which prediction and target were seen."""

    number: int
    loss: float
    loss_place: Place | None
    loss_function: str
    inputs: NDArray[Any] | None
    predictions: NDArray[Any]
    targets: NDArray[Any]
    operations: tuple[Operation, ...]
    training: bool | None

    @property
    def rows(self) -> int:
        """B."""
        return len(self.predictions) if self.predictions.ndim else 1


def met(step: WatchedStep) -> Met | None:
    """The step, where prediction and target were seen."""
    if step.predictions is None or step.targets is None:
        return None
    return Met(
        step.number, step.loss, step.loss_place, step.loss_function, step.inputs, step.predictions, step.targets,
        step.operations, step.training,
    )  # fmt: skip


@dataclass(frozen=True)
class FoundLoss:
    """A loss that gives the values that were seen."""

    kind: str
    """mse, mae, huber, log_cosh, or of classes: cross_entropy, bce, bce_logits."""
    reduction: str
    """mean, sum; `root` for the root of the mean."""
    factor: float
    """What it is multiplied by; below 0 it is the wrong way round."""
    pairs: tuple[int, ...]
    """The shape of the elements that it was reduced over."""

    def value(self, predictions: Floats, targets: Floats) -> float:
        """The loss of these, broadcast as they come."""
        elements = ELEMENTS[self.kind](predictions, targets)
        mean = float(elements.mean())
        reduced: dict[str, float] = {"mean": mean, "sum": float(elements.sum()), "root": mean**0.5}
        return self.factor * reduced[self.reduction]

    @property
    def loss(self) -> Loss | None:
        """In the contract's terms, apart from the factor; None where it has none."""
        if self.kind in ("mse", "mae", "huber", "log_cosh", "cross_entropy"):
            return Loss(self.kind, "sum" if self.reduction == "sum" else "mean")  # type: ignore[arg-type]
        return None

    def __str__(self) -> str:
        """`the sum of squared errors`."""
        what = {
            "mse": "squared errors",
            "mae": "absolute errors",
            "huber": "Huber's errors",
            "log_cosh": "log cosh errors",
        }
        how = {"mean": "the mean of", "sum": "the sum of", "root": "the root of the mean of"}
        if self.kind not in what:
            return {
                "cross_entropy": "cross-entropy",
                "bce": "binary cross-entropy",
                "bce_logits": "binary cross-entropy",
            }[self.kind]
        return f"{how[self.reduction]} {what[self.kind]}"


ELEMENTS: dict[str, Callable[[Floats, Floats], Floats]] = {
    "mse": lambda p, t: (p - t) ** 2,
    "mae": lambda p, t: np.abs(p - t),
    "huber": lambda p, t: np.where(np.abs(p - t) <= 1, (p - t) ** 2 / 2, np.abs(p - t) - 0.5),
    "log_cosh": lambda p, t: np.logaddexp(p - t, t - p) - np.log(2),
}
FACTORS = (1.0, 0.5, -1.0, -0.5)  # What a loss is multiplied by as a rule, the likeliest first.


def find_loss(steps: Sequence[Met]) -> FoundLoss | None:
    """The loss that gives the value of every step that was looked at, but for one factor; None where none known here does."""
    usable = [step for step in steps if _finite(step)]
    if not usable:
        return None
    looked_at = [usable[i] for i in sorted({0, len(usable) // 3, 2 * len(usable) // 3, len(usable) - 1})]
    named = _named(usable[0].loss_function)
    found = [loss for kind in ELEMENTS if named in ("", kind) for loss in _of_kind(kind, looked_at)]
    if found:
        return min(found, key=lambda f: (_unusual(f.factor), f.kind != "mse", f.reduction != "mean"))
    return FoundLoss(named, "mean", 1.0, usable[0].predictions.shape) if named else None


def _finite(step: Met) -> bool:
    return bool(np.isfinite([step.loss, step.predictions.astype(float).sum(), step.targets.astype(float).sum()]).all())


def _unusual(factor: float) -> int:
    return next((i for i, usual in enumerate(FACTORS) if abs(factor - usual) <= CLOSE * abs(usual)), len(FACTORS))


def _of_kind(kind: str, steps: Sequence[Met]) -> Iterator[FoundLoss]:
    """Each reduction of these elements that is the loss in every step, times one factor."""
    for reduction in ("mean", "sum", "root"):
        factors = []
        for step in steps:
            try:
                pairs = np.broadcast_shapes(step.predictions.shape, step.targets.shape)
            except ValueError:
                return
            with np.errstate(over="ignore", invalid="ignore"):
                value = FoundLoss(kind, reduction, 1.0, pairs).value(
                    step.predictions.astype(float), step.targets.astype(float)
                )
            factors.append(step.loss / value if abs(value) > SMALLEST else np.nan)
        middle = float(np.median(factors))
        same = bool(np.isfinite(factors).all()) and max(factors) - min(factors) <= CLOSE * abs(middle)
        # A factor that is not usual could be chance, where there are too few steps to show that it stays.
        if same and middle != 0 and (_unusual(middle) < len(FACTORS) or len(steps) > 2):
            usual = next((f for f in FACTORS if abs(middle - f) <= CLOSE * abs(f)), middle)
            yield FoundLoss(kind, reduction, usual, pairs)


def _named(function: str) -> str:
    return {
        "mse_loss": "mse", "squared_error": "mse", "l2_loss": "mse", "l1_loss": "mae", "smooth_l1_loss": "huber",
        "huber_loss": "huber", "log_cosh": "log_cosh", "cross_entropy": "cross_entropy",
        "softmax_cross_entropy": "cross_entropy", "softmax_cross_entropy_with_integer_labels": "cross_entropy",
        "binary_cross_entropy": "bce", "binary_cross_entropy_with_logits": "bce_logits",
        "sigmoid_binary_cross_entropy": "bce_logits",
    }.get(function, "")  # fmt: skip
