"""The loss of a batch as a function of all parameters in one vector x of P numbers, for solvers that look at it themselves."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array
from jax.flatten_util import ravel_pytree

from parity.contract import TrainingConfig

Parameters = dict[str, Array]
Network = Callable[[Parameters, Array], Array]  # and (B, D) inputs to (B, K) predictions
Loss = Callable[[Array, Array], Array]


class Objective:
    def __init__(
        self,
        config: TrainingConfig,
        network: Network,
        loss: Loss,
        parameters: Parameters,
        inputs: Array,
        targets: Array,
    ) -> None:
        self.network = network
        self.criterion = loss
        self.inputs = inputs  # (B, D)
        self.targets = targets  # (B, K)
        self.block_rows = min(config.block_rows, len(inputs))
        self.scale = 1.0 if config.loss.reduction == "sum" else 1.0 / targets.size  # c, of c J'J
        self.point, self.unflatten = ravel_pytree(parameters)

    def predict(self, x: Array, inputs: Array) -> Array:
        return self.network(self.unflatten(x), inputs)

    def loss(self, x: Array) -> Array:
        return self.criterion(self.predict(x, self.inputs), self.targets)

    def loss_and_gradient(self, x: Array) -> tuple[Array, Array]:
        return jax.value_and_grad(self.loss)(x)

    def jacobian(self, x: Array, inputs: Array, output: int) -> Array:
        """(P, B) derivatives of one output of each row."""

        def of_row(parameters: Parameters, row: Array) -> Array:
            return self.network(parameters, row[None])[0, output]

        rows = jax.vmap(jax.grad(of_row), in_axes=(None, 0), out_axes=-1)(self.unflatten(x), inputs)
        return jnp.concatenate([derivatives.reshape(-1, len(inputs)) for derivatives in jax.tree.leaves(rows)])


def ravelled(parameters: Parameters) -> Array:
    """All parameters in one vector (P,)."""
    return ravel_pytree(parameters)[0]
