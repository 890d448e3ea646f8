"""What crosses the line between harness and backend: named NumPy arrays, and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]
"""Tensors by name: `layers.0.kernel` (inputs x outputs), `layers.0.bias`, `norms.0.mean`, ..."""


@dataclass(frozen=True)
class State:
    """All that training changes."""

    parameters: Arrays
    """Trained tensors by name."""
    buffers: Arrays
    """Tensors that training changes without a gradient (running statistics)."""
    optimizer: Mapping[str, Arrays]
    """For each slot of the optimizer (`first_moment`) an array a parameter, by the parameter's name."""
    step: int = 0
    """Steps done so far."""


@dataclass(frozen=True)
class Data:
    """Rows to learn from or to be judged by, in the network's own units."""

    inputs: NDArray[Any]
    """(N, D)."""
    targets: NDArray[Any]
    """(N, K)."""


@dataclass(frozen=True)
class Batch:
    """What one training step sees."""

    inputs: NDArray[Any]
    """(B, D)."""
    targets: NDArray[Any]
    """(B, K)."""
    masks: Arrays = field(default_factory=dict)
    """Boolean (B, H) for each mask that the model declares."""


@dataclass(frozen=True)
class BatchOrder:
    """Which rows, and which masks, each of S steps sees."""

    steps: int
    """S."""
    rows: NDArray[np.int32] | None = None
    """(S, B) row numbers; None where every step sees all rows in their own order."""
    masks: Arrays = field(default_factory=dict)
    """Boolean (S, B, H) for each mask that the model declares."""

    def batch(self, data: Data, step: int) -> Batch:
        """The batch of one step, cut from `data`."""
        rows = slice(None) if self.rows is None else self.rows[step]
        return Batch(data.inputs[rows], data.targets[rows], {name: mask[step] for name, mask in self.masks.items()})

    def part(self, start: int, stop: int) -> "BatchOrder":
        """The steps from `start` to `stop`."""
        return BatchOrder(
            stop - start,
            None if self.rows is None else self.rows[start:stop],
            {name: mask[start:stop] for name, mask in self.masks.items()},
        )


@dataclass(frozen=True)
class History:
    """What a run of S steps left behind."""

    losses: NDArray[Any]
    """(S,) the training loss of each step, before its update."""
    predictions: NDArray[Any]
    """(E, V, K) predictions of the evaluated rows, in evaluation mode, at each asked-for step."""
    parameters: Arrays
    """By name (C, ...): the parameters at each checkpoint."""
    buffers: Arrays
    """By name (C, ...): the buffers at each checkpoint."""
    final: State
    """The state behind the last step."""


def pauses(steps: int, *wanted: Sequence[int], parts: int = 32) -> list[int]:
    """Where a run pauses, rising: at step 0, at every wanted step, often enough to show progress, and at the last step."""
    regular = range(0, steps, -(-steps // parts))
    return sorted({*regular, steps}.union(*wanted))
