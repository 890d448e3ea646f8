"""All that a backend is told about a run, apart from the arrays."""

from dataclasses import dataclass
from math import inf

import numpy as np

from parity.contract.arrays import Arrays, State
from parity.contract.errors import require, require_positive
from parity.contract.losses import Loss
from parity.contract.models import Model, TensorSpec
from parity.contract.optimizers import Optimizer
from parity.contract.schedules import Schedule


@dataclass(frozen=True)
class TrainingConfig:
    """What is trained and how: frozen and hashable, so that compiled programs can be kept by it."""

    model: Model
    inputs: int
    """D, the columns of the inputs."""
    outputs: int
    """K, the columns of the predictions."""
    loss: Loss
    optimizer: Optimizer
    schedule: Schedule
    clip_norm: float | None
    """Largest global norm of the gradient: g *= min(1, clip_norm / (norm + 1e-6)), as PyTorch has it; None leaves g alone."""
    steps: int
    """S, the steps of the whole run, which the schedule needs."""

    def __post_init__(self) -> None:
        require_positive(self, "inputs", "outputs", "steps")
        check_clip_norm(self.clip_norm)


def check_clip_norm(value: float | None) -> None:
    """Raise `InputError` unless the largest norm is a finite number above 0, or None."""
    require(
        value is None or 0 < value < inf,
        f"clip_norm is {value!r}; expected a number above 0, or None for no clipping.",
    )


def zero_state(config: TrainingConfig, dtype: str) -> State:
    """The state of a config with every tensor zero: all names and shapes, and the true start of every optimizer slot."""

    def zeros(specs: tuple[TensorSpec, ...]) -> Arrays:
        return {spec.name: np.zeros(spec.shape, dtype) for spec in specs}

    parameters = config.model.parameters(config.inputs, config.outputs)
    return State(
        zeros(parameters), zeros(config.model.buffers()), {slot: zeros(parameters) for slot in config.optimizer.slots}
    )
