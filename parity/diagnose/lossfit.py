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
FACTORS = (1.0, 0.5, -1.0, -0.5)


def find_loss(steps: Sequence[Met]) -> FoundLoss | None:
    """The loss that gives the value of every step that was looked at; None where none of those known does."""
    usable = [
        s
        for s in steps
        if np.isfinite([s.loss, s.predictions.astype(float).sum(), s.targets.astype(float).sum()]).all()
    ]
    if not usable:
        return None
    steps = [usable[0], usable[len(usable) // 2], usable[-1]]
    found = [set(_candidates(step)) for step in steps]
    common = set.intersection(*found)
    named = _named(steps[0].loss_function)
    likely = sorted(
        common, key=lambda f: (f.kind != named, FACTORS.index(f.factor), f.kind != "mse", f.reduction != "mean")
    )
    if likely:
        return likely[0]
    if named:
        return FoundLoss(named, "mean", 1.0, np.shape(steps[0].predictions))
    return None


def _named(function: str) -> str:
    return {
        "mse_loss": "mse", "squared_error": "mse", "l2_loss": "mse", "l1_loss": "mae", "smooth_l1_loss": "huber",
        "huber_loss": "huber", "log_cosh": "log_cosh", "cross_entropy": "cross_entropy",
        "softmax_cross_entropy": "cross_entropy", "softmax_cross_entropy_with_integer_labels": "cross_entropy",
        "binary_cross_entropy": "bce", "binary_cross_entropy_with_logits": "bce_logits",
        "sigmoid_binary_cross_entropy": "bce_logits",
    }.get(function, "")  # fmt: skip


def _candidates(step: Met) -> Iterator[FoundLoss]:
    p, t = np.asarray(step.predictions, float), np.asarray(step.targets, float)
    try:
        shape = np.broadcast_shapes(p.shape, t.shape)
    except ValueError:
        return
    named = _named(step.loss_function)
    for kind, elements in ELEMENTS.items():
        if named and kind != named:
            continue
        with np.errstate(over="ignore", invalid="ignore"):
            values = elements(p, t)
            reduced = {"mean": values.mean(), "sum": values.sum(), "root": np.sqrt(values.mean())}
            # A sum over the columns, then a mean over the rows.
            if values.ndim > 1 and values.shape[-1] > 1:
                reduced["sum of columns"] = values.sum(-1).mean()
        for reduction, value in reduced.items():
            for factor in FACTORS:
                if abs(step.loss - factor * value) <= CLOSE * max(abs(value), SMALLEST):
                    columns = shape[-1] if reduction == "sum of columns" else 1
                    name = "mean" if reduction == "sum of columns" else reduction
                    yield FoundLoss(kind, name, factor * columns if columns == 1 else factor, shape)
