"""The contract's verbs: NumPy in, NumPy out, the program between."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from numpy.typing import NDArray

from jax_impl.convert import native_axes, to_native, to_numpy
from jax_impl.optimizers import SLOTS, step_scalars
from jax_impl.program import MODES, DeviceBatch, Feed, Record, Scalars, Tensors, TrainState, Watch, program
from parity.contract import Arrays, Batch, BatchOrder, Data, History, State, TrainingConfig, require, zero_state


class Trainer:
    def __init__(self, config: TrainingConfig, *, device: str, mode: str, dtype: str) -> None:
        self.config = config
        self.device = jax.devices(device)[0]
        self.mode = mode
        self.dtype = dtype
        with precision(self.dtype, self.device):
            self._program = program(config, dtype)
            self._state = self._program.initial_state()
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
            predictions = self._program.predict(self._state, self._put(inputs), self._put_all(masks or {}), training)
            return to_numpy(predictions)

    def loss_and_grads(self, batch: Batch, *, training: bool = True) -> tuple[float, Arrays]:
        with precision(self.dtype, self.device):
            (loss, _), gradients = self._program.loss_and_grads(self._state, self._put_batch(batch), training)
            return loss.item(), from_native_axes(gradients)

    def step(self, batch: Batch) -> float:
        with precision(self.dtype, self.device):
            scalars = {name: values[0] for name, values in self._scalars(self._step, 1).items()}
            self._state, loss = self._program.step(self._state, self._put_batch(batch), scalars)
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
            scalars = self._scalars(self._step, order.steps)
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
        watched = {"evaluate": evaluate, "evaluate_at": evaluate_at, "checkpoints_at": checkpoints_at}
        check_same_step(states)
        if MODES[self.mode].fit_many is not None and states:
            return self._fit_stacked(states, data, order, progress=progress, **watched)
        before, histories, done = self.get_state(), [], 0
        for r, state in enumerate(states):
            self.set_state(state)
            mine = of_replica(order, r)
            histories.append(self.fit(of_replica(data, r), mine, progress=behind(done, progress), **watched))
            done += mine.steps
        self.set_state(before)
        return histories

    def _fit_stacked(
        self,
        states: Sequence[State],
        data: Data | Sequence[Data],
        order: BatchOrder | Sequence[BatchOrder],
        **watched: Any,
    ) -> Sequence[History]:
        own_data, own_order = not isinstance(data, Data), not isinstance(order, BatchOrder)
        first, steps = states[0].step, of_replica(order, 0).steps
        with precision(self.dtype, self.device):
            feed = Feed(
                *(stacked([self._put_data(each) for each in data]) if own_data else self._put_data(data)),
                *(stacked([self._put_order(each) for each in order]) if own_order else self._put_order(order)),
            )
            natives = stacked([self._native_state(state) for state in states])
            scalars, watch = self._scalars(first, steps), self._watch(**watched)
            fit_many = MODES[self.mode].fit_many
            results = fit_many(self._program, natives, feed, scalars, watch, own_data, own_order)
            finals, records = jax.tree.map(np.asarray, results)
            return [
                history(replica(records, r), self._state_of(replica(finals, r), first + steps))
                for r in range(len(states))
            ]

    def _native_state(self, state: State) -> TrainState:
        # What an Optax state holds beside the slots, a count that nothing here reads, stays as it is.
        optimizer = self._state.optimizer
        for slot, key in self._slot_keys().items():
            optimizer = optax.tree.set(optimizer, **{key: self._put_named(state.optimizer[slot])})
        return TrainState(self._put_named(state.parameters), self._put_named(state.buffers), optimizer)

    def _state_of(self, state: TrainState, step: int) -> State:
        slots = {slot: optax.tree.get(state.optimizer, key) for slot, key in self._slot_keys().items()}
        return State(
            from_native_axes(state.parameters),
            from_native_axes(state.buffers),
            {slot: from_native_axes(arrays) for slot, arrays in slots.items()},
            step,
        )

    def _slot_keys(self) -> dict[str, str]:
        keys = SLOTS[type(self.config.optimizer)]
        return {slot: keys[slot] for slot in self.config.optimizer.slots}

    def _scalars(self, first: int, steps: int) -> Scalars:
        scalars = step_scalars(self.config, first, steps)
        with np.errstate(over="ignore"):
            return {name: self._put(values.astype(self.dtype)) for name, values in scalars.items()}

    def _put(self, array: NDArray[Any]) -> Array:
        return to_native(array, self.device)

    def _put_all(self, arrays: Arrays) -> Tensors:
        return {name: self._put(array) for name, array in arrays.items()}

    def _put_named(self, arrays: Arrays) -> Tensors:
        return {name: self._put(native_axes(name, array)) for name, array in arrays.items()}

    def _put_batch(self, batch: Batch) -> DeviceBatch:
        return DeviceBatch(self._put(batch.inputs), self._put(batch.targets), self._put_all(batch.masks))

    def _put_feed(self, data: Data, order: BatchOrder) -> Feed:
        return Feed(*self._put_data(data), *self._put_order(order))

    def _put_data(self, data: Data) -> tuple[Array, Array]:
        return self._put(data.inputs), self._put(data.targets)

    def _put_order(self, order: BatchOrder) -> tuple[Array | None, Tensors]:
        return None if order.rows is None else self._put(order.rows), self._put_all(order.masks)

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


def of_replica(shared_or_own: Any, r: int) -> Any:
    return shared_or_own if isinstance(shared_or_own, Data | BatchOrder) else shared_or_own[r]


def check_same_step(states: Sequence[State]) -> None:
    steps = {state.step for state in states}
    require(len(steps) <= 1, f"fit_many was given states at steps {sorted(steps)}; expected all at one step.")


def behind(done: int, progress: Callable[[int], None] | None) -> Callable[[int], None] | None:
    return None if progress is None else lambda steps: progress(done + steps)


def stacked(trees: Sequence[Any]) -> Any:
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)


def replica(stack: Any, r: int) -> Any:
    return jax.tree.map(lambda rows: rows[r], stack)


def from_native_axes(arrays: Mapping[str, Array]) -> Arrays:
    return {name: to_numpy(native_axes(name, array)) for name, array in arrays.items()}


def history(record: Record, final: State) -> History:
    parameters, buffers = (from_native_axes(arrays) for arrays in (record.parameters, record.buffers))
    return History(to_numpy(record.losses), to_numpy(record.predictions), parameters, buffers, final)
