"""The contract's verbs: NumPy in, NumPy out, the program between."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np
from jax import Array
from numpy.typing import NDArray

from jax_impl.convert import native_axes, to_native, to_numpy
from jax_impl.modes import MODES
from jax_impl.optimizers import step_scalars
from jax_impl.program import DeviceBatch, Feed, Record, Tensors, TrainState, Watch, cut, program
from parity.contract import (
    Arrays,
    Batch,
    BatchOrder,
    Data,
    History,
    State,
    TrainingConfig,
    check_replicas,
    numbers_held,
    of_replicas,
    replica,
    stacked,
    stacks,
    zero_state,
)


class Trainer:
    def __init__(self, config: TrainingConfig, *, device: str, mode: str, dtype: str) -> None:
        self.config = config
        self.device = jax.devices(device)[0]
        self.mode = mode
        self.dtype = dtype
        with precision(self.dtype, self.device):
            self._program = program(config, dtype)
        self.set_state(zero_state(config, dtype))

    def describe(self) -> Mapping[str, str]:
        with precision(self.dtype, self.device):
            parameter = next(iter(self._state.parameters.values()))
            return {
                "device": {"gpu": "cuda"}.get(parameter.device.platform, parameter.device.platform),
                "dtype": str(parameter.dtype),
                "mode": self.mode,
                "float32_matmul_precision": str(jax.config.jax_default_matmul_precision),
                "enable_x64": str(jax.config.jax_enable_x64),
            }

    def read_back(self, data: Data, order: BatchOrder) -> tuple[Data, BatchOrder]:
        with precision(self.dtype, self.device):
            feed = self._put_feed(data, order)
            rows = None if feed.rows is None else to_numpy(feed.rows)
            masks = {name: to_numpy(mask) for name, mask in feed.masks.items()}
            return Data(to_numpy(feed.inputs), to_numpy(feed.targets)), BatchOrder(order.steps, rows, masks)

    def get_state(self) -> State:
        return self._state_of(self._state, self._step)

    def set_state(self, state: State) -> None:
        with precision(self.dtype, self.device):
            self._state = self._native_state(state)
        self._step = state.step

    def predict(self, inputs: NDArray[Any], *, training: bool = False, masks: Arrays | None = None) -> NDArray[Any]:
        with precision(self.dtype, self.device):
            predictions = self._program.predict(self._state, inputs, dict(masks or {}), training)
            return to_numpy(predictions)

    def loss_and_grads(self, batch: Batch, *, training: bool = True) -> tuple[float, Arrays]:
        with precision(self.dtype, self.device):
            (loss, _), gradients = self._program.loss_and_grads(self._state, device_batch(batch), training)
            return loss.item(), from_native_axes(gradients)

    def step(self, batch: Batch) -> float:
        with precision(self.dtype, self.device):
            scalars = {name: values[0] for name, values in self._scalars(self._step, 1).items()}
            self._state, loss = MODES[self.mode].step(self._program, self._state, device_batch(batch), scalars)
            self._step += 1
            return loss.item()

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
        with precision(self.dtype, self.device):
            feed, watch = self._put_feed(data, order), self._watch(evaluate, evaluate_at, checkpoints_at, progress)
            scalars = self._put(self._scalars(self._step, order.steps))
            self._state, record = MODES[self.mode].fit(self._program, self._state, feed, scalars, watch)
            self._step += order.steps
            return history(record, self.get_state())

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
        check_replicas(states, data, order)
        watched = {"evaluate": evaluate, "evaluate_at": evaluate_at, "checkpoints_at": checkpoints_at}
        histories: list[History] = []
        at_once = MODES[self.mode].stack // numbers_held(self.config, data, order) if states else 1
        for part in stacks(len(states), at_once):
            mine = states[part], of_replicas(data, part), of_replicas(order, part)
            steps_done = sum(len(history.losses) for history in histories)
            histories += self._fit_stack(*mine, progress=behind(steps_done, len(mine[0]), progress), **watched)
        return histories

    def _fit_stack(self, states: Sequence[State], data: Data, order: BatchOrder, **watched: Any) -> Sequence[History]:
        first, alone = states[0].step, len(states) == 1
        with precision(self.dtype, self.device):
            native = self._native_state(states[0] if alone else stacked(states))
            feed, watch = self._put_feed(data, order), self._watch(**watched)
            scalars = self._put(self._scalars(first, order.steps))
            native, record = MODES[self.mode].fit(self._program, native, feed, scalars, watch)
            final = self._state_of(native, first + order.steps)
            if alone:
                return [history(record, final)]
            records = jax.tree.map(to_numpy, record)
            return [
                history(jax.tree.map(lambda rows, r=r: rows[r], records), replica(final, r)) for r in range(len(states))
            ]

    def _native_state(self, state: State) -> TrainState:
        arrays = {name: native_axes(name, array) for name, array in state.named().items()}
        stack = state.parameters[next(iter(state.parameters))].shape[:-2]

        def found(name: Any) -> NDArray[Any]:
            return arrays[name] if isinstance(name, str) else np.broadcast_to(name, (*stack, *np.shape(name)))

        return self._put(jax.tree.map(found, self._program.names))

    def _state_of(self, state: TrainState, step: int) -> State:
        places = zip(jax.tree.leaves(self._program.names), jax.tree.leaves(state), strict=True)
        arrays = from_native_axes({name: array for name, array in places if isinstance(name, str)})

        def slot(name: str) -> Arrays:
            return {parameter: arrays[f"{name} of {parameter}"] for parameter in state.parameters}

        parameters, buffers = ({name: arrays[name] for name in named} for named in (state.parameters, state.buffers))
        return State(parameters, buffers, {name: slot(name) for name in self.config.optimizer.slots}, step)

    def _scalars(self, first: int, steps: int) -> Arrays:
        scalars = step_scalars(self.config, first, steps)
        with np.errstate(over="ignore"):
            return {name: values.astype(self.dtype) for name, values in scalars.items()}

    def _put(self, arrays: Any) -> Any:
        return to_native(arrays, self.device)

    def _put_feed(self, data: Data, order: BatchOrder) -> Feed:
        return Feed(*self._put_data(data), *self._put_order(order))

    def _put_data(self, data: Data) -> tuple[Array, Array]:
        return self._put((data.inputs, data.targets))

    def _put_order(self, order: BatchOrder) -> tuple[Array | None, Tensors]:
        return self._put((order.rows, order.masks))

    def _watch(
        self,
        evaluate: NDArray[Any] | None,
        evaluate_at: Sequence[int],
        checkpoints_at: Sequence[int],
        progress: Callable[[int], None] | None,
    ) -> Watch:
        rows = np.zeros((0, self.config.inputs), self.dtype) if evaluate is None else evaluate
        return Watch(self._put(rows), tuple(evaluate_at), tuple(checkpoints_at), progress)


@contextmanager
def precision(dtype: str, device: jax.Device) -> Iterator[None]:
    """Full float32 in matrix products, also where the device has a faster, rougher form; float64 where it is asked for."""
    float64 = dtype == "float64"
    with jax.enable_x64(float64), jax.default_matmul_precision("highest"), jax.default_device(device):
        yield


def behind(done: int, replicas: int, progress: Callable[[int], None] | None) -> Callable[[int], None] | None:
    return None if progress is None else lambda steps: progress(done + replicas * steps)


def device_batch(batch: Batch) -> DeviceBatch:
    # Compiled code takes NumPy as it is, and copies it faster than `device_put` does.
    return DeviceBatch(batch.inputs, batch.targets, dict(batch.masks))


def from_native_axes(arrays: Mapping[str, Array]) -> Arrays:
    return {name: to_numpy(native_axes(name, array)) for name, array in arrays.items()}


def history(record: Record, final: State) -> History:
    record = cut(jax.tree.map(to_numpy, record))
    parameters, buffers = (from_native_axes(arrays) for arrays in (record.parameters, record.buffers))
    return History(record.losses, record.predictions, parameters, buffers, final)
