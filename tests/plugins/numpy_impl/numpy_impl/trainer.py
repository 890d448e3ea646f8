"""The verbs of the contract: a network with its optimizer, and all that changes in training."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numpy_impl.lbfgs import lbfgs
from numpy_impl.levenberg_marquardt import levenberg_marquardt
from numpy_impl.losses import value_and_gradient
from numpy_impl.model import Pass
from numpy_impl.objective import Objective
from numpy_impl.optimizers import clip, update
from numpy_impl.schedules import multiple
from parity.contract import (
    Arrays,
    Batch,
    BatchOrder,
    Data,
    History,
    LevenbergMarquardt,
    Solver,
    State,
    TensorSpec,
    TrainingConfig,
    require,
    segments,
)

Array = NDArray[Any]

PROGRESS_EVERY = 100

# Other backends let a run that diverges go on without a word: its losses tell.
_silent = np.errstate(over="ignore", invalid="ignore", divide="ignore")


class NumpyTrainer:
    """Trains one network, step after step. No array is ever changed in place, so old ones may be shared inside."""

    def __init__(self, config: TrainingConfig, dtype: str) -> None:
        self.config = config
        self._dtype = dtype
        self._parameter_specs = config.model.parameters(config.inputs, config.outputs)
        self._buffer_specs = config.model.buffers()
        self._state = State(
            self._zeros(self._parameter_specs),
            self._zeros(self._buffer_specs),
            {slot: self._zeros(self._parameter_specs) for slot in config.optimizer.slots},
        )

    def describe(self) -> Mapping[str, str]:
        """Device, dtype and mode; NumPy has no flags of precision."""
        return {"device": "cpu", "dtype": self._dtype, "mode": "loop"}

    def read_back(self, data: Data, order: BatchOrder) -> tuple[Data, BatchOrder]:
        """What `fit` works on: this process's own memory, so that it is what was given."""
        rows = None if order.rows is None else order.rows.copy()
        masks = {name: mask.copy() for name, mask in order.masks.items()}
        return Data(self._copied(data.inputs), self._copied(data.targets)), BatchOrder(order.steps, rows, masks)

    def get_state(self) -> State:
        """A copy of the whole state."""
        return self._copied_state(self._state)

    def set_state(self, state: State) -> None:
        """Take over a copy of a whole state."""
        self._state = self._copied_state(state)

    def predict(self, inputs: Array, *, training: bool = False, masks: Arrays | None = None) -> Array:
        """(N, K) predictions for (N, D) inputs; in training mode with batch statistics and masks."""
        return self._forward(inputs, training=training, masks=masks or {}).predictions

    def loss_and_grads(self, batch: Batch, *, training: bool = True) -> tuple[float, Arrays]:
        """The loss of a batch and its gradient by parameter name, before clipping."""
        loss, gradients, _ = self._differentiate(batch, training=training)
        return loss, gradients

    @_silent
    def step(self, batch: Batch) -> float:
        """Train on one batch; returns the loss before the update."""
        return self._solve(batch) if isinstance(self.config.optimizer, Solver) else self._update(batch)

    def _update(self, batch: Batch) -> float:
        """A step that is a function of the gradient."""
        config, state = self.config, self._state
        loss, gradients, buffers = self._differentiate(batch, training=True)
        gradients = clip(gradients, config.clip_norm)
        learning_rate = config.optimizer.learning_rate * multiple(config.schedule, state.step, config.steps)

        parameters: dict[str, Array] = {}
        optimizer: dict[str, dict[str, Array]] = {slot: {} for slot in state.optimizer}
        for name, p in state.parameters.items():
            slots = {slot: arrays[name] for slot, arrays in state.optimizer.items()}
            parameters[name], slots = update(config.optimizer, learning_rate, state.step + 1, p, gradients[name], slots)
            for slot, array in slots.items():
                optimizer[slot][name] = array
        self._state = State(parameters, buffers, optimizer, state.step + 1)
        return loss

    def _solve(self, batch: Batch) -> float:
        """A step of a solver, which looks at the loss where it likes."""
        optimizer, state = self.config.optimizer, self._state
        inputs, targets = np.asarray(batch.inputs, self._dtype), np.asarray(batch.targets, self._dtype)
        objective = Objective(self.config, state.parameters, inputs, targets)
        solve = levenberg_marquardt if isinstance(optimizer, LevenbergMarquardt) else lbfgs
        vectors = {slot: objective.vector(arrays) for slot, arrays in state.optimizer.items()}
        loss, x, vectors = solve(optimizer, objective, objective.vector(state.parameters), vectors)
        slots = {slot: objective.arrays(vector) for slot, vector in vectors.items()}
        self._state = State(objective.arrays(x), state.buffers, slots, state.step + 1)
        return loss

    def fit(
        self,
        data: Data,
        order: BatchOrder,
        *,
        evaluate: Array | None = None,
        evaluate_at: Sequence[int] = (),
        checkpoints_at: Sequence[int] = (),
        progress: Callable[[int], None] | None = None,
    ) -> History:
        """Train on `order.steps` batches; the learning rate goes on from the steps done before."""
        segments(order.steps, evaluate_at, checkpoints_at)  # refuses steps that are not in the run
        data = Data(self._copied(data.inputs), self._copied(data.targets))
        evaluate = np.empty((0, self.config.inputs)) if evaluate is None else evaluate
        losses, predictions, checkpoints = [], [], []
        for done in range(order.steps + 1):
            if done in evaluate_at:
                predictions.append(self.predict(evaluate))
            if done in checkpoints_at:
                checkpoints.append(self._state)
            if progress and (done % PROGRESS_EVERY == 0 or done == order.steps):
                progress(done)
            if done < order.steps:
                losses.append(self.step(order.batch(data, done)))
        return History(
            np.array(losses, self._dtype),
            self._stacked(predictions, (len(evaluate), self.config.outputs)),
            {
                s.name: self._stacked([c.parameters[s.name] for c in checkpoints], s.shape)
                for s in self._parameter_specs
            },
            {s.name: self._stacked([c.buffers[s.name] for c in checkpoints], s.shape) for s in self._buffer_specs},
            self.get_state(),
        )

    def fit_many(
        self,
        states: Sequence[State],
        data: Data | Sequence[Data],
        order: BatchOrder | Sequence[BatchOrder],
        *,
        evaluate: Array | None = None,
        evaluate_at: Sequence[int] = (),
        checkpoints_at: Sequence[int] = (),
        progress: Callable[[int], None] | None = None,
    ) -> Sequence[History]:
        """`fit` from each of R states, one after the other, each in a trainer of its own."""
        at = {state.step for state in states}
        require(len(at) <= 1, f"fit_many was given states at steps {sorted(at)}; expected all at one step.")
        data = [data] * len(states) if isinstance(data, Data) else data
        order = [order] * len(states) if isinstance(order, BatchOrder) else order
        histories: list[History] = []

        def told(steps: int) -> None:
            if progress:
                progress(sum(len(history.losses) for history in histories) + steps)

        for one_state, one_data, one_order in zip(states, data, order, strict=True):
            replica = NumpyTrainer(self.config, self._dtype)
            replica.set_state(one_state)
            histories.append(
                replica.fit(
                    one_data,
                    one_order,
                    evaluate=evaluate,
                    evaluate_at=evaluate_at,
                    checkpoints_at=checkpoints_at,
                    progress=told,
                )
            )
        return histories

    @_silent
    def _forward(self, inputs: Array, *, training: bool, masks: Arrays) -> Pass:
        inputs = np.asarray(inputs, self._dtype)
        state = self._state
        return Pass(self.config.model, state.parameters, state.buffers, inputs, training=training, masks=masks)

    @_silent
    def _differentiate(self, batch: Batch, *, training: bool) -> tuple[float, Arrays, Arrays]:
        """The loss, its gradients, and the buffers as the batch leaves them."""
        forward = self._forward(batch.inputs, training=training, masks=batch.masks)
        targets = np.asarray(batch.targets, self._dtype)
        loss, dpredictions = value_and_gradient(self.config.loss, forward.predictions, targets)
        return loss, forward.gradients(dpredictions), forward.buffers

    def _zeros(self, specs: Sequence[TensorSpec]) -> dict[str, Array]:
        return {spec.name: np.zeros(spec.shape, self._dtype) for spec in specs}

    def _copied(self, array: Array) -> Array:
        return np.array(array, self._dtype)

    def _copied_state(self, state: State) -> State:
        def copied(arrays: Arrays) -> Arrays:
            return {name: self._copied(array) for name, array in arrays.items()}

        optimizer = {slot: copied(arrays) for slot, arrays in state.optimizer.items()}
        return State(copied(state.parameters), copied(state.buffers), optimizer, int(state.step))

    def _stacked(self, arrays: Sequence[Array], shape: tuple[int, ...]) -> Array:
        """(len(arrays), *shape), also where there are none."""
        return np.array(arrays, self._dtype).reshape(len(arrays), *shape)
