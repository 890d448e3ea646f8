"""Levenberg-Marquardt: Gauss-Newton steps, damped as far as the loss falls."""

from itertools import pairwise
from math import log
from typing import NamedTuple

import jax.numpy as jnp
import optax
from jax import Array, lax
from jax.scipy.linalg import cho_solve

from jax_impl.objective import Objective, Parameters, ravelled
from parity.contract import LevenbergMarquardt as LevenbergMarquardtConfig

PARTS = (
    4  # Each way, of a symmetric product; its squares are quicker than rows as long as they are, which XLA is slow at.
)
# Rows in one sum, which XLA adds up one by one: over all, float32 loses a digit where they are alike.
ADDED = {"float32": 128, "float64": 2**16}

Squares = dict[tuple[int, int], Array]  # of a lower triangle, by place


class Trial(NamedTuple):
    damping: Array  # ln(mu / damping)
    doublings: Array  # of mu where this one fails
    displacement: Array  # (P,)
    loss: Array


def levenberg_marquardt(config: LevenbergMarquardtConfig) -> optax.GradientTransformationExtraArgs:
    def init(p: Parameters) -> dict[str, Parameters]:
        return {"damping": optax.tree.zeros_like(p)}

    def update(g: Parameters, state: dict[str, Parameters], p: Parameters, *, objective: Objective) -> tuple:
        before = ravelled(state["damping"])[0]
        displacement, damping = lax.cond(
            before > config.range[1],
            lambda: (jnp.zeros_like(objective.point), before),
            lambda: damped_step(config, objective, before),
        )
        return objective.unflatten(-displacement), {"damping": optax.tree.full_like(p, damping)}

    return optax.GradientTransformationExtraArgs(init, update)


def damped_step(config: LevenbergMarquardtConfig, objective: Objective, damping: Array) -> tuple[Array, Array]:
    """The displacement (P,) to be taken away, and the damping behind it."""
    x, loss = objective.point, objective.loss(objective.point)
    matrix, gradient = normal_equations(objective)

    def tried(damping: Array, doublings: Array) -> Trial:
        displacement = solved(matrix, config.damping * jnp.exp(damping), gradient)
        return Trial(damping, doublings, displacement, objective.loss(x - displacement))

    def again(trial: Trial) -> Trial:
        # Above the highest there is no trial; what it would be is not used.
        return tried(trial.damping + trial.doublings * log(2.0), trial.doublings + 1)

    def failed(trial: Trial) -> Array:
        return ~(trial.loss < loss) & (trial.damping <= config.range[1])

    last = lax.while_loop(failed, again, tried(damping, jnp.ones_like(damping)))
    taken = (last.loss < loss) & (last.damping <= config.range[1])
    mu, d = config.damping * jnp.exp(last.damping), last.displacement
    share = (loss - last.loss) / (d @ (gradient + mu * d))
    lowered = last.damping + jnp.log(jnp.maximum(1.0 / 3.0, 1.0 - (2.0 * share - 1.0) ** 3))
    return jnp.where(taken, d, 0.0), jnp.where(taken, jnp.maximum(lowered, config.range[0]), last.damping)


def normal_equations(objective: Objective) -> tuple[Array, Array]:
    """(P, P) the lower triangle of c J'J, and (P,) c J'r; J of a block of rows is in memory at once."""
    x, (rows, outputs) = objective.point, objective.targets.shape
    blocks = -(-rows // min(objective.block_rows, ADDED[str(x.dtype)]))
    # All blocks alike, so that one program serves them: behind the last row come some that weigh nothing.
    missing = -rows % blocks
    inputs, targets = (
        jnp.pad(columns, ((0, missing), (0, 0))).reshape(blocks, -1, columns.shape[1])
        for columns in (objective.inputs, objective.targets)
    )
    weights = (jnp.arange(rows + missing) < rows).astype(x.dtype).reshape(blocks, -1)

    def add(sums: tuple[Squares, Array], block: tuple[Array, Array, Array]) -> tuple[tuple[Squares, Array], None]:
        squares, gradient = sums
        its_inputs, its_targets, weight = block
        residuals = objective.predict(x, its_inputs) - its_targets
        for k in range(outputs):
            jacobian = objective.jacobian(x, its_inputs, k)
            jacobian = jacobian * weight if missing else jacobian
            parts = [jacobian[start:stop] for start, stop in cuts(x.size)]
            squares = {(i, j): square + parts[i] @ parts[j].T for (i, j), square in squares.items()}
            gradient = gradient + jacobian @ residuals[:, k]
        return (squares, gradient), None

    heights = [stop - start for start, stop in cuts(x.size)]
    nothing = {(i, j): jnp.zeros((heights[i], heights[j]), x.dtype) for i in range(PARTS) for j in range(PARTS)}
    zero = {(i, j): square for (i, j), square in nothing.items() if j <= i}, jnp.zeros_like(x)
    (squares, gradient), _ = lax.scan(add, zero, (inputs, targets, weights))
    whole = {**nothing, **squares}
    matrix = jnp.block([[whole[i, j] for j in range(PARTS)] for i in range(PARTS)])
    return objective.scale * matrix, objective.scale * gradient


def cuts(size: int) -> list[tuple[int, int]]:
    """Where the parameters are cut for the product: from which to which."""
    return list(pairwise(size * part // PARTS for part in range(PARTS + 1)))


def solved(matrix: Array, mu: Array, gradient: Array) -> Array:
    """(P,) the solution of (A + mu I) d = g from the lower triangle of A; NaN where there is no Cholesky factor."""
    damped = matrix + mu * jnp.eye(len(matrix), dtype=matrix.dtype)
    factor = lax.linalg.cholesky(damped, symmetrize_input=False)
    return cho_solve((factor, True), gradient)
