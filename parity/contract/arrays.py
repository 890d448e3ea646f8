"""What crosses the line between harness and backend: named NumPy arrays, and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract.errors import require

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

    def named(self) -> dict[str, NDArray[Any]]:
        """All arrays under one name each: `layers.0.kernel`, `second_moment of layers.0.kernel`."""
        slots = {
            f"{slot} of {name}": array for slot, arrays in self.optimizer.items() for name, array in arrays.items()
        }
        return {**self.parameters, **self.buffers, **slots}


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

    def named(self) -> dict[str, NDArray[Any]]:
        """Row numbers, where there are any, and masks under one name each."""
        return {**({} if self.rows is None else {"rows": self.rows}), **self.masks}

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


def segments(
    steps: int, evaluate_at: Sequence[int], checkpoints_at: Sequence[int], parts: int = 32
) -> list[tuple[int, int, int, int]]:
    """How a run is cut: for each segment its first step, its last, and the slots for what is seen behind it.

    A run pauses at step 0, wherever something is to be seen, often enough to show progress, and at its end. The slots are the
    place of that step in `evaluate_at` and `checkpoints_at`, or E and C, one behind the last, where nothing is to be kept.
    Raises InputError where a step lies outside the run or the steps do not rise.
    """
    for name, at in (("evaluate_at", evaluate_at), ("checkpoints_at", checkpoints_at)):
        rising = all(one < other for one, other in pairwise(at))
        require(
            rising and all(0 <= step <= steps for step in at),
            f"{name} is {at}; expected rising steps from 0 to {steps}.",
        )
    stops = sorted({*range(0, steps, -(-steps // parts)), *evaluate_at, *checkpoints_at, steps})
    slots = [{step: slot for slot, step in enumerate(at)} for at in (evaluate_at, checkpoints_at)]
    return [
        (start, stop, slots[0].get(stop, len(slots[0])), slots[1].get(stop, len(slots[1])))
        for start, stop in pairwise([0, *stops])
    ]
