"""The contract's verbs: NumPy in, NumPy out, the program between."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from parity.contract import (
    Arrays,
    Batch,
    BatchOrder,
    Data,
    History,
    Solver,
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
from torch_impl.convert import contract_name, native_axes, native_name, to_native, to_numpy
from torch_impl.modes import MODES
from torch_impl.optimizers import slot_names, step_scalars
from torch_impl.program import DeviceBatch, Feed, Record, Scalars, Tensors, TrainState, Watch, unmoved


class Trainer:
    def __init__(self, config: TrainingConfig, *, device: str, mode: str, dtype: str) -> None:
        self.config = config
        self.device = device
        self.mode = mode
        self.dtype = dtype
        self._program = MODES[mode].program(config, device, dtype, MODES[mode].form)
        self._state = self._program.initial_state()
        self.set_state(zero_state(config, dtype))

    def describe(self) -> Mapping[str, str]:
        with precision():
            parameter = next(iter(self._state.parameters.values()))
            return {
                "device": parameter.device.type,
                "dtype": str(parameter.dtype).removeprefix("torch."),
                "mode": self.mode,
                "float32_matmul_precision": torch.get_float32_matmul_precision(),
                "cudnn_allow_tf32": str(torch.backends.cudnn.allow_tf32),
            }

    def read_back(self, data: Data, order: BatchOrder) -> tuple[Data, BatchOrder]:
        feed = self._put_feed(data, order)
        rows = None if feed.rows is None else to_numpy(feed.rows)
        masks = {name: to_numpy(mask) for name, mask in feed.masks.items()}
        return Data(to_numpy(feed.inputs), to_numpy(feed.targets)), BatchOrder(order.steps, rows, masks)

    def get_state(self) -> State:
        return self._state_of(self._state, self._step)

    def set_state(self, state: State) -> None:
        self._fill(self._state, state)
        self._step = state.step

    def predict(self, inputs: NDArray[Any], *, training: bool = False, masks: Arrays | None = None) -> NDArray[Any]:
        with precision(), unmoved(self._state.model):
            predictions = self._program.predict(self._state, self._put(inputs), self._put_all(masks or {}), training)
            return to_numpy(predictions)

    def loss_and_grads(self, batch: Batch, *, training: bool = True) -> tuple[float, Arrays]:
        with precision(), unmoved(self._state.model):
            loss, gradients = self._program.loss_and_grads(self._state, self._put_batch(batch), training)
            return loss.item(), from_native_names(gradients)

    def step(self, batch: Batch) -> float:
        with precision():
            scalars = {name: values[0] for name, values in self._scalars(self._step, 1).items()}
            loss = MODES[self.mode].step(self._program, self._state, self._put_batch(batch), scalars)
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
        with precision():
            feed, watch = self._put_feed(data, order), self._watch(evaluate, evaluate_at, checkpoints_at, progress)
            scalars = self._scalars(self._step, order.steps)
            record = MODES[self.mode].fit(self._program, self._state, feed, scalars, watch)
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
        if isinstance(self.config.optimizer, Solver):
            # Each replica decides for itself how often it looks at its loss.
            at_once = 1
        for part in stacks(len(states), at_once):
            mine = states[part], of_replicas(data, part), of_replicas(order, part)
            steps_done = sum(len(history.losses) for history in histories)
            histories += self._fit_stack(*mine, progress=behind(steps_done, len(mine[0]), progress), **watched)
        return histories

    def _fit_stack(self, states: Sequence[State], data: Data, order: BatchOrder, **watched: Any) -> Sequence[History]:
        first, alone = states[0].step, len(states) == 1
        with precision():
            native = self._program.initial_state(() if alone else (len(states),))
            self._fill(native, states[0] if alone else stacked(states))
            feed, watch = self._put_feed(data, order), self._watch(**watched)
            record = MODES[self.mode].fit(self._program, native, feed, self._scalars(first, order.steps), watch)
            final = self._state_of(native, first + order.steps)
            if alone:
                return [history(record, final)]
            together = history(replicas_first(record), final)
            return [replica(together, r) for r in range(len(states))]

    def _fill(self, native: TrainState, state: State) -> None:
        with torch.no_grad():
            for name, array in (state.parameters | state.buffers).items():
                tensor(native, name).copy_(self._put(native_axes(name, array)))
        for name in state.parameters:
            slots = {
                key: self._put(native_axes(name, state.optimizer[slot][name]))
                for slot, key in self._slot_keys().items()
            }
            native.optimizer.state[tensor(native, name)] = {"step": self._step_count(state.step), **slots}

    def _state_of(self, native: TrainState, step: int) -> State:
        parameters = native.parameters
        slots = {
            slot: {name: native.optimizer.state[parameter][key] for name, parameter in parameters.items()}
            for slot, key in self._slot_keys().items()
        }
        return State(
            from_native_names(parameters),
            from_native_names(dict(native.model.named_buffers())),
            {slot: from_native_names(tensors) for slot, tensors in slots.items()},
            step,
        )

    def _slot_keys(self) -> dict[str, str]:
        keys = slot_names(self.config.optimizer)
        return {slot: keys[slot] for slot in self.config.optimizer.slots}

    def _step_count(self, step: int) -> Tensor:
        # Fused kernels read the count on the device, the others on the host.
        fused = self._state.optimizer.param_groups[0].get("fused")
        return torch.tensor(float(step), device=self.device if fused else "cpu")

    def _scalars(self, first: int, steps: int) -> Scalars:
        scalars = step_scalars(self.config, first, steps)
        return {name: values.tolist() for name, values in scalars.items()}

    def _put(self, array: NDArray[Any]) -> Tensor:
        return to_native(array, self.device)

    def _put_all(self, arrays: Arrays) -> Tensors:
        return {name: self._put(array) for name, array in arrays.items()}

    def _put_batch(self, batch: Batch) -> DeviceBatch:
        return DeviceBatch(self._put(batch.inputs), self._put(batch.targets), self._put_all(batch.masks))

    def _put_feed(self, data: Data, order: BatchOrder) -> Feed:
        return Feed(*self._put_data(data), *self._put_order(order))

    def _put_data(self, data: Data) -> tuple[Tensor, Tensor]:
        return self._put(data.inputs), self._put(data.targets)

    def _put_order(self, order: BatchOrder) -> tuple[Tensor | None, Tensors]:
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
def precision() -> Iterator[None]:
    """Full float32 in matrix products, also where the device has a faster, rougher form; gradients whatever the caller has."""
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    try:
        with torch.enable_grad():
            yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]


def behind(done: int, replicas: int, progress: Callable[[int], None] | None) -> Callable[[int], None] | None:
    return None if progress is None else lambda steps: progress(done + replicas * steps)


def tensor(state: TrainState, name: str) -> Tensor:
    group, leaf = native_name(name).rsplit(".", 1)
    return getattr(state.model.get_submodule(group), leaf)


def replicas_first(record: Record) -> Record:
    parameters, buffers = (
        {name: rows.transpose(0, 1) for name, rows in kept.items()} for kept in (record.parameters, record.buffers)
    )
    return Record(record.losses.transpose(0, 1), record.predictions.transpose(0, 1), parameters, buffers)


def from_native_names(tensors: Mapping[str, Tensor]) -> Arrays:
    return {contract_name(name): to_numpy(native_axes(contract_name(name), t)) for name, t in tensors.items()}


def history(record: Record, final: State) -> History:
    parameters, buffers = (from_native_names(tensors) for tensors in (record.parameters, record.buffers))
    return History(to_numpy(record.losses), to_numpy(record.predictions), parameters, buffers, final)
