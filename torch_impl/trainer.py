"""The contract's verbs: NumPy in, NumPy out, the program between."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from parity.contract import Arrays, Batch, BatchOrder, Data, History, State, TrainingConfig, require, zero_state
from torch_impl.convert import contract_name, native_axes, native_name, to_native, to_numpy
from torch_impl.optimizers import SLOTS, step_scalars
from torch_impl.program import MODES, DeviceBatch, Feed, Program, Record, Scalars, Tensors, Watch, unmoved


class Trainer:
    def __init__(self, config: TrainingConfig, *, device: str, mode: str, dtype: str) -> None:
        self.config = config
        self.device = device
        self.mode = mode
        self.dtype = dtype
        self._program = Program(config, device, dtype)
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
        parameters = self._state.parameters
        slots = {
            slot: {name: self._state.optimizer.state[parameter][key] for name, parameter in parameters.items()}
            for slot, key in self._slot_keys().items()
        }
        return State(
            from_native_names(parameters),
            from_native_names(dict(self._state.model.named_buffers())),
            {slot: from_native_names(tensors) for slot, tensors in slots.items()},
            self._step,
        )

    def set_state(self, state: State) -> None:
        with torch.no_grad():
            for name, array in (state.parameters | state.buffers).items():
                self._tensor(name).copy_(self._put(native_axes(name, array)))
        self._step = state.step
        for name in state.parameters:
            slots = {
                key: self._put(native_axes(name, state.optimizer[slot][name]))
                for slot, key in self._slot_keys().items()
            }
            self._state.optimizer.state[self._tensor(name)] = {"step": self._step_count(), **slots}

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
            loss = self._program.step(self._state, self._put_batch(batch), scalars)
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
        watched = {"evaluate": evaluate, "evaluate_at": evaluate_at, "checkpoints_at": checkpoints_at}
        check_same_step(states)
        before, histories, done = self.get_state(), [], 0
        for r, state in enumerate(states):
            self.set_state(state)
            mine = of_replica(order, r)
            histories.append(self.fit(of_replica(data, r), mine, progress=behind(done, progress), **watched))
            done += mine.steps
        self.set_state(before)
        return histories

    def _slot_keys(self) -> dict[str, str]:
        keys = SLOTS[type(self.config.optimizer)]
        return {slot: keys[slot] for slot in self.config.optimizer.slots}

    def _tensor(self, name: str) -> Tensor:
        group, leaf = native_name(name).rsplit(".", 1)
        return getattr(self._state.model.get_submodule(group), leaf)

    def _step_count(self) -> Tensor:
        # Fused kernels read the count on the device, the others on the host.
        fused = self._state.optimizer.param_groups[0].get("fused")
        return torch.tensor(float(self._step), device=self.device if fused else "cpu")

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
    """Full float32 in matrix products, also where the device has a faster, rougher form."""
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]


def of_replica(shared_or_own: Any, r: int) -> Any:
    return shared_or_own if isinstance(shared_or_own, Data | BatchOrder) else shared_or_own[r]


def check_same_step(states: Sequence[State]) -> None:
    steps = {state.step for state in states}
    require(len(steps) <= 1, f"fit_many was given states at steps {sorted(steps)}; expected all at one step.")


def behind(done: int, progress: Callable[[int], None] | None) -> Callable[[int], None] | None:
    return None if progress is None else lambda steps: progress(done + steps)


def from_native_names(tensors: Mapping[str, Tensor]) -> Arrays:
    return {contract_name(name): to_numpy(native_axes(contract_name(name), t)) for name, t in tensors.items()}


def history(record: Record, final: State) -> History:
    parameters, buffers = (from_native_names(tensors) for tensors in (record.parameters, record.buffers))
    return History(to_numpy(record.losses), to_numpy(record.predictions), parameters, buffers, final)
