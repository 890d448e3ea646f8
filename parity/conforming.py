"""Conforming: a trainer whose every answer has the contract's form; one that has not is refused in words, by verb and field."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from parity.contract import Arrays, Batch, BatchOrder, Data, History, State, Trainer, require

Answer = TypeVar("Answer")
Shapes = Mapping[str, tuple[int, ...]]


class Conforming:
    """A trainer in front of a backend's; what that computes is not its business.

    `name` is the backend's, or BACKEND:DEVICE:MODE:DTYPE, for messages. Raises InputError where an answer has another form.
    """

    def __init__(self, trainer: Trainer, name: str) -> None:
        self.trainer, self.name, self.config = trainer, name, trainer.config

    def describe(self) -> Mapping[str, str]:
        return self._of(Mapping, "describe", "an answer", self.trainer.describe())

    def read_back(self, data: Data, order: BatchOrder) -> tuple[Data, BatchOrder]:
        back_data, back_order = self._pair("read_back", self.trainer.read_back(data, order))
        self._of(Data, "read_back", "the first", back_data)
        self._of(BatchOrder, "read_back", "the second", back_order)
        self._arrays("read_back", "data", vars(back_data))
        self._of(Mapping, "read_back", "masks", back_order.masks)
        rows = {} if back_order.rows is None else {"rows": back_order.rows}
        self._arrays("read_back", "order", {**back_order.masks, **rows})
        return back_data, back_order

    def get_state(self) -> State:
        return self._state("get_state", self.trainer.get_state())

    def set_state(self, state: State) -> None:
        self.trainer.set_state(state)

    def predict(self, inputs: NDArray[Any], *, training: bool = False, masks: Arrays | None = None) -> NDArray[Any]:
        predictions = self.trainer.predict(inputs, training=training, masks=masks)
        return self._of(np.ndarray, "predict", "predictions", predictions)

    def loss_and_grads(self, batch: Batch, *, training: bool = True) -> tuple[float, Arrays]:
        loss, gradients = self._pair("loss_and_grads", self.trainer.loss_and_grads(batch, training=training))
        self._of((float, np.floating), "loss_and_grads", "a loss", loss)
        return loss, self._arrays("loss_and_grads", "gradients", gradients)

    def step(self, batch: Batch) -> float:
        return self._of((float, np.floating), "step", "a loss", self.trainer.step(batch))

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
        watched: dict[str, Any] = {"evaluate": evaluate, "evaluate_at": evaluate_at, "checkpoints_at": checkpoints_at}
        history = self.trainer.fit(data, order, progress=progress, **watched)
        return self._history("fit", history, order.steps, **watched)

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
        if not hasattr(self.trainer, "fit_many"):
            raise NotImplementedError
        watched: dict[str, Any] = {"evaluate": evaluate, "evaluate_at": evaluate_at, "checkpoints_at": checkpoints_at}
        histories = self.trainer.fit_many(states, data, order, progress=progress, **watched)
        self._of(Sequence, "fit_many", "an answer", histories)
        self._need(len(histories) == len(states), "fit_many", f"{len(histories)} histories", f"{len(states)}")
        steps = (order if isinstance(order, BatchOrder) else order[0]).steps if states else 0
        return [self._history("fit_many", history, steps, **watched) for history in histories]

    def _history(
        self,
        verb: str,
        history: History,
        steps: int,
        evaluate: NDArray[Any] | None,
        evaluate_at: Sequence[int],
        checkpoints_at: Sequence[int],
    ) -> History:
        self._of(History, verb, "an answer", history)
        self._of(np.ndarray, verb, "predictions", history.predictions)
        rows = (
            (len(evaluate), self.config.outputs)
            if evaluate is not None and evaluate_at
            else history.predictions.shape[1:]
        )
        curves = {"losses": history.losses, "predictions": history.predictions}
        self._shaped(verb, curves, {"losses": (steps,), "predictions": (len(evaluate_at), *rows)})
        parameters = self.config.model.parameters(self.config.inputs, self.config.outputs)
        for kept, specs in ((history.parameters, parameters), (history.buffers, self.config.model.buffers())):
            self._shaped(verb, kept, {spec.name: (len(checkpoints_at), *spec.shape) for spec in specs})
        self._state(verb, history.final)
        return history

    def _state(self, verb: str, state: State) -> State:
        self._of(State, verb, "a state", state)
        self._of((int, np.integer), verb, "a count of steps", state.step)
        self._of(Mapping, verb, "optimizer", state.optimizer)
        for field, arrays in {"parameters": state.parameters, "buffers": state.buffers, **state.optimizer}.items():
            self._arrays(verb, field, arrays)
        return state

    def _arrays(self, verb: str, field: str, arrays: Arrays) -> Arrays:
        self._of(Mapping, verb, field, arrays)
        for name, array in arrays.items():
            self._of(np.ndarray, verb, name, array)
        return arrays

    def _shaped(self, verb: str, arrays: Arrays, shapes: Shapes) -> None:
        """Raise InputError unless there are arrays of these names and shapes, and no others."""
        self._arrays(verb, "arrays by name", arrays)
        found = {name: array.shape for name, array in arrays.items()}
        for name in sorted(found.keys() | shapes.keys()):
            same = found.get(name) == shapes.get(name)
            self._need(same, verb, f"{name} of shape {found.get(name)}", str(shapes.get(name)))

    def _pair(self, verb: str, answer: Any) -> tuple[Any, Any]:
        pair = isinstance(answer, tuple) and len(answer) == 2
        self._need(pair, verb, f"an answer as {type(answer).__name__}", "a tuple of two")
        first, second = answer
        return first, second

    def _of(self, kind: Any, verb: str, what: str, answer: Answer) -> Answer:
        names = " or ".join(each.__name__ for each in (kind if isinstance(kind, tuple) else (kind,)))
        self._need(isinstance(answer, kind), verb, f"{what} as {type(answer).__name__}", names)
        return answer

    def _need(self, holds: bool, verb: str, found: str, expected: str) -> None:
        require(
            holds,
            f"{verb} of {self.name} gave {found}; expected {expected}. "
            f"Check the backend: python -m parity.conformance {self.name.split(':')[0]}",
        )
