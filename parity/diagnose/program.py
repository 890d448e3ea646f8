"""A watched training, understood: its rows, its loss, its network and how well it did.

N rows, D inputs, K outputs.
"""

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract import Evaluation, Operation, Parameter, Place, Training, WatchedStep
from parity.diagnose.judged import Scored, judged
from parity.diagnose.lossfit import FoundLoss, Met, find_loss, met

Floats = NDArray[np.float64]
MOST_ROWS = 50_000  # Met in the steps that were looked at; beyond, no more are gathered.
CLASS_LOSSES = {
    "cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits", "softmax_cross_entropy",
    "softmax_cross_entropy_with_integer_labels", "sigmoid_binary_cross_entropy",
}  # fmt: skip


@dataclass(frozen=True)
class Rows:
    """Distinct rows that were trained on, as the network and the loss were given them."""

    inputs: NDArray[Any]
    """(N, ...)."""
    targets: NDArray[Any]
    """(N, K), or (N,) of classes."""
    torn: float
    """Share of the rows that came again whose target was another one than before."""
    jump: float
    """How far targets move between two meetings of a row, as a share of how far targets lie apart."""
    met: int
    """Rows met, repeats among them."""


@dataclass(frozen=True)
class Program:
    """One network of the watched program."""

    training: Training
    framework: str
    scored: tuple[Scored, ...] = field(default=())

    @property
    def steps(self) -> tuple[WatchedStep, ...]:
        return self.training.steps

    @cached_property
    def met(self) -> tuple[Met, ...]:
        """The steps in which prediction and target were seen."""
        return tuple(found for step in self.steps if (found := met(step)) is not None)

    @property
    def first(self) -> Met | None:
        """The first of them."""
        return self.met[0] if self.met else None

    @property
    def loss_place(self) -> Place | None:
        """Where prediction and target met."""
        return self.first.loss_place if self.first else None

    @cached_property
    def loss(self) -> FoundLoss | None:
        return find_loss(self.met)

    @property
    def operations(self) -> tuple[Operation, ...]:
        return self.first.operations if self.first else ()

    @property
    def last_operations(self) -> tuple[Operation, ...]:
        return next((step.operations for step in reversed(self.steps) if step.operations), ())

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return self.training.parameters

    @property
    def turned(self) -> bool:
        """Kernels of linear layers are stored outputs x inputs, as PyTorch does; the contract's own are not."""
        return self.framework == "torch" and not any(p.name.endswith(".kernel") for p in self.parameters)

    @property
    def title(self) -> str:
        """`Sequential 2-10-5-1, relu, by SGD, 20000 steps`."""
        names = list(dict.fromkeys(o.name for o in self.operations if o.kind == "activation"))
        optimizer = self.training.optimizer.kind if self.training.optimizer else "no optimizer"
        parts = [f"{self.training.network} {self._widths()}".rstrip(), *names]
        return f"{', '.join(parts)}, {'' if optimizer.startswith(('no', 'by')) else 'by '}{optimizer}, {self.updates} steps"

    def _widths(self) -> str:
        turned = self.turned
        shapes = [
            p.initial.shape
            for o in self.operations
            if o.kind == "linear"
            for p in self.parameters
            if o.parameters[:1] == (p.name,)
        ]
        own = [
            (s[::-1] if turned and o.name == "linear" else s)
            for s, o in zip(shapes, [o for o in self.operations if o.kind == "linear"], strict=False)
            if len(s) == 2
        ]
        return "-".join(str(n) for n in [*(own[0][:1] if own else ()), *(s[1] for s in own)])

    @property
    def broadcast(self) -> bool:
        """Predictions and targets have different shapes, and their difference is larger than either."""
        first = self.first
        if first is None or self.classes:
            return False
        p, t = first.predictions, first.targets
        if p.shape == t.shape or t.size == 1:
            return False
        try:
            return math.prod(np.broadcast_shapes(p.shape, t.shape)) > max(p.size, t.size)
        except ValueError:
            return False

    @cached_property
    def classes(self) -> bool:
        """The targets are classes, and not quantities."""
        return bool(self.first and self.first.loss_function in CLASS_LOSSES)

    @cached_property
    def rows(self) -> Rows | None:
        """The rows that were trained on, gathered from the steps that were looked at."""
        return gather(self.steps)

    @property
    def batch_rows(self) -> int:
        """B, of the first step."""
        return 0 if self.first is None else self.first.rows

    @property
    def updates(self) -> int:
        """Steps of the whole training."""
        return self.training.updates or self.training.backwards

    @cached_property
    def held_out(self) -> Evaluation | None:
        """The last evaluation of rows that were not trained on, with its targets."""
        for evaluation in reversed(self.evaluations):
            if (
                evaluation.inputs is not None
                and evaluation.targets is not None
                and self.share_trained_on(evaluation) < 0.5
            ):
                return evaluation
        return None

    @cached_property
    def evaluations(self) -> tuple[Evaluation, ...]:
        """All evaluations, with their targets as far as these were seen anywhere."""
        return tuple(judged(self.training.evaluations, self.scored, self.classes))

    @cached_property
    def trained_hashes(self) -> frozenset[bytes]:
        """Each row that was trained on, as bytes."""
        return frozenset() if self.rows is None else frozenset(row.tobytes() for row in self.rows.inputs)

    def share_trained_on(self, evaluation: Evaluation) -> float:
        """The share of an evaluation's rows that were trained on."""
        if evaluation.inputs is None or self.rows is None or np.ndim(evaluation.inputs) == 0:
            return 0.0
        inputs = np.asarray(evaluation.inputs, self.rows.inputs.dtype)
        return float(np.mean([row.tobytes() in self.trained_hashes for row in inputs])) if len(inputs) else 0.0

    @cached_property
    def score(self) -> tuple[float | None, str]:
        """How well the program did as it stands, and on which rows: R2, or the share of hits."""
        held_out = self.held_out
        if held_out is not None:
            return self.measure(
                held_out.predictions, held_out.targets
            ), f"{len(held_out.predictions)} rows that were not trained on"
        if self.scored:
            last = self.scored[-1]
            if np.size(last.truth) == np.size(last.prediction) and not self.classes:
                return r2(
                    last.prediction, last.truth
                ), f"the {len(np.atleast_1d(last.truth))} rows that the program scores"
        last_step = next((s for s in reversed(self.steps) if s.predictions is not None and s.targets is not None), None)
        if last_step is None:
            return None, ""
        return self.measure(
            last_step.predictions, last_step.targets
        ), f"the {self.batch_rows} rows of step {last_step.number}"

    def measure(self, predictions: NDArray[Any] | None, targets: NDArray[Any] | None) -> float | None:
        """R2, or for classes the share of hits; None where the two do not fit each other."""
        if predictions is None or targets is None:
            return None
        if self.classes:
            return hits(predictions, targets)
        return r2(predictions, targets) if np.size(predictions) == np.size(targets) else None


def gather(steps: tuple[WatchedStep, ...]) -> Rows | None:
    """The distinct rows of these steps, in the order in which they came."""
    batches: list[tuple[NDArray[Any], NDArray[Any]]] = []
    for step in steps:
        x, t = step.inputs, step.targets
        if x is None or t is None or np.ndim(x) == 0 or np.ndim(t) == 0 or len(x) != len(t) or x.size == 0:
            continue
        batches.append((x, t.reshape(len(t), -1)))
        if sum(len(x) for x, _ in batches) >= MOST_ROWS:
            break
    if len({(x.shape[1:], t.shape[1:]) for x, t in batches}) != 1:
        return None
    inputs, targets = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
    _, first, which = np.unique(as_keys(inputs), return_index=True, return_inverse=True)
    distinct, again = np.sort(first), np.setdiff1d(np.arange(len(inputs)), first)
    before, now = targets[first[which[again]]], targets[again]
    return Rows(
        inputs=inputs[distinct],
        targets=targets[distinct],
        torn=float(_differ(before, now).any(1).mean()) if len(again) else 0.0,
        jump=_apart(before, now) / apart if len(again) and (apart := _apart(targets, _shuffled(targets))) > 0 else 0.0,
        met=len(inputs),
    )


def as_keys(rows: NDArray[Any]) -> NDArray[Any]:
    """(N,) each row's bytes as one value."""
    flat = np.ascontiguousarray(rows.reshape(len(rows), -1))
    return flat.view(np.dtype((np.void, max(1, flat.dtype.itemsize * flat.shape[1]))))[:, 0]


def _differ(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.bool_]:
    """Where numbers differ; a NaN is no other than a NaN."""
    differ: NDArray[np.bool_] = one != other
    return differ & ~(np.isnan(one) & np.isnan(other)) if one.dtype.kind == "f" else differ


def _apart(one: NDArray[Any], other: NDArray[Any]) -> float:
    with np.errstate(invalid="ignore"):  # Infinite targets are told elsewhere.
        return float(np.abs(one.astype(float) - other.astype(float)).mean())


def _shuffled(rows: NDArray[Any]) -> NDArray[Any]:
    shuffled: NDArray[Any] = np.random.default_rng(0).permutation(rows)
    return shuffled


def r2(predictions: NDArray[Any], truth: NDArray[Any]) -> float:
    """R2, the mean over columns; NaN where the truth does not vary or a prediction is not finite."""
    t = np.asarray(truth, float).reshape(len(np.atleast_1d(truth)), -1)
    p = np.asarray(predictions, float).reshape(t.shape)
    spread = ((t - t.mean(0)) ** 2).sum(0)
    with np.errstate(all="ignore"):
        each = 1.0 - ((p - t) ** 2).sum(0)[spread > 0] / spread[spread > 0]
    return float(each.mean()) if len(each) else float("nan")


def hits(predictions: NDArray[Any], truth: NDArray[Any]) -> float:
    """The share of rows whose class was predicted."""
    p, t = np.asarray(predictions), np.asarray(truth)
    if p.ndim > 1 and p.shape[-1] > 1:
        labels = t.argmax(-1) if t.ndim == p.ndim and t.shape[-1] == p.shape[-1] else t.reshape(-1)
        return float((p.argmax(-1).reshape(-1) == labels).mean())
    cut = 0.5 if p.size and p.min() >= 0 and p.max() <= 1 else 0.0
    return float(((p.reshape(-1) > cut) == (t.reshape(-1) > 0.5)).mean()) if p.size == t.size else float("nan")
