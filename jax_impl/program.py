"""One training program: what is computed in a step and in a run, on arrays of one device and dtype.

The state goes in and comes out, and what is done is compiled once for each config and shape: JAX is functional.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache, partial
from math import prod
from typing import Any, NamedTuple

import jax
import numpy as np
import optax
from flax import nnx
from jax import Array, lax
from numpy.typing import NDArray

from jax_impl.convert import native_name
from jax_impl.losses import build_loss
from jax_impl.model import build_model
from jax_impl.objective import Objective
from jax_impl.optimizers import build_optimizer, clip_by_global_norm, slot_names
from parity.contract import Constant, Solver, TrainingConfig, segments

Tensors = dict[str, Array]
Scalars = dict[str, Array]  # by name (S,)
PROGRAMS = 16  # How many are kept: compiled code takes memory, and sweeps over many configs would fill it.
CALLS = 16  # Into how many compiled calls a run is cut at most where someone watches its progress.
WORTH_A_CALL = 2**23  # How many numbers a call computes at least, over all steps: some hundredths of a second on a CPU.


class TrainState(NamedTuple):
    """Of one network, or of a stack of replicas: every array then has an axis R in front, and so has what it gives."""

    parameters: Tensors
    buffers: Tensors
    optimizer: optax.OptState


class DeviceBatch(NamedTuple):
    inputs: Array  # (B, D)
    targets: Array  # (B, K)
    masks: Mapping[str, Array]  # (B, H)


class Feed(NamedTuple):
    """What all replicas share, or, with an axis R in front, what is their own."""

    inputs: Array  # (N, D)
    targets: Array  # (N, K)
    rows: Array | None  # (S, B)
    masks: Mapping[str, Array]  # (S, B, H)

    def batch(self, i: Array) -> DeviceBatch:
        masks = {name: mask[i] for name, mask in self.masks.items()}
        if self.rows is None:
            return DeviceBatch(self.inputs, self.targets, masks)
        rows = self.rows[i]
        return DeviceBatch(self.inputs[rows], self.targets[rows], masks)


class Watch(NamedTuple):
    evaluate: Array  # (V, D)
    evaluate_at: Sequence[int]  # E steps
    checkpoints_at: Sequence[int]  # C steps
    progress: Callable[[int], None] | None


class Record(NamedTuple):
    """What a run leaves behind; of a stack with an axis R in front."""

    losses: Array  # (S,)
    predictions: Array  # (E + 1, V, K); here and below the last row is for what nobody asked to keep
    parameters: Tensors  # by name (C + 1, ...)
    buffers: Tensors  # by name (C + 1, ...)


def compiled(*static: str, outermost: bool = False) -> Callable[[Callable], cached_property]:
    """Compile a method for each program anew, so that what was compiled goes when the program goes.

    XLA takes a program's options with the outermost function alone.
    """

    def of(method: Callable) -> cached_property:
        return cached_property(
            lambda program: jax.jit(
                partial(method, program),
                static_argnames=static,
                compiler_options=program.compiler_options if outermost else None,
            )
        )

    return of


class Program:
    compiler_options: Mapping[str, str] | None = None

    def __init__(self, config: TrainingConfig, dtype: str) -> None:
        self.config = config
        self.dtype = dtype
        self.loss = build_loss(config.loss)
        self.optimizer = build_optimizer(config.optimizer)
        self.solves = isinstance(config.optimizer, Solver)
        self.graph = nnx.graphdef(
            nnx.eval_shape(lambda: build_model(config.model, config.inputs, config.outputs, dtype))
        )

    @cached_property
    def names(self) -> TrainState:
        """Where a state has each array of the contract: its name in the array's place, in an Optax state too.

        What Optax holds beside the slots, a count that nothing here reads, stands there itself.
        """
        specs = self.config.model.parameters(self.config.inputs, self.config.outputs)
        optimizer = self.optimizer.init({spec.name: np.zeros(spec.shape, self.dtype) for spec in specs})
        for slot in self.config.optimizer.slots:
            named = {spec.name: f"{slot} of {spec.name}" for spec in specs}
            optimizer = optax.tree.set(optimizer, **{slot_names(self.config.optimizer)[slot]: named})
        parameters, buffers = ({spec.name: spec.name for spec in each} for each in (specs, self.config.model.buffers()))
        return TrainState(parameters, buffers, optimizer)

    def slots(self, change: Callable, optimizer: Any) -> Any:
        """An Optax state with each slot changed, and what Optax holds beside them as it is."""

        def is_slot(node: Any) -> bool:
            return isinstance(node, dict) and node.keys() == self.names.parameters.keys()

        return jax.tree.map(
            lambda names, held: change(held) if is_slot(names) else held,
            self.names.optimizer,
            optimizer,
            is_leaf=is_slot,
        )

    def stack(self, state: TrainState) -> tuple[int, ...]:
        """(R,), or () of one network."""
        return state.parameters[f"layers.{len(self.config.model.hidden)}.bias"].shape[:-1]

    def numbers(self, state: TrainState, feed: Feed) -> int:
        """How many a step computes: the parameters, and what each layer makes of a batch."""
        rows = feed.inputs.shape[-2] if feed.rows is None else feed.rows.shape[-1]
        units = sum(self.config.model.hidden) + self.config.outputs
        return sum(array.size for array in jax.tree.leaves(state.parameters)) + prod(self.stack(state)) * rows * units

    @compiled("training")
    def predict(self, state: TrainState, inputs: Array, masks: Mapping[str, Array], training: bool) -> Array:
        return self._model(state.parameters, state.buffers, training)(inputs, masks)

    @compiled("training")
    def loss_and_grads(
        self, state: TrainState, batch: DeviceBatch, training: bool
    ) -> tuple[tuple[Array, Tensors], Tensors]:
        def loss_and_buffers(parameters: Tensors) -> tuple[Array, Tensors]:
            model = self._model(parameters, state.buffers, training)
            return self.loss(model(batch.inputs, batch.masks), batch.targets), moved(model, state.buffers)

        return jax.value_and_grad(loss_and_buffers, has_aux=True)(state.parameters)

    @compiled()
    def step(self, state: TrainState, batch: DeviceBatch, scalars: Mapping[str, Array]) -> tuple[TrainState, Array]:
        (loss, buffers), gradients = self.loss_and_grads(state, batch, training=True)
        gradients = clip_by_global_norm(gradients, self.config.clip_norm)
        # A solver looks at the loss itself; the others take their rates.
        given = {"objective": self.objective(state, batch)} if self.solves else {"scalars": scalars}
        updates, optimizer = self.optimizer.update(gradients, state.optimizer, state.parameters, **given)
        return TrainState(optax.apply_updates(state.parameters, updates), buffers, optimizer), loss

    def objective(self, state: TrainState, batch: DeviceBatch) -> Objective:
        def network(parameters: Tensors, inputs: Array) -> Array:
            return self._model(parameters, state.buffers, training=True)(inputs, batch.masks)

        return Objective(self.config, network, self.loss, state.parameters, batch.inputs, batch.targets)

    @compiled()
    def train(
        self, state: TrainState, losses: Array, feed: Feed, scalars: Scalars, i: Array
    ) -> tuple[TrainState, Array]:
        state, loss = self.step(state, feed.batch(i), {name: values[i] for name, values in scalars.items()})
        return state, losses.at[i].set(loss)

    @compiled()
    def keep(self, state: TrainState, record: Record, evaluate: Array, evaluation: Array, checkpoint: Array) -> Record:
        predictions = self.predict(state, evaluate, {}, training=False)
        parameters, buffers = jax.tree.map(
            lambda rows, now: rows.at[checkpoint].set(now),
            (record.parameters, record.buffers),
            (state.parameters, state.buffers),
        )
        return Record(record.losses, record.predictions.at[evaluation].set(predictions), parameters, buffers)

    def fit_by_steps(self, state: TrainState, feed: Feed, scalars: Scalars, watch: Watch) -> tuple[TrainState, Record]:
        steps = len(scalars["learning_rate"])
        record = self.empty_record(state, steps, watch)
        for start, stop, *slots in segments(steps, watch.evaluate_at, watch.checkpoints_at):
            for i in range(start, stop):
                state, losses = self.train(state, record.losses, feed, scalars, i)
                record = record._replace(losses=losses)
            record = self.keep(state, record, watch.evaluate, *slots)
            if watch.progress:
                jax.block_until_ready(record)
                watch.progress(stop)
        return state, record

    def fit_in_one_scan(
        self, state: TrainState, feed: Feed, scalars: Scalars, watch: Watch
    ) -> tuple[TrainState, Record]:
        steps = len(scalars["learning_rate"])
        record = self.empty_record(state, steps, watch)
        run = self.run_many if self.stack(state) else self.run
        calls = min(CALLS, 1 + steps * self.numbers(state, feed) // WORTH_A_CALL) if watch.progress else 1
        for part in compiled_calls(calls, steps, watch):
            state, record = run(state, record, feed, scalars, watch.evaluate, part)
            if watch.progress:
                jax.block_until_ready(record)
                watch.progress(int(part[-1, 1]))
        return state, record

    @compiled(outermost=True)
    def run(
        self, state: TrainState, record: Record, feed: Feed, scalars: Scalars, evaluate: Array, part: Array
    ) -> tuple[TrainState, Record]:
        return self.run_one(state, record, feed, scalars, evaluate, part)

    @compiled(outermost=True)
    def run_many(
        self, states: TrainState, records: Record, feed: Feed, scalars: Scalars, evaluate: Array, part: Array
    ) -> tuple[TrainState, Record]:
        own = Feed(
            *(0 if array.ndim == 3 else None for array in (feed.inputs, feed.targets)),
            None if feed.rows is None or feed.rows.ndim == 2 else 0,
            {name: 0 if mask.ndim == 4 else None for name, mask in feed.masks.items()},
        )
        many = jax.vmap(self.run_one, in_axes=(0, 0, own, None, None, None))
        return many(states, records, feed, scalars, evaluate, part)

    def run_one(
        self, state: TrainState, record: Record, feed: Feed, scalars: Scalars, evaluate: Array, part: Array
    ) -> tuple[TrainState, Record]:
        def segment(carry: tuple[TrainState, Record], bounds: Array) -> tuple[tuple[TrainState, Record], None]:
            (state, record), (start, stop, *slots) = carry, bounds
            state, losses = self.loop(state, record.losses, feed, scalars, start, stop)
            return (state, self.keep(state, record._replace(losses=losses), evaluate, *slots)), None

        carry, _ = lax.scan(segment, (state, record), part)
        return carry

    def loop(
        self, state: TrainState, losses: Array, feed: Feed, scalars: Scalars, start: Array, stop: Array
    ) -> tuple[TrainState, Array]:
        def train(i: Array, running: tuple[TrainState, Array]) -> tuple[TrainState, Array]:
            return self.train(*running, feed, scalars, i)

        return lax.fori_loop(start, stop, train, (state, losses))

    def empty_record(self, state: TrainState, steps: int, watch: Watch) -> Record:
        stack = self.stack(state)
        evaluations, checkpoints = len(watch.evaluate_at) + 1, len(watch.checkpoints_at) + 1
        shape = (*stack, evaluations, len(watch.evaluate), self.config.outputs)
        parameters, buffers = jax.tree.map(
            lambda array: np.zeros((*stack, checkpoints, *array.shape[len(stack) :]), self.dtype),
            (state.parameters, state.buffers),
        )
        record = Record(np.zeros((*stack, steps), self.dtype), np.zeros(shape, self.dtype), parameters, buffers)
        return jax.device_put(record, watch.evaluate.device)

    def _model(self, parameters: Tensors, buffers: Tensors, training: bool) -> nnx.Module:
        variables = [(name, nnx.Param(array)) for name, array in parameters.items()]
        variables += [(name, nnx.BatchStat(array)) for name, array in buffers.items()]
        flat = [(native_name(name), variable) for name, variable in variables]
        model = nnx.merge(self.graph, nnx.from_flat_state(flat))
        model.train() if training else model.eval()
        return model


def program(config: TrainingConfig, dtype: str) -> Program:
    """The one program of all configs that compute alike: a second one would be traced and compiled again.

    Rates and the number of steps reach compiled code as data, so that a sweep over them compiles once.
    """
    optimizer = config.optimizer
    if not isinstance(optimizer, Solver):
        optimizer = replace(optimizer, learning_rate=1.0)
    return program_of(replace(config, optimizer=optimizer, schedule=Constant(), steps=1), dtype)


@lru_cache(maxsize=PROGRAMS)
def program_of(config: TrainingConfig, dtype: str) -> Program:
    return Program(config, dtype)


def cut(record: Record) -> Record:
    parameters, buffers = (
        {name: rows[:-1] for name, rows in kept.items()} for kept in (record.parameters, record.buffers)
    )
    return Record(record.losses, record.predictions[:-1], parameters, buffers)


def moved(model: nnx.Module, buffers: Tensors) -> Tensors:
    after = dict(nnx.to_flat_state(nnx.state(model, nnx.BatchStat)))
    return {name: after[native_name(name)][...] for name in buffers}


def compiled_calls(calls: int, steps: int, watch: Watch) -> list[NDArray[np.int32]]:
    """For each compiled call its segments (P, 4).

    A segment is a loop whose bounds are data, so that any pauses run in one compiled program; empty segments at the end make
    all calls alike.
    """
    rows = segments(steps, watch.evaluate_at, watch.checkpoints_at)
    nothing = (steps, steps, len(watch.evaluate_at), len(watch.checkpoints_at))
    rows += [nothing] * (-len(rows) % calls)
    return np.split(np.array(rows, np.int32), calls)
