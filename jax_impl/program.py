"""One training program: what is computed in a step and in a run, on arrays of one device and dtype.

The state goes in and comes out, and what is done is compiled once for each config and shape: JAX is functional.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax import Array, lax
from numpy.typing import NDArray

from jax_impl.convert import native_name
from jax_impl.losses import build_loss
from jax_impl.model import build_model
from jax_impl.optimizers import build_optimizer, clip_by_global_norm
from parity.contract import TrainingConfig, segments

Tensors = dict[str, Array]
Scalars = dict[str, Array]  # by name (S,)
PROGRAMS = 16  # How many are kept: compiled code takes memory, and sweeps over many configs would fill it.
CALLS = 16  # Into how many compiled calls a run is cut where someone watches its progress.


class TrainState(NamedTuple):
    parameters: Tensors
    buffers: Tensors
    optimizer: optax.OptState


class DeviceBatch(NamedTuple):
    inputs: Array  # (B, D)
    targets: Array  # (B, K)
    masks: Mapping[str, Array]  # (B, H)


class Feed(NamedTuple):
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
    losses: Array  # (S,)
    predictions: Array  # (E + 1, V, K); here and below the last row is for what nobody asked to keep
    parameters: Tensors  # by name (C + 1, ...)
    buffers: Tensors  # by name (C + 1, ...)


def compiled(*static: str) -> Callable[[Callable], cached_property]:
    """Compile a method for each program anew, so that what was compiled goes when the program goes."""

    def of(method: Callable) -> cached_property:
        return cached_property(lambda program: jax.jit(partial(method, program), static_argnames=static))

    return of


class Program:
    def __init__(self, config: TrainingConfig, dtype: str) -> None:
        self.config = config
        self.dtype = dtype
        self.loss = build_loss(config.loss)
        self.optimizer = build_optimizer(config.optimizer)
        self.graph = nnx.graphdef(
            nnx.eval_shape(lambda: build_model(config.model, config.inputs, config.outputs, dtype))
        )

    def initial_state(self) -> TrainState:
        model = self.config.model
        parameters, buffers = (
            {spec.name: jnp.zeros(spec.shape, self.dtype) for spec in specs}
            for specs in (model.parameters(self.config.inputs, self.config.outputs), model.buffers())
        )
        return TrainState(parameters, buffers, self.optimizer.init(parameters))

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
        updates, optimizer = self.optimizer.update(gradients, state.optimizer, state.parameters, scalars=scalars)
        return TrainState(optax.apply_updates(state.parameters, updates), buffers, optimizer), loss

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
        return state, cut(record)

    def fit_in_one_scan(
        self, state: TrainState, feed: Feed, scalars: Scalars, watch: Watch
    ) -> tuple[TrainState, Record]:
        steps = len(scalars["learning_rate"])
        record = self.empty_record(state, steps, watch)
        for part in compiled_calls(steps, watch):
            state, record = self.run(state, record, feed, scalars, watch.evaluate, part)
            if watch.progress:
                jax.block_until_ready(record)
                watch.progress(int(part[-1, 1]))
        return state, cut(record)

    def fit_many_in_one_scan(
        self, states: TrainState, feed: Feed, scalars: Scalars, watch: Watch, own_data: bool, own_order: bool
    ) -> tuple[TrainState, Record]:
        """The same with R states stacked along a first axis, and data or order too where they are the replicas' own."""
        steps = len(scalars["learning_rate"])
        records = jax.vmap(lambda state: self.empty_record(state, steps, watch))(states)
        for part in compiled_calls(steps, watch):
            states, records = self.run_many(
                states, records, feed, scalars, watch.evaluate, part, own_data=own_data, own_order=own_order
            )
            if watch.progress:
                jax.block_until_ready(records)
                watch.progress(int(part[-1, 1]) * len(records.losses))
        return states, jax.vmap(cut)(records)

    @compiled()
    def run(
        self, state: TrainState, record: Record, feed: Feed, scalars: Scalars, evaluate: Array, part: Array
    ) -> tuple[TrainState, Record]:
        def segment(carry: tuple[TrainState, Record], bounds: Array) -> tuple[tuple[TrainState, Record], None]:
            (state, record), (start, stop, *slots) = carry, bounds

            def train(i: Array, running: tuple[TrainState, Array]) -> tuple[TrainState, Array]:
                return self.train(*running, feed, scalars, i)

            state, losses = lax.fori_loop(start, stop, train, (state, record.losses))
            return (state, self.keep(state, record._replace(losses=losses), evaluate, *slots)), None

        carry, _ = lax.scan(segment, (state, record), part)
        return carry

    @compiled("own_data", "own_order")
    def run_many(
        self,
        states: TrainState,
        records: Record,
        feed: Feed,
        scalars: Scalars,
        evaluate: Array,
        part: Array,
        own_data: bool,
        own_order: bool,
    ) -> tuple[TrainState, Record]:
        data, order = 0 if own_data else None, 0 if own_order else None
        axes = (0, 0, Feed(data, data, order, order), None, None, None)
        return jax.vmap(self.run, in_axes=axes)(states, records, feed, scalars, evaluate, part)

    def empty_record(self, state: TrainState, steps: int, watch: Watch) -> Record:
        evaluations, checkpoints = len(watch.evaluate_at) + 1, len(watch.checkpoints_at) + 1
        shape = (evaluations, len(watch.evaluate), self.config.outputs)
        parameters, buffers = (
            {name: jnp.zeros((checkpoints, *array.shape), self.dtype) for name, array in named.items()}
            for named in (state.parameters, state.buffers)
        )
        return Record(jnp.zeros(steps, self.dtype), jnp.zeros(shape, self.dtype), parameters, buffers)

    def _model(self, parameters: Tensors, buffers: Tensors, training: bool) -> nnx.Module:
        variables = [(name, nnx.Param(array)) for name, array in parameters.items()]
        variables += [(name, nnx.BatchStat(array)) for name, array in buffers.items()]
        flat = [(native_name(name), variable) for name, variable in variables]
        model = nnx.merge(self.graph, nnx.from_flat_state(flat))
        model.train() if training else model.eval()
        return model


class Mode(NamedTuple):
    fit: Callable[..., tuple[TrainState, Record]]
    fit_many: Callable[..., tuple[TrainState, Record]] | None  # None: one after the other


MODES = {
    "scan": Mode(Program.fit_in_one_scan, Program.fit_many_in_one_scan),
    "step": Mode(Program.fit_by_steps, None),
}


@lru_cache(maxsize=PROGRAMS)
def program(config: TrainingConfig, dtype: str) -> Program:
    """The one program of a config: a second one would be traced and compiled again."""
    return Program(config, dtype)


def cut(record: Record) -> Record:
    parameters, buffers = jax.tree.map(lambda rows: rows[:-1], (record.parameters, record.buffers))
    return Record(record.losses, record.predictions[:-1], parameters, buffers)


def moved(model: nnx.Module, buffers: Tensors) -> Tensors:
    after = dict(nnx.to_flat_state(nnx.state(model, nnx.BatchStat)))
    return {name: after[native_name(name)][...] for name in buffers}


def compiled_calls(steps: int, watch: Watch) -> list[NDArray[np.int32]]:
    """For each compiled call its segments (P, 4): one call for the whole run, or several where someone watches.

    A segment is a loop whose bounds are data, so that any pauses run in one compiled program; empty segments at the end make
    all calls alike.
    """
    calls = CALLS if watch.progress else 1
    rows = segments(steps, watch.evaluate_at, watch.checkpoints_at)
    nothing = (steps, steps, len(watch.evaluate_at), len(watch.checkpoints_at))
    rows += [nothing] * (-len(rows) % calls)
    return np.split(np.array(rows, np.int32), calls)
