"""L-BFGS: steps along an estimate of Newton's direction, from the newest pairs of displacements and gradient changes."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array, lax

from jax_impl.objective import Objective, Parameters, ravelled
from parity.contract import LBFGS as LBFGSConfig


class Search(NamedTuple):
    length: Array
    low: Array
    high: Array
    loss: Array
    gradient: Array  # (P,)
    trials: Array


def lbfgs(config: LBFGSConfig) -> optax.GradientTransformationExtraArgs:
    def init(p: Parameters) -> dict[str, Parameters]:
        return {slot: optax.tree.zeros_like(p) for slot in config.slots}

    def update(g: Parameters, state: dict[str, Parameters], p: Parameters, *, objective: Objective) -> tuple:
        s, y = (jnp.stack([ravelled(state[f"{kind}.{i}"]) for i in range(config.memory)]) for kind in ("s", "y"))
        displacement, s, y = searched_step(config, objective, s, y)
        pairs = {
            f"{kind}.{i}": objective.unflatten(rows[i])
            for i in range(config.memory)
            for kind, rows in (("s", s), ("y", y))
        }
        return objective.unflatten(displacement), pairs

    return optax.GradientTransformationExtraArgs(init, update)


def searched_step(config: LBFGSConfig, objective: Objective, s: Array, y: Array) -> tuple[Array, Array, Array]:
    """The displacement (P,), and the pairs (M, P) behind it."""
    x = objective.point
    loss, gradient = objective.loss_and_gradient(x)
    direction = direction_of(gradient, s, y)
    slope = gradient @ direction

    def low_enough(search: Search) -> Array:
        return search.loss <= loss + config.c1 * search.length * slope

    def flat_enough(search: Search) -> Array:
        return search.gradient @ direction >= config.c2 * slope

    def found(search: Search) -> Array:
        return low_enough(search) & flat_enough(search)

    def tried(length: Array, low: Array, high: Array, trials: Array) -> Search:
        return Search(length, low, high, *objective.loss_and_gradient(x + length * direction), trials + 1)

    def again(search: Search) -> Search:
        low = jnp.where(low_enough(search), search.length, search.low)
        high = jnp.where(low_enough(search), search.high, search.length)
        return tried(jnp.where(jnp.isfinite(high), (low + high) / 2, 2 * low), low, high, search.trials)

    one, none, infinite = (jnp.asarray(value, x.dtype) for value in (1.0, 0.0, jnp.inf))
    last = lax.while_loop(
        lambda search: ~found(search) & (search.trials < config.most_trials), again, tried(one, none, infinite, 0)
    )
    displacement, change = last.length * direction, last.gradient - gradient
    s, y = with_pair(displacement, change, s, y)
    return jax.tree.map(lambda each: jnp.where(found(last), each, 0.0), (displacement, s, y))


def direction_of(gradient: Array, s: Array, y: Array) -> Array:
    """-H g by the two-loop recursion over (M, P) pairs, the newest first; a pair of zeros adds nothing."""
    products = [s[i] @ y[i] for i in range(len(s))]
    weights = [jnp.where(product > 0, 1.0 / jnp.where(product > 0, product, 1.0), 0.0) for product in products]
    shares, direction = [], gradient
    for i in range(len(s)):
        shares.append(weights[i] * (s[i] @ direction))
        direction = direction - shares[i] * y[i]
    steepest = jnp.minimum(1.0, 1.0 / jnp.abs(gradient).sum())
    curvature = y[0] @ y[0]
    newest = products[0] / jnp.where(curvature > 0, curvature, 1.0)
    direction = direction * jnp.where(products[0] > 0, newest, steepest)
    for i in reversed(range(len(s))):
        direction = direction + (shares[i] - weights[i] * (y[i] @ direction)) * s[i]
    return -direction


def with_pair(displacement: Array, change: Array, s: Array, y: Array) -> tuple[Array, Array]:
    """The pairs (M, P) with a new one in front where it curves upwards."""
    curves = displacement @ change > 0
    return jax.tree.map(
        lambda new, pairs: jnp.where(curves, jnp.concatenate([new[None], pairs[:-1]]), pairs),
        (displacement, change),
        (s, y),
    )
