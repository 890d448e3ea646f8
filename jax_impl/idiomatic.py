"""The mode `idiomatic`: the loop that Flax's documentation shows, a compiled step on a model and its optimizer.

Source: https://flax.readthedocs.io/en/stable/mnist_tutorial.html (training step and loop).
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import numpy as np
import optax
from flax import nnx
from jax import Array

from jax_impl.convert import native_name
from jax_impl.objective import Objective
from jax_impl.optimizers import clip_by_global_norm
from jax_impl.program import PROGRAMS, DeviceBatch, Feed, Program, Record, Scalars, Tensors, TrainState, Watch
from parity.contract import segments


class Training(NamedTuple):
    model: nnx.Module
    optimizer: nnx.Optimizer


def fit(program: Program, state: TrainState, feed: Feed, scalars: Scalars, watch: Watch) -> tuple[TrainState, Record]:
    # As a loader gives them: batches are picked on the host.
    feed, scalars = jax.tree.map(np.asarray, (feed, scalars))
    steps, training, train_step = len(scalars["learning_rate"]), begun(program, state), train_step_of(program)
    epoch = 1 if feed.rows is None else max(1, len(feed.inputs) // feed.rows.shape[1])
    record, losses = program.empty_record(state, steps, watch), []
    for start, stop, *slots in segments(steps, watch.evaluate_at, watch.checkpoints_at):
        for i in range(start, stop):
            losses.append(train_step(*training, feed.batch(i), {name: values[i] for name, values in scalars.items()}))
            if (i + 1) % epoch == 0:
                losses[-epoch:] = [float(loss) for loss in losses[-epoch:]]
        record = program.keep(ended(program, training), record, watch.evaluate, *slots)
        if watch.progress:
            jax.block_until_ready(record)
            watch.progress(stop)
    return ended(program, training), record._replace(losses=np.array(losses, program.dtype))


def step(program: Program, state: TrainState, batch: DeviceBatch, scalars: Scalars) -> tuple[TrainState, Array]:
    training = begun(program, state)
    loss = train_step_of(program)(*training, batch, scalars)
    return ended(program, training), loss


@lru_cache(maxsize=PROGRAMS)
def train_step_of(program: Program) -> Callable[[nnx.Module, nnx.Optimizer, DeviceBatch, Scalars], Array]:
    @nnx.jit
    def train_step(model: nnx.Module, optimizer: nnx.Optimizer, batch: DeviceBatch, scalars: Scalars) -> Array:
        def loss_fn(model: nnx.Module) -> Array:
            return program.loss(model(batch.inputs, batch.masks), batch.targets)

        loss, grads = nnx.value_and_grad(loss_fn)(model)
        optimizer.update(model, grads, **given(program, model, batch, scalars))
        return loss

    return train_step


def given(program: Program, model: nnx.Module, batch: DeviceBatch, scalars: Scalars) -> dict[str, Any]:
    """What an optimizer takes beside the gradients: a solver looks at the loss itself, the others take their rates."""
    if not program.solves:
        return {"scalars": scalars}

    def network(parameters: nnx.State, inputs: Array) -> Array:
        return nnx.merge(graph, parameters)(inputs, batch.masks)

    graph, parameters = nnx.split(model, nnx.Param)
    return {"objective": Objective(program.config, network, program.loss, parameters, batch.inputs, batch.targets)}


@lru_cache(maxsize=PROGRAMS)
def clipped(program: Program) -> optax.GradientTransformationExtraArgs:
    """The program's optimizer, behind the contract's clipping."""

    def clip(gradients: nnx.State, state: optax.EmptyState, parameters: nnx.State) -> tuple:
        return clip_by_global_norm(gradients, program.config.clip_norm), state

    return optax.chain(optax.GradientTransformation(optax.init_empty_state, clip), program.optimizer)


def begun(program: Program, state: TrainState) -> Training:
    """A model and its optimizer in a state."""

    def of_model(tensors: Tensors) -> nnx.State:
        return nnx.from_flat_state([(native_name(name), tensor) for name, tensor in tensors.items()])

    model = program._model(state.parameters, state.buffers, training=True)
    optimizer = nnx.Optimizer(model, clipped(program), wrt=nnx.Param)
    slots = program.slots(of_model, state.optimizer)
    nnx.update(optimizer.opt_state, nnx.state((optax.EmptyState(), slots)))
    return Training(model, optimizer)


def ended(program: Program, training: Training) -> TrainState:
    """The state that they are in."""

    def by_name(tree: nnx.State, names: Iterable[str]) -> Tensors:
        native = dict(nnx.to_flat_state(tree))
        return {name: native[native_name(name)] for name in names}

    parameters, buffers = (nnx.as_pure(nnx.state(training.model, kind)) for kind in (nnx.Param, nnx.BatchStat))
    _, slots = nnx.as_pure(training.optimizer.opt_state)
    names = program.names.parameters
    return TrainState(
        by_name(parameters, names),
        by_name(buffers, program.names.buffers),
        program.slots(lambda slot: by_name(slot, names), slots),
    )
