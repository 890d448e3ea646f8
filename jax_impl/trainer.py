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
from jax_impl.optimizers import SLOTS, Scalars, step_scalars
from jax_impl.program import DeviceBatch, Feed, Record, Tensors, TrainState, Watch, program
from parity.contract import Arrays, Batch, BatchOrder, Data, History, State, TrainingConfig, require, zero_state


class Trainer:
    def __init__(self, config: TrainingConfig, *, device: str, mode: str, dtype: str) -> None:
        self.config = config
        self.device = jax.devices(device)[0]
        self.mode = mode
        self.dtype = dtype
        with precision(dtype):
            self._program = program(config, dtype)
        self.set_state(zero_state(config, dtype))

    def describe(self) -> Mapping[str, str]:
        with precision(self.dtype):
            parameter = next(iter(self._state.parameters.values()))
            return {
                "device": {"gpu": "cuda"}.get(parameter.device.platform, parameter.device.platform),
                "dtype": str(parameter.dtype),
                "mode": self.mode,
                "float32_matmul_precision": str(jax.config.jax_default_matmul_precision),
            }

    def read_back(self, data: Data, order: BatchOrder) -> tuple[Data, BatchOrder]:
        with precision(self.dtype):
            feed = self._put_feed(data, order)
            rows = None if feed.rows is None else to_numpy(feed.rows)
            masks = {name: to_numpy(mask) for name, mask in feed.masks.items()}
            return Data(to_numpy(feed.inputs), to_numpy(feed.targets)), BatchOrder(order.steps, rows, masks)

    def get_state(self) -> State:
        return self._state_of(self._state, self._step)

    def set_state(self, state: State) -> None:
        with precision(self.dtype):
            self._state = self._native_state(state)
        self._step = state.step

    def predict(self, inputs: NDArray[Any], *, training: bool = False, masks: Arrays | None = None) -> NDArray[Any]:
        with precision(self.dtype):
            predictions = self._program.predict(self._state, self._put(inputs), self._put_all(masks or {}), training)
            return to_numpy(predictions)

    def loss_and_grads(self, batch: Batch, *, training: bool = True) -> tuple[float, Arrays]:
        with precision(self.dtype):
            (loss, _), gradients = self._program.loss_and_grads(self._state, self._put_batch(batch), training)
            return loss.item(), from_native_axes(gradients)

    def step(self, batch: Batch) -> float:
        with precision(self.dtype):
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
        with precision(self.dtype):
            feed, watch = self._put_feed(data, order), self._watch(evaluate, evaluate_at, checkpoints_at, progress)
            fit = self._program.fit_in_one_scan if self.mode == "scan" else self._program.fit_by_steps
            self._state, record = fit(self._state, feed, self._scalars(self._step, order.steps), watch)
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
    ) -> Sequence[History]:
        watched = {"evaluate": evaluate, "evaluate_at": evaluate_at, "checkpoints_at": checkpoints_at}
        if self.mode == "scan":
            return self._fit_stacked(states, data, order, **watched)
        before, histories = self.get_state(), []
        for r, state in enumerate(states):
            self.set_state(state)
            histories.append(self.fit(of_replica(data, r), of_replica(order, r), **watched))
        self.set_state(before)
        return histories

    def _fit_stacked(
        self,
        states: Sequence[State],
        data: Data | Sequence[Data],
        order: BatchOrder | Sequence[BatchOrder],
        evaluate: NDArray[Any] | None,
        evaluate_at: Sequence[int],
        checkpoints_at: Sequence[int],
    ) -> Sequence[History]:
        steps_done = {state.step for state in states}
        require(len(steps_done) == 1, f"fit_many was given states at steps {sorted(steps_done)}; expected one step.")
        (first,) = steps_done
        own_data, own_order = not isinstance(data, Data), not isinstance(order, BatchOrder)
        with precision(self.dtype):
            feeds = [self._put_feed(of_replica(data, r), of_replica(order, r)) for r in range(len(states))]
            (inputs, targets), (rows, masks) = (
                stacked(parts) if own else parts[0]
                for own, parts in (
                    (own_data, [(feed.inputs, feed.targets) for feed in feeds]),
                    (own_order, [(feed.rows, feed.masks) for feed in feeds]),
                )
            )
            steps = of_replica(order, 0).steps
            results = self._program.fit_many_in_one_scan(
                stacked([self._native_state(state) for state in states]),
                Feed(inputs, targets, rows, masks),
                self._scalars(first, steps),
                self._watch(evaluate, evaluate_at, checkpoints_at, None),
                own_data,
                own_order,
            )
            return [history(record, self._state_of(final, first + steps)) for final, record in results]

    def _native_state(self, state: State) -> TrainState:
        zero = self._program.initial_state()
        optimizer = zero.optimizer
        for slot, key in self._slot_keys().items():
            optimizer = optax.tree.set(optimizer, **{key: self._put_named(state.optimizer[slot])})
        optimizer = jax.device_put(optimizer, self.device)
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
        rows = None if order.rows is None else self._put(order.rows)
        return Feed(self._put(data.inputs), self._put(data.targets), rows, self._put_all(order.masks))

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
def precision(dtype: str) -> Iterator[None]:
    """Full float32 in matrix products, also where the device has a faster, rougher form; float64 where it is asked for."""
    with jax.enable_x64(dtype == "float64"), jax.default_matmul_precision("highest"):
        yield


def of_replica(shared_or_own: Any, r: int) -> Any:
    return shared_or_own if isinstance(shared_or_own, Data | BatchOrder) else shared_or_own[r]


def stacked(trees: Sequence[Any]) -> Any:
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)


def from_native_axes(arrays: Mapping[str, Array]) -> Arrays:
    return {name: to_numpy(native_axes(name, array)) for name, array in arrays.items()}


def history(record: Record, final: State) -> History:
    parameters, buffers = (from_native_axes(arrays) for arrays in (record.parameters, record.buffers))
    return History(to_numpy(record.losses), to_numpy(record.predictions), parameters, buffers, final)
