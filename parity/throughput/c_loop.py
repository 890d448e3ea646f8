"""The fastest training of a small MLP that one compiled function makes: beside it stands what frameworks take."""

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract import SGD, AdamW, Arrays, BatchOrder, Data, State, TrainingConfig, require
from parity.throughput.c_training import scalars_a_step, source, updated, why_not
from parity.throughput.compiler import library

Floats = NDArray[np.float64]
Run = Callable[[], tuple[NDArray[Any], NDArray[Any]]]


class CLoop:
    """A compiled training of one config, one batch size and one dtype. One call at a time: its arrays are its own."""

    def __init__(self, compiled: ctypes.CDLL, config: TrainingConfig, batch_size: int, dtype: str) -> None:
        self._function = compiled.train
        self._function.restype = None
        pointer = ctypes.c_void_p
        self._function.argtypes = (pointer, pointer, pointer, pointer, ctypes.c_size_t, pointer, pointer)
        self._config, self._batch_size, self._dtype = config, batch_size, dtype
        self._optimizer = updated(config)

    def train(self, state: State, data: Data, order: BatchOrder, rates: Floats) -> tuple[NDArray[Any], State]:
        """Train from a state, which is left as it was; returns (S,) losses, each before its update, and the state behind.

        `rates` are the (S,) learning rates. Raises InputError where rows, rates or shapes are not what was compiled.
        """
        run = self.prepared(state, data, order, rates)
        losses, packed = run()
        return losses, self._unpacked(packed, state, state.step + order.steps)

    def prepared(self, state: State, data: Data, order: BatchOrder, rates: Floats) -> Run:
        """The same training as a call that does nothing else, and can be made again: it returns (S,) losses, and parameters and
        slots as one vector; the next call overwrites both."""
        rows = _rows(order, len(data.inputs))
        self._check(data, rows, rates)
        inputs, targets, scalars = (
            np.ascontiguousarray(array, self._dtype)
            for array in (data.inputs, data.targets, self._scalars(rates, state.step))
        )
        start, losses = self._packed(state), np.empty(order.steps, self._dtype)
        packed = np.empty_like(start)

        def run() -> tuple[NDArray[Any], NDArray[Any]]:
            packed[:] = start
            addresses = [array.ctypes.data for array in (inputs, targets, rows, scalars)]
            self._function(*addresses, order.steps, packed.ctypes.data, losses.ctypes.data)
            return losses, packed

        return run

    def _scalars(self, rates: Floats, done: int) -> Floats:
        """(S, n): what is the same for every parameter in a step."""
        optimizer = self._optimizer
        scalars = np.asarray(rates, np.float64)[:, None]
        if not isinstance(optimizer, SGD):
            t = done + np.arange(1, len(rates) + 1)
            corrections = [1 / (1 - decay**t) for decay in (optimizer.b1, optimizer.b2)]
            decayed = [1 - rates * optimizer.weight_decay] if isinstance(optimizer, AdamW) else []
            scalars = np.stack([rates * corrections[0], corrections[1], *decayed], axis=1)
        assert scalars.shape[1] == scalars_a_step(optimizer)
        return scalars

    def _check(self, data: Data, rows: NDArray[np.int32], rates: Floats) -> None:
        config, n = self._config, len(data.inputs)
        for name, found, expected in (
            ("inputs", data.inputs.shape, (n, config.inputs)),
            ("targets", data.targets.shape, (n, config.outputs)),
            ("rows of a batch", rows.shape[1], self._batch_size),
            ("learning rates", len(rates), len(rows)),
        ):
            require(found == expected, f"the C loop was given {name} of {found}; expected {expected}.")
        # It would read whatever stands there.
        least, most = (int(rows.min()), int(rows.max())) if rows.size else (0, 0)
        require(least >= 0 and most < n, f"the C loop was given rows {least} to {most}; expected 0 to {n - 1}.")

    def _packed(self, state: State) -> NDArray[Any]:
        """Parameters and slots, one behind the other."""
        arrays = [state.parameters, *(state.optimizer[slot] for slot in self._config.optimizer.slots)]
        specs = self._config.model.parameters(self._config.inputs, self._config.outputs)
        return np.concatenate([np.ravel(each[spec.name]) for each in arrays for spec in specs], dtype=self._dtype)

    def _unpacked(self, packed: NDArray[Any], state: State, step: int) -> State:
        specs = self._config.model.parameters(self._config.inputs, self._config.outputs)
        ends = np.cumsum([np.prod(spec.shape, dtype=int) for spec in specs])[:-1]

        def named(vector: NDArray[Any]) -> Arrays:
            parts = np.split(vector, ends)
            return {spec.name: part.reshape(spec.shape).copy() for spec, part in zip(specs, parts, strict=True)}

        parameters, *slots = packed.reshape(-1, self._config.size)
        optimizer = dict(zip(self._config.optimizer.slots, map(named, slots), strict=True))
        return State(named(parameters), state.buffers, optimizer, step)


def c_loop(config: TrainingConfig, batch_size: int, dtype: str) -> CLoop | str:
    """The compiled training, or why there is none: the config has what no C is made for, or there is no compiler."""
    reason = why_not(config)
    compiled = reason or library(source(config, batch_size, dtype))
    return compiled if isinstance(compiled, str) else CLoop(compiled, config, batch_size, dtype)


def _rows(order: BatchOrder, count: int) -> NDArray[np.int32]:
    """(S, B) row numbers, also of whole batches."""
    rows = np.broadcast_to(np.arange(count), (order.steps, count)) if order.rows is None else order.rows
    return np.ascontiguousarray(rows, np.int32)
