"""Equinox, as in its examples (docs.kidger.site/equinox/examples/mnist): modules are trees, a compiled step a batch."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array

from benchmarks.peers.formulas import SINGLE
from benchmarks.peers.job import Job
from benchmarks.peers.libraries.jax_loop import adam
from benchmarks.peers.peer import Peer, Stopwatch


class Network(eqx.Module):
    layers: list[eqx.nn.Linear]

    def __call__(self, row: Array) -> Array:
        for layer in self.layers[:-1]:
            row = jnp.tanh(layer(row))
        return self.layers[-1](row)


class Equinox(Peer):
    formula = SINGLE

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        optimizer = adam(job)
        self.model = Network([linear(*layer) for layer in job.layers])
        self.state = optimizer.init(eqx.filter(self.model, eqx.is_array))

        @eqx.filter_value_and_grad
        def loss_of(model: Network, inputs: Array, targets: Array) -> Array:
            return jnp.mean((jax.vmap(model)(inputs) - targets) ** 2)

        @eqx.filter_jit
        def step(model: Network, state: Any, inputs: Array, targets: Array) -> tuple[Network, Any, Array]:
            loss, gradients = loss_of(model, inputs, targets)
            updates, state = optimizer.update(gradients, state, eqx.filter(model, eqx.is_array))
            return eqx.apply_updates(model, updates), state, loss

        self.step = step

    def losses(self, steps: int) -> Sequence[float]:
        return [float(loss) for loss in self.run(*self.job.batches(steps))]

    def train(self, steps: int, watch: Stopwatch) -> None:
        batches = self.job.batches(steps)
        with watch:
            jax.block_until_ready((self.run(*batches), self.model.layers[0].weight))

    def run(self, inputs: Any, targets: Any) -> list[Array]:
        losses = []
        for batch, labels in zip(inputs, targets, strict=True):
            self.model, self.state, loss = self.step(self.model, self.state, batch, labels)
            losses.append(loss)
        return losses


def linear(kernel: Any, bias: Any) -> eqx.nn.Linear:
    """A layer with given weights; what it draws by itself is thrown away."""
    drawn = eqx.nn.Linear(*kernel.shape, key=jax.random.key(0))
    return eqx.tree_at(lambda layer: (layer.weight, layer.bias), drawn, (jnp.array(kernel.T), jnp.array(bias)))
