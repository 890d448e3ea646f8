"""One training program: what is computed in a step and in a run, on arrays of one device and dtype.

The state goes in and comes out, and what is done is compiled once for each config and shape: JAX is functional.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from itertools import pairwise
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
from jax_impl.optimizers import Scalars, build_optimizer, clip_by_global_norm
from parity.contract import TrainingConfig, pauses

Tensors = dict[str, Array]
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
    predictions: Array  # (E, V, K)
    parameters: Tensors  # by name (C, ...)
    buffers: Tensors  # by name (C, ...)


class Carry(NamedTuple):
    state: TrainState
    losses: Array  # (S,)
    parameters: Tensors  # by name (C + 1, ...); the last row takes what nobody asked for
    buffers: Tensors  # by name (C + 1, ...)


def compiled(*static: str) -> Callable[[Callable], Callable]:
    """Compile a method of a program. The program itself is static too: what it holds is frozen."""
    return partial(jax.jit, static_argnames=("self", *static))


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

    def fit_by_steps(self, state: TrainState, feed: Feed, scalars: Scalars, watch: Watch) -> tuple[TrainState, Record]:
        losses, predictions, parameters, buffers = [], [], [], []
        stops = pauses(len(scalars["learning_rate"]), watch.evaluate_at, watch.checkpoints_at)
        for start, stop in pairwise([0, *stops]):
            for i in range(start, stop):
                state, loss = self.step(state, feed.batch(i), {name: values[i] for name, values in scalars.items()})
                losses.append(loss)
            if stop in watch.evaluate_at:
                predictions.append(self.predict(state, watch.evaluate, {}, training=False))
            if stop in watch.checkpoints_at:
                parameters.append(state.parameters)
                buffers.append(state.buffers)
            if watch.progress:
                watch.progress(stop)
        return state, Record(jnp.stack(losses), stack(predictions), stack_named(parameters), stack_named(buffers))

    def fit_in_one_scan(
        self, state: TrainState, feed: Feed, scalars: Scalars, watch: Watch
    ) -> tuple[TrainState, Record]:
        stops = pauses(len(scalars["learning_rate"]), watch.evaluate_at, watch.checkpoints_at)
        carry, predictions = self._carry(state, scalars, watch), []
        for part in segments(stops, watch, calls=CALLS if watch.progress else 1):
            carry, predicted = self.run(carry, feed, scalars, watch.evaluate, part)
            predictions.append(predicted)
            if watch.progress:
                watch.progress(int(jax.block_until_ready(part[-1, 1])))
        return record_of(carry, jnp.concatenate(predictions), stops, watch)

    def fit_many_in_one_scan(
        self, states: TrainState, feed: Feed, scalars: Scalars, watch: Watch, own_data: bool, own_order: bool
    ) -> list[tuple[TrainState, Record]]:
        """The same with R states stacked along a first axis, and data or order too where they are the replicas' own."""
        stops = pauses(len(scalars["learning_rate"]), watch.evaluate_at, watch.checkpoints_at)
        carries = jax.vmap(lambda state: self._carry(state, scalars, watch))(states)
        (part,) = segments(stops, watch, calls=1)
        results = self.run_many(carries, feed, scalars, watch.evaluate, part, own_data=own_data, own_order=own_order)
        carries, predictions = jax.tree.map(np.asarray, results)
        return [
            record_of(jax.tree.map(lambda a, r=r: a[r], carries), predictions[r], stops, watch)
            for r in range(len(predictions))
        ]

    def _carry(self, state: TrainState, scalars: Scalars, watch: Watch) -> Carry:
        rows = len(watch.checkpoints_at) + 1
        parameters, buffers = jax.tree.map(
            lambda a: jnp.zeros((rows, *a.shape), a.dtype), (state.parameters, state.buffers)
        )
        return Carry(state, jnp.zeros(len(scalars["learning_rate"]), self.dtype), parameters, buffers)

    @compiled()
    def run(self, carry: Carry, feed: Feed, scalars: Scalars, evaluate: Array, part: Array) -> tuple[Carry, Array]:
        def train(i: Array, running: tuple[TrainState, Array]) -> tuple[TrainState, Array]:
            state, losses = running
            state, loss = self.step(state, feed.batch(i), {name: values[i] for name, values in scalars.items()})
            return state, losses.at[i].set(loss)

        def segment(carry: Carry, bounds: Array) -> tuple[Carry, Array]:
            start, stop, slot = bounds
            state, losses = lax.fori_loop(start, stop, train, (carry.state, carry.losses))
            kept = jax.tree.map(
                lambda rows, now: rows.at[slot].set(now),
                (carry.parameters, carry.buffers),
                (state.parameters, state.buffers),
            )
            predictions = self.predict(state, evaluate, {}, training=False)
            return Carry(state, losses, *kept), predictions

        return lax.scan(segment, carry, part)

    @compiled("own_data", "own_order")
    def run_many(
        self,
        carries: Carry,
        feed: Feed,
        scalars: Scalars,
        evaluate: Array,
        part: Array,
        own_data: bool,
        own_order: bool,
    ) -> tuple[Carry, Array]:
        data, order = 0 if own_data else None, 0 if own_order else None
        axes = (0, Feed(data, data, order, order), None, None, None)
        return jax.vmap(self.run, in_axes=axes)(carries, feed, scalars, evaluate, part)

    def _model(self, parameters: Tensors, buffers: Tensors, training: bool) -> nnx.Module:
        variables = [(name, nnx.Param(array)) for name, array in parameters.items()]
        variables += [(name, nnx.BatchStat(array)) for name, array in buffers.items()]
        flat = [(native_name(name), variable) for name, variable in variables]
        model = nnx.merge(self.graph, nnx.from_flat_state(flat))
        model.train() if training else model.eval()
        return model


@cache
def program(config: TrainingConfig, dtype: str) -> Program:
    """The one program of a config: a second one would be traced and compiled again."""
    return Program(config, dtype)


def moved(model: nnx.Module, buffers: Tensors) -> Tensors:
    after = dict(nnx.to_flat_state(nnx.state(model, nnx.BatchStat)))
    return {name: after[native_name(name)][...] for name in buffers}


def segments(stops: list[int], watch: Watch, calls: int) -> list[NDArray[np.int32]]:
    """For each call (P, 3): first step, last step, and the row that keeps the state behind it.

    The steps between are a loop whose bounds are data, so that any pauses run in one compiled program; empty segments at
    the end make all calls alike.
    """
    slots = {step: slot for slot, step in enumerate(watch.checkpoints_at)}
    nowhere = len(slots)
    rows = [(start, stop, slots.get(stop, nowhere)) for start, stop in pairwise([0, *stops])]
    rows += [(stops[-1], stops[-1], nowhere)] * (-len(rows) % calls)
    return np.split(np.array(rows, np.int32), calls)


def record_of(carry: Carry, predictions: Array, stops: list[int], watch: Watch) -> tuple[TrainState, Record]:
    evaluated = np.array([stops.index(step) for step in watch.evaluate_at], np.int32)
    parameters, buffers = jax.tree.map(
        lambda rows: rows[: len(watch.checkpoints_at)], (carry.parameters, carry.buffers)
    )
    return carry.state, Record(carry.losses, predictions[evaluated], parameters, buffers)


def stack(arrays: list[Array]) -> Array:
    return jnp.stack(arrays) if arrays else jnp.empty(0)


def stack_named(checkpoints: list[Tensors]) -> Tensors:
    return {name: jnp.stack([each[name] for each in checkpoints]) for name in checkpoints[0]} if checkpoints else {}
