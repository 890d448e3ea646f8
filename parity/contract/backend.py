"""The verbs of a backend. A third backend is one class with these, and one line of entry point in `parity.backends`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from parity.contract.arrays import Arrays, Batch, BatchOrder, Data, History, State
from parity.contract.training import TrainingConfig


class Trainer(Protocol):
    """A network with its optimizer, on one device, in one mode and dtype; its verbs change it in place.

    All arrays go in and come out as NumPy arrays of the trainer's dtype, copied, so that a call has finished when it returns
    and shares no memory with its caller.
    """

    config: TrainingConfig

    def describe(self) -> Mapping[str, str]:
        """Device, dtype, mode and precision flags in force, as this backend sees them."""
        ...

    def read_back(self, data: Data, order: BatchOrder) -> tuple[Data, BatchOrder]:
        """Put data and order where `fit` puts them, by the same path, and return what arrived there."""
        ...

    def get_state(self) -> State:
        """Parameters, buffers, optimizer state and count of steps."""
        ...

    def set_state(self, state: State) -> None:
        """Take over a whole state."""
        ...

    def predict(self, inputs: NDArray[Any], *, training: bool = False, masks: Arrays | None = None) -> NDArray[Any]:
        """(N, K) predictions for (N, D) inputs; in training mode with batch statistics and masks. Changes no state."""
        ...

    def loss_and_grads(self, batch: Batch, *, training: bool = True) -> tuple[float, Arrays]:
        """The loss of a batch and its gradient by parameter name, before clipping. Changes no state."""
        ...

    def step(self, batch: Batch) -> float:
        """Train on one batch; returns the loss before the update."""
        ...

    def fit(
        self,
        data: Data,
        order: BatchOrder,
        *,
        evaluate: NDArray[Any] | None = None,
        evaluate_at: Sequence[int] = (),
        checkpoints_at: Sequence[int] = (),
        progress: Callable[[int], None] | None = None,
    ) -> History:
        """Train on `order.steps` batches.

        `evaluate_at` and `checkpoints_at` count the steps done in this call, rising, from 0 (before the first) to S; where
        there are none, the history's arrays have no rows.
        `progress` is called now and then with the steps done; a run may be interrupted there.
        """
        ...

    def fit_many(
        self,
        states: Sequence[State],
        data: Data | Sequence[Data],
        order: BatchOrder | Sequence[BatchOrder],
        *,
        evaluate: NDArray[Any] | None = None,
        evaluate_at: Sequence[int] = (),
        checkpoints_at: Sequence[int] = (),
        progress: Callable[[int], None] | None = None,
    ) -> Sequence[History]:
        """`fit` from each of R states, on shared or own data and order; the trainer's own state stays as it was.

        The states are at the same step, and the orders have as many steps. `progress` counts the steps of all replicas.
        """
        ...


class Backend(Protocol):
    """A framework, or whatever else can train."""

    name: str
    modes: tuple[str, ...]
    """How it can execute, the default first."""
    dtypes: tuple[str, ...]
    """`float32`, `float64` or both."""

    def devices(self) -> tuple[str, ...]:
        """Devices of this machine that it can use: `cpu`, `cuda`."""
        ...

    def environment(self) -> Mapping[str, str]:
        """Versions and flags that a record of a run must name."""
        ...

    def trainer(self, config: TrainingConfig, *, device: str, mode: str, dtype: str) -> Trainer:
        """A trainer, its tensors all zero until `set_state`.

        Raises DeviceError where the device is not here, InputError where the mode or dtype is not one of its own, or where the
        mode can't run the config, or not on the device.
        """
        ...
