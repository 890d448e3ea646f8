"""The network, the bytes and the optimizer that every peer is given."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract import MLP, Adam, BatchOrder, Constant
from parity.problems import recipe
from parity.start import Start, draw

Floats = NDArray[Any]
DTYPE = "float32"
EXPERIMENT = replace(
    recipe("paraboloid"),
    model=MLP((10, 5), "tanh"),
    optimizer=Adam(learning_rate=1e-3, b1=0.9, b2=0.999, eps=1e-8),
    schedule=Constant(),
    batch_size=32,
    epochs=400,
)


@dataclass(frozen=True)
class Job:
    """Weights, rows and order, float32, and Adam's constants. N rows, D inputs, K outputs, S steps of B rows."""

    start: Start

    @property
    def adam(self) -> Adam:
        """The optimizer."""
        assert isinstance(self.start.config.optimizer, Adam)
        return self.start.config.optimizer

    @cached_property
    def layers(self) -> list[tuple[Floats, Floats]]:
        """The kernel, inputs x outputs, and the bias of each layer."""
        parameters = self.start.cast(DTYPE)[0].parameters
        count = len(EXPERIMENT.model.hidden) + 1
        return [(parameters[f"layers.{i}.kernel"], parameters[f"layers.{i}.bias"]) for i in range(count)]

    @cached_property
    def inputs(self) -> Floats:
        """(N, D)."""
        return self.start.cast(DTYPE)[1].inputs

    @cached_property
    def targets(self) -> Floats:
        """(N, K)."""
        return self.start.cast(DTYPE)[1].targets

    def rows(self, steps: int) -> NDArray[np.int32]:
        """(S, B) the rows of each batch; behind the end of the order it begins anew."""
        order = self.start.order.rows
        assert order is not None
        return order[np.arange(steps) % len(order)]

    def order(self, steps: int) -> BatchOrder:
        """The same as our twins take it."""
        return BatchOrder(steps, self.rows(steps), {})

    def batches(self, steps: int) -> tuple[Floats, Floats]:
        """(S, B, D) inputs and (S, B, K) targets, for a peer that takes rows in the order they lie in."""
        rows = self.rows(steps)
        return self.inputs[rows], self.targets[rows]


def job() -> Job:
    """The same bytes in every process."""
    return Job(draw(EXPERIMENT))
