"""Trains a captured network again, from its initial weights, all of it compiled."""

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax import Array, lax

from jax_impl.losses import build_loss
from jax_impl.model import ACTIVATIONS
from jax_impl.optimizers import build_optimizer, step_scalars
from jax_impl.watch.backward import ModuleCall
from jax_impl.watch.layers import activated, noting_calls, redrawn
from parity.contract import InputError, Replay, Replayed, require

TRAINS = {"train": True, "training": True, "is_training": True, "deterministic": False, "use_running_average": False}
FIRST = 10  # Steps of the first compiled call, which tells how many the next one can do in a second.

Tensors = dict[tuple, Array]


class Carry(NamedTuple):
    parameters: Tensors
    rest: Tensors
    optimizer: optax.OptState


def replay(call: ModuleCall, state: Mapping[tuple, Any], plan: Replay) -> Replayed:
    require(not plan.accumulate, "JAX programs never add gradients up; expected accumulate to be False.")
    network, (parameters, rest) = Network(call, plan.activate), parted(state, call)
    dtype = next(iter(parameters.values())).dtype
    inputs = jnp.array(plan.data.inputs, dtype)
    if plan.redraw:
        fresh = redrawn(state, network.called(parameters, rest, inputs[:2]), plan.width)
        parameters, rest = parted(fresh, call)
        try:
            network.called(parameters, rest, inputs[:2])
        except (TypeError, ValueError) as error:
            raise InputError(f"This network does not take {plan.width} times the units: {error}") from error
    optimizer = build_optimizer(plan.optimizer)
    trained = {path for path in parameters if ".".join(map(str, path)) not in plan.still}
    carry = Carry(parameters, rest, optimizer.init(parameters))
    data = inputs, jnp.array(plan.data.targets, dtype)
    rows = None if plan.rows is None else jnp.array(plan.rows)
    scalars = {name: jnp.array(values, dtype) for name, values in step_scalars(plan.config, 0, plan.steps).items()}
    loss = build_loss(plan.loss)

    def step(i: Array, carry: Carry) -> Carry:
        inputs, targets = data if rows is None else (part[rows[i]] for part in data)

        def loss_and_rest(parameters: Tensors) -> tuple[Array, Tensors]:
            predictions, after = network.run(parameters, carry.rest, inputs, training=True)
            return loss(predictions, targets), after

        gradients, after = jax.grad(loss_and_rest, has_aux=True)(carry.parameters)
        now = {name: values[i] for name, values in scalars.items()}
        moves, state = optimizer.update(gradients, carry.optimizer, carry.parameters, scalars=now)
        moved = optax.apply_updates(carry.parameters, moves)
        now_parameters = {path: moved[path] if path in trained else carry.parameters[path] for path in moved}
        return Carry(now_parameters, after, state)

    run = jax.jit(lambda carry, start, stop: lax.fori_loop(start, stop, step, carry))
    carry, steps = within(run, carry, plan.steps, plan.seconds)
    predict = jax.jit(lambda carry, inputs: network.run(carry.parameters, carry.rest, inputs, training=False)[0])
    return Replayed(np.array(predict(carry, jnp.array(plan.evaluate, dtype))), steps)


def parted(state: Mapping[tuple, Any], call: ModuleCall) -> tuple[Tensors, Tensors]:
    """What is trained, and the rest."""
    parameters = {path: jnp.array(value) for path, value in state.items() if issubclass(call.kinds[path], nnx.Param)}
    return parameters, {path: value for path, value in state.items() if path not in parameters}


def within(run: Callable, carry: Carry, steps: int, seconds: float) -> tuple[Carry, int]:
    """As many of the steps as can be done in that time."""
    until, done, several = time.perf_counter() + seconds, 0, FIRST
    while done < steps and (done == 0 or time.perf_counter() < until):
        stop = min(steps, done + several)
        begun = time.perf_counter()
        carry = jax.block_until_ready(run(carry, done, stop))
        took = time.perf_counter() - begun
        # The first call compiles, and says nothing about the speed.
        several = several if done == 0 else max(1, int(several * min(10.0, 1.0 / max(took, 1e-6))))
        done = stop
    return carry, done


class Network:
    """The captured network as a function of its state."""

    def __init__(self, call: ModuleCall, activate: str | None) -> None:
        self.call = call
        self.activate = activate
        self._layers: int | None = None
        self._paths: dict[int, tuple] = {}
        """By identity the modules of the last forward pass."""

    def run(self, parameters: Tensors, rest: Tensors, inputs: Array, *, training: bool) -> tuple[Array, Tensors]:
        if self.activate is None:
            return self._run(parameters, rest, inputs, training)
        if self._layers is None:
            called = self.called(parameters, rest, inputs)
            self._layers = sum(issubclass(kind, nnx.Linear) for _, kind in called)
        with activated(ACTIVATIONS[self.activate], self._layers - 1):
            return self._run(parameters, rest, inputs, training)

    def called(self, parameters: Tensors, rest: Tensors, inputs: Array) -> list[tuple[tuple, type]]:
        """Path and kind of the linear layers and norms, as a forward pass meets them."""
        with noting_calls() as called:
            jax.eval_shape(lambda: self._run(parameters, rest, inputs, training=False))
        return [(self._paths[module], kind) for module, kind in called]

    def _run(self, parameters: Tensors, rest: Tensors, inputs: Array, training: bool) -> tuple[Array, Tensors]:
        state = nnx.from_flat_state(list({**parameters, **rest}.items()))
        model = nnx.merge(self.call.graphdef, state, copy=True)
        model.train() if training else model.eval()
        self._paths = {id(node): path for path, node in nnx.iter_graph(model)}
        keywords = {
            name: TRAINS[name] == training if name in TRAINS and isinstance(value, bool) else value
            for name, value in self.call.keywords.items()
        }
        out = model(inputs, *self.call.arguments, **keywords)
        after = {path: variable.get_value() for path, variable in nnx.to_flat_state(nnx.state(model))}
        return out, {path: after[path] for path in rest}
