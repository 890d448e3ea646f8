"""All that a backend is told about a run, apart from the arrays."""

from dataclasses import dataclass
from math import inf, prod

import numpy as np

from parity.contract.arrays import Arrays, State
from parity.contract.errors import require, require_positive
from parity.contract.losses import Loss
from parity.contract.models import MLP, Model, TensorSpec
from parity.contract.optimizers import LevenbergMarquardt, Optimizer, Solver
from parity.contract.schedules import Constant, Schedule

JACOBIAN_BYTES = 32 * 2**20
"""What the Jacobian of a block of rows takes at most, in float64, unless the number of rows is given."""


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
        if isinstance(self.optimizer, Solver):
            self._check_solver(type(self.optimizer).__name__)

    def _check_solver(self, name: str) -> None:
        require(
            isinstance(self.model, MLP),
            f"{name} looks at the loss at several points of a step, and {type(self.model).__name__} draws masks and moves "
            "statistics with each look; expected an MLP.",
        )
        require(
            isinstance(self.schedule, Constant),
            f"{name} finds the length of its steps itself, and the schedule is {type(self.schedule).__name__}; expected "
            "Constant (--schedule constant).",
        )
        require(
            self.clip_norm is None, f"{name} takes no clipped gradient; clip_norm is {self.clip_norm!r}, expected None."
        )
        require(
            self.loss.kind == "mse" or not isinstance(self.optimizer, LevenbergMarquardt),
            f"{name} minimises a sum of squares, and loss.kind is {self.loss.kind!r}; expected mse, or another optimizer.",
        )

    @property
    def size(self) -> int:
        """P, how many numbers are trained."""
        return sum(prod(spec.shape) for spec in self.model.parameters(self.inputs, self.outputs))

    @property
    def block_rows(self) -> int:
        """Rows whose Jacobian, of P x K numbers a row, a Levenberg-Marquardt step holds at once."""
        asked = getattr(self.optimizer, "block_rows", None)
        return asked or max(1, JACOBIAN_BYTES // (8 * self.size * self.outputs))


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
