"""What a watcher tells of a program that somebody else wrote: what it trained, on what, and how; NumPy alone crosses the line.

N rows, D inputs, K outputs, B rows of a batch, S steps.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from parity.contract.arrays import Data
from parity.contract.losses import Loss
from parity.contract.models import MLP
from parity.contract.optimizers import Optimizer
from parity.contract.schedules import Schedule
from parity.contract.training import TrainingConfig

OperationKind = Literal["linear", "activation", "dropout", "batch_norm", "layer_norm", "reshape", "scale", "other"]


@dataclass(frozen=True)
class Place:
    """A line of the user's program."""

    file: str
    """Path of the file, as Python knows it."""
    line: int
    """Counted from 1."""


@dataclass(frozen=True)
class Operation:
    """One operation on the way from the inputs to the prediction, in a watched step."""

    kind: OperationKind
    """linear: a product with a kernel, and its bias where it has one; scale: times or plus what is not trained; reshape: the
    same numbers in another form; other: whatever has no name here, or joins two paths."""
    name: str
    """An activation by the contract's name (`relu`, `tanh`), else the framework's own."""
    place: Place | None
    """The line that called it."""
    parameters: tuple[str, ...] = ()
    """Names of the tensors that it takes: kernel, bias."""
    constants: Mapping[str, float] = field(default_factory=dict)
    """dropout `rate`; batch_norm `momentum` (the newest batch's weight) and `epsilon`; the `slope` of a leaky relu."""
    off: float = 0.0
    """activation: share of the units that gave their lowest value, 0, for every row."""
    ends: float = 0.0
    """activation: share of values within 1e-3 of an end of a bounded range."""
    shift: float = 0.0
    """batch_norm: the largest |mean| / standard deviation of an input column."""


@dataclass(frozen=True)
class Parameter:
    """One tensor that was, or should have been, trained."""

    name: str
    """As the program has it: `layers.0.weight`, `w1`."""
    initial: NDArray[Any]
    """Before the first step."""
    final: NDArray[Any]
    """Behind the last step."""
    trainable: bool = True
    """It asks for gradients."""
    held: bool = True
    """An optimizer holds it, or the program changes it itself."""
    reached: bool = True
    """It was given a gradient in some watched step."""
    trained_before: bool = False
    """Another training moved it, or stored values were loaded into it."""

    @property
    def moved(self) -> bool:
        """Training changed it."""
        same: bool = np.array_equal(self.initial, self.final, equal_nan=True)
        return not same


@dataclass(frozen=True)
class WatchedStep:
    """One step that was looked at."""

    number: int
    """Counted from 0."""
    loss: float
    loss_place: Place | None
    """The line where prediction and target met."""
    loss_function: str
    """The framework's function (`mse_loss`, `cross_entropy`); empty where the program wrote its own."""
    inputs: NDArray[Any] | None
    """(B, ...) what the network was given; None where it could not be told."""
    predictions: NDArray[Any] | None
    """What it answered, in the shape in which it met the target."""
    targets: NDArray[Any] | None
    """What that was compared with, in its own shape."""
    operations: tuple[Operation, ...] = ()
    """From inputs to prediction, in order."""
    learning_rate: float | None = None
    training: bool | None = None
    """The network's mode; None where it has none."""
    leftover: bool = False
    """Gradients of an earlier step were still there, and this step's were added to them."""
    gradients: Mapping[str, float] = field(default_factory=dict)
    """Norm of each parameter's gradient."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Norm of each parameter before the update."""
    moves: Mapping[str, float] = field(default_factory=dict)
    """Norm of each parameter's change in the step."""
    stale: bool = False
    """The prediction was made in an earlier step, from the weights as they were then."""


@dataclass(frozen=True)
class Evaluation:
    """A forward pass that no update followed."""

    after: int
    """Steps done before."""
    inputs: NDArray[Any] | None
    predictions: NDArray[Any]
    """What the network answered."""
    targets: NDArray[Any] | None
    """What that was compared with; None where no comparison was seen."""
    training: bool | None
    """The network's mode; None where it has none."""
    stack: tuple[Place, ...]
    """The lines that were running, each called by the next."""
    compared: NDArray[Any] | None = None
    """What was made of the answer before it was compared, as where targets are scaled; None where nothing was."""

    @property
    def place(self) -> Place | None:
        """The innermost of them."""
        return self.stack[0] if self.stack else None


@dataclass(frozen=True)
class WatchedOptimizer:
    """The optimizer as the program made it."""

    kind: str
    """`SGD`, `Adam`, ... as PyTorch spells it; `by hand` where the program changes its weights itself."""
    settings: Mapping[str, float] = field(default_factory=dict)
    """By the contract's names: learning_rate, momentum, nesterov, weight_decay, b1, b2, eps, decay."""
    place: Place | None = None
    """Where it was made."""


@dataclass(frozen=True)
class Training:
    """One network being trained; a program may train several."""

    network: str
    """The class of the network, or `functions` where there is none."""
    optimizer: WatchedOptimizer | None
    losses: NDArray[np.float64]
    """The loss of every backward pass, as far as it is one number."""
    backwards: int
    """Backward passes; in JAX, gradients computed."""
    updates: int
    """Calls of the optimizer's step, or changes that the program made itself."""
    parameters: tuple[Parameter, ...] = ()
    steps: tuple[WatchedStep, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    backward_place: Place | None = None
    update_place: Place | None = None
    forward_place: Place | None = None
    replayable: bool = False
    """The network itself was captured, and `replay` can train it again."""
    facts: Mapping[str, Place | None] = field(default_factory=dict)
    """What only this framework's programs do and the watcher itself has shown, by the code of the finding."""


@dataclass(frozen=True)
class Recording:
    """All that was seen of a program."""

    framework: str
    trainings: tuple[Training, ...]
    unseen: tuple[str, ...] = ()
    """What could not be watched, each as a sentence."""


@dataclass(frozen=True)
class Replay:
    """How a captured network is to be trained again, from its initial weights."""

    data: Data
    """What it learns from, in the shapes the network and the loss want."""
    evaluate: NDArray[Any]
    """(V, ...) the inputs it is judged by."""
    loss: Loss
    optimizer: Optimizer
    schedule: Schedule
    steps: int
    """S; none leaves the weights as they are."""
    rows: NDArray[np.int32] | None
    """(S, B) row numbers; None for all rows in every step."""
    accumulate: bool = False
    """Never clear the gradients, as a program without zero_grad does."""
    trained: bool = False
    """Go on from the weights as the program left them, in place of the initial ones."""
    activate: str | None = None
    """An activation to put behind every linear layer but the last."""
    redraw: bool = False
    """From fresh initial weights, as the framework draws them."""
    width: int = 1
    """How many times as many units, drawn anew, lie between the first linear layer and the last."""
    still: frozenset[str] = frozenset()
    """Names of the parameters that stay as they are."""
    seconds: float = 60.0
    """When to give up; what was learned until then counts."""

    @property
    def config(self) -> TrainingConfig:
        """What the update's scalars are computed from, at the S steps of the plan; its model is not the captured one."""
        return TrainingConfig(MLP(), 1, 1, self.loss, self.optimizer, self.schedule, None, max(1, self.steps))


@dataclass(frozen=True)
class Replayed:
    """What came of it."""

    predictions: NDArray[Any]
    """(V, ...) of the evaluated rows, in evaluation mode."""
    steps: int
    """Steps done."""


class Watcher(Protocol):
    """Watches a program in its own process through the framework's hooks, and can train again what it saw."""

    framework: str

    def start(self) -> None:
        """Begin; the program's results stay the same to the last bit."""
        ...

    def stop(self) -> Recording:
        """Put everything back and tell what was seen."""
        ...

    def replay(self, training: int, plan: Replay) -> Replayed:
        """Train the network of that training again, from its initial weights, as the plan says; the program's own stays.

        Raises InputError where the network was not captured.
        """
        ...
