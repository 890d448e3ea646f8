"""Bare JAX loops with Optax."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array, lax

from benchmarks.peers.formulas import SINGLE
from benchmarks.peers.job import Job
from benchmarks.peers.peer import Peer, Stopwatch

Parameters = list[tuple[Array, Array]]


class Documented(Peer):
    """One compiled step a batch, as in Optax's introduction (optax.readthedocs.io/en/latest/getting_started.html)."""

    formula = SINGLE

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self.optimizer = adam(job)
        self.parameters = jax.tree.map(jnp.array, job.layers)
        self.state = self.optimizer.init(self.parameters)
        self.step = jax.jit(partial(step, self.optimizer))

    def losses(self, steps: int) -> Sequence[float]:
        return [float(loss) for loss in self.run(*self.job.batches(steps))]

    def train(self, steps: int, watch: Stopwatch) -> None:
        batches = self.job.batches(steps)
        with watch:
            jax.block_until_ready((self.run(*batches), self.parameters))

    def run(self, inputs: Any, targets: Any) -> list[Array]:
        losses = []
        for batch, labels in zip(inputs, targets, strict=True):
            self.parameters, self.state, loss = self.step(self.parameters, self.state, batch, labels)
            losses.append(loss)
        return losses


class Scan(Peer):
    """The whole run in one compiled `lax.scan`, batches picked within it."""

    formula = SINGLE

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self.optimizer = adam(job)
        self.parameters = jax.tree.map(jnp.array, job.layers)
        self.state = self.optimizer.init(self.parameters)
        self.inputs, self.targets = jnp.array(job.inputs), jnp.array(job.targets)

        @jax.jit
        def run(parameters: Parameters, state: Any, inputs: Array, targets: Array, order: Array) -> Any:
            def one(carry: Any, rows: Array) -> Any:
                *carry, loss = step(self.optimizer, *carry, inputs[rows], targets[rows])
                return tuple(carry), loss

            return lax.scan(one, (parameters, state), order)

        self.compiled = run

    def losses(self, steps: int) -> Sequence[float]:
        return self.run(jnp.array(self.job.rows(steps))).tolist()

    def train(self, steps: int, watch: Stopwatch) -> None:
        order = jnp.array(self.job.rows(steps))
        with watch:
            jax.block_until_ready((self.run(order), self.parameters))

    def run(self, order: Array) -> Array:
        carry, losses = self.compiled(self.parameters, self.state, self.inputs, self.targets, order)
        self.parameters, self.state = carry
        return losses


def step(
    optimizer: optax.GradientTransformation, parameters: Parameters, state: Any, inputs: Array, targets: Array
) -> tuple[Parameters, Any, Array]:
    """One step of training, and the loss before it."""
    loss, gradients = jax.value_and_grad(mean_squared_error)(parameters, inputs, targets)
    updates, state = optimizer.update(gradients, state, parameters)
    return optax.apply_updates(parameters, updates), state, loss


def mean_squared_error(parameters: Parameters, inputs: Array, targets: Array) -> Array:
    """Of the network's predictions."""
    for kernel, bias in parameters[:-1]:
        inputs = jnp.tanh(inputs @ kernel + bias)
    kernel, bias = parameters[-1]
    return jnp.mean((inputs @ kernel + bias - targets) ** 2)


def adam(job: Job) -> optax.GradientTransformation:
    """Optax's."""
    of = job.adam
    return optax.adam(of.learning_rate, b1=of.b1, b2=of.b2, eps=of.eps)
