"""Optimizers with every constant explicit: Optax's own where they can be aligned, and five written here."""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from numpy.typing import NDArray

from jax_impl.lbfgs import lbfgs
from jax_impl.levenberg_marquardt import levenberg_marquardt
from jax_impl.schedules import learning_rates
from parity.contract import (
    LBFGS,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    LevenbergMarquardt,
    Lion,
    NAdam,
    RAdam,
    RMSprop,
    Solver,
    TrainingConfig,
)
from parity.contract import Optimizer as OptimizerConfig

Parameters = dict[str, Array]
Scalars = dict[str, NDArray[np.float64]]

# Optax's name of each slot of the contract.
SLOTS: dict[type, dict[str, str]] = {
    SGD: {"momentum": "trace"},
    Adam: {"first_moment": "mu", "second_moment": "nu"},
    AdamW: {"first_moment": "mu", "second_moment": "nu"},
    RMSprop: {"mean_square": "nu", "momentum": "trace"},
    Adagrad: {"sum_of_squares": "sum_of_squares"},
    NAdam: {"first_moment": "mu", "second_moment": "nu"},
    RAdam: {"first_moment": "mu", "second_moment": "nu"},
    Adamax: {"first_moment": "mu", "infinity_norm": "nu"},
    Adadelta: {"mean_square": "e_g", "mean_square_update": "e_x"},
    Lion: {"momentum": "mu"},
}


def slot_names(config: OptimizerConfig) -> dict[str, str]:
    """Optax's name of each slot of an optimizer; a solver's, which are written here, have the contract's."""
    return {slot: slot for slot in config.slots} if isinstance(config, Solver) else SLOTS[type(config)]


def sgd(config: SGD) -> optax.GradientTransformationExtraArgs:
    return optax.chain(
        optax.add_decayed_weights(config.weight_decay),
        optax.trace(config.momentum, config.nesterov) if config.momentum else optax.identity(),
        scale_by_rate(),
    )


def adam(config: Adam) -> optax.GradientTransformationExtraArgs:
    return optax.chain(scale_by_corrected_adam(config), scale_by_rate())


def adamw(config: AdamW) -> optax.GradientTransformationExtraArgs:
    return optax.chain(scale_by_corrected_adam(config), optax.add_decayed_weights(config.weight_decay), scale_by_rate())


def rmsprop(config: RMSprop) -> optax.GradientTransformationExtraArgs:
    return optax.chain(
        optax.scale_by_rms(config.decay, config.eps, initial_scale=0.0, eps_in_sqrt=False),
        optax.trace(config.momentum) if config.momentum else optax.identity(),
        scale_by_rate(),
    )


def adagrad(config: Adagrad) -> optax.GradientTransformationExtraArgs:
    return optax.chain(scale_by_root_of_sum(config), scale_by_rate())


def nadam(config: NAdam) -> optax.GradientTransformationExtraArgs:
    return scale_by_scheduled_nadam(config)


def radam(config: RAdam) -> optax.GradientTransformationExtraArgs:
    return scale_by_rectified_adam(config)


def adamax(config: Adamax) -> optax.GradientTransformationExtraArgs:
    return optax.chain(scale_by_corrected_adamax(config), scale_by_rate())


def adadelta(config: Adadelta) -> optax.GradientTransformationExtraArgs:
    return optax.chain(optax.scale_by_adadelta(config.decay, config.eps), scale_by_rate())


def lion(config: Lion) -> optax.GradientTransformationExtraArgs:
    return optax.chain(
        optax.scale_by_lion(config.b1, config.b2), optax.add_decayed_weights(config.weight_decay), scale_by_rate()
    )


class Moments(NamedTuple):
    mu: Parameters
    nu: Parameters


class SumOfSquares(NamedTuple):
    sum_of_squares: Parameters


def scale_by_rate() -> optax.GradientTransformationExtraArgs:
    """Optax's own reads the rate from a schedule inside the program; ours comes from outside, in float64."""

    def update(g: Parameters, state: optax.EmptyState, p: Parameters, *, scalars: dict[str, Array]) -> tuple:
        return jax.tree.map(lambda u: -scalars["learning_rate"] * u, g), state

    return optax.GradientTransformationExtraArgs(optax.init_empty_state, update)


def scale_by_corrected_adam(config: Adam | AdamW) -> optax.GradientTransformationExtraArgs:
    """optax.scale_by_adam computes 1 - b^t in float32, 1e-5 off and more; here it comes from outside, in float64."""

    def direction(m: Array, v: Array, g: Array, scalars: dict[str, Array]) -> Array:
        return m / scalars["correction"] / (jnp.sqrt(v) / scalars["root_correction"] + config.eps)

    return scale_by_moments(config, direction)


def scale_by_scheduled_nadam(config: NAdam) -> optax.GradientTransformationExtraArgs:
    """optax.nadam has a constant mu; this has the schedule of the paper, as PyTorch does. The rates are in the scalars."""

    def direction(m: Array, v: Array, g: Array, scalars: dict[str, Array]) -> Array:
        root = jnp.sqrt(v) / scalars["root_correction"] + config.eps
        return -(scalars["gradient_rate"] * g + scalars["momentum_rate"] * m) / root

    return scale_by_moments(config, direction)


def scale_by_rectified_adam(config: RAdam) -> optax.GradientTransformationExtraArgs:
    """optax.radam adds eps to the corrected moment and computes in float32. The rates are in the scalars."""

    def direction(m: Array, v: Array, g: Array, scalars: dict[str, Array]) -> Array:
        return -m * (scalars["adaptive_rate"] / (jnp.sqrt(v) + config.eps) + scalars["plain_rate"])

    return scale_by_moments(config, direction)


def scale_by_moments(config: OptimizerConfig, direction: Callable) -> optax.GradientTransformationExtraArgs:
    def init(p: Parameters) -> Moments:
        return Moments(optax.tree.zeros_like(p), optax.tree.zeros_like(p))

    def update(g: Parameters, state: Moments, p: Parameters, *, scalars: dict[str, Array]) -> tuple:
        m = jax.tree.map(lambda m, g: config.b1 * m + (1.0 - config.b1) * g, state.mu, g)
        v = jax.tree.map(lambda v, g: config.b2 * v + (1.0 - config.b2) * g * g, state.nu, g)
        return jax.tree.map(lambda m, v, g: direction(m, v, g, scalars), m, v, g), Moments(m, v)

    return optax.GradientTransformationExtraArgs(init, update)


def scale_by_corrected_adamax(config: Adamax) -> optax.GradientTransformationExtraArgs:
    """optax.scale_by_adamax computes 1 - b1^t in float32."""

    def init(p: Parameters) -> Moments:
        return Moments(optax.tree.zeros_like(p), optax.tree.zeros_like(p))

    def update(g: Parameters, state: Moments, p: Parameters, *, scalars: dict[str, Array]) -> tuple:
        m = jax.tree.map(lambda m, g: config.b1 * m + (1.0 - config.b1) * g, state.mu, g)
        u = jax.tree.map(lambda u, g: jnp.maximum(config.b2 * u, jnp.abs(g) + config.eps), state.nu, g)
        return jax.tree.map(lambda m, u: m / (scalars["correction"] * u), m, u), Moments(m, u)

    return optax.GradientTransformationExtraArgs(init, update)


def scale_by_root_of_sum(config: Adagrad) -> optax.GradientTransformationExtraArgs:
    """optax.scale_by_rss adds eps inside the root, PyTorch outside: no setting aligns them."""

    def init(p: Parameters) -> SumOfSquares:
        return SumOfSquares(optax.tree.zeros_like(p))

    def update(g: Parameters, state: SumOfSquares, p: Parameters, *, scalars: dict[str, Array]) -> tuple:
        s = jax.tree.map(lambda s, g: s + g * g, state.sum_of_squares, g)
        return jax.tree.map(lambda g, s: g / (jnp.sqrt(s) + config.eps), g, s), SumOfSquares(s)

    return optax.GradientTransformationExtraArgs(init, update)


OPTIMIZERS = {
    SGD: sgd,
    Adam: adam,
    AdamW: adamw,
    RMSprop: rmsprop,
    Adagrad: adagrad,
    NAdam: nadam,
    RAdam: radam,
    Adamax: adamax,
    Adadelta: adadelta,
    Lion: lion,
    LevenbergMarquardt: levenberg_marquardt,
    LBFGS: lbfgs,
}


def build_optimizer(config: OptimizerConfig) -> optax.GradientTransformationExtraArgs:
    return OPTIMIZERS[type(config)](config)


def adam_scalars(config: Adam | AdamW | Adamax, learning_rate: NDArray[np.float64], t: NDArray[np.float64]) -> Scalars:
    return {"correction": 1.0 - config.b1**t, "root_correction": np.sqrt(1.0 - config.b2**t)}


def nadam_scalars(config: NAdam, learning_rate: NDArray[np.float64], t: NDArray[np.float64]) -> Scalars:
    mu, mu_next = (config.b1 * (1.0 - 0.5 * 0.96 ** (u * config.momentum_decay)) for u in (t, t + 1.0))
    product = np.cumprod(mu)
    return {
        "gradient_rate": learning_rate * (1.0 - mu) / (1.0 - product),
        "momentum_rate": learning_rate * mu_next / (1.0 - product * mu_next),
        "root_correction": np.sqrt(1.0 - config.b2**t),
    }


def radam_scalars(config: RAdam, learning_rate: NDArray[np.float64], t: NDArray[np.float64]) -> Scalars:
    # Python's power, as in PyTorch: rho loses most of its digits, and of an ulp in NumPy's power it makes 1e-12.
    decayed = np.array([config.b2**u for u in t.tolist()])
    correction = 1.0 - decayed
    rho_end = 2.0 / (1.0 - config.b2) - 1.0
    rho = rho_end - 2.0 * t * decayed / correction
    rectified = rho > 5.0
    step_size = learning_rate / (1.0 - config.b1**t)
    # Elsewhere the square may be negative, and with b2 = 0.6 its divisor is 0.
    r, square = rho[rectified], np.zeros_like(rho)
    square[rectified] = (r - 4.0) * (r - 2.0) * rho_end / ((rho_end - 4.0) * (rho_end - 2.0) * r)
    return {
        "adaptive_rate": step_size * np.sqrt(square * correction),
        "plain_rate": np.where(rectified, 0.0, step_size),
    }


SCALARS = {
    Adam: adam_scalars,
    AdamW: adam_scalars,
    NAdam: nadam_scalars,
    RAdam: radam_scalars,
    Adamax: adam_scalars,
}


def step_scalars(config: TrainingConfig, first: int, steps: int) -> Scalars:
    """By name (steps,): what the update needs at each step from step `first` on, computed once in float64."""
    # Behind the end of the run in whole powers of 2, so that a step at a time does not compute all of them anew.
    total = config.steps if first + steps <= config.steps else 2 ** (first + steps - 1).bit_length()
    return {name: values[first : first + steps] for name, values in run_scalars(config, total).items()}


@lru_cache(maxsize=8)
def run_scalars(config: TrainingConfig, steps: int) -> Scalars:
    learning_rate, t = learning_rates(config, 0, steps), np.arange(1.0, steps + 1.0)
    scalars = SCALARS.get(type(config.optimizer))
    return {"learning_rate": learning_rate, **(scalars(config.optimizer, learning_rate, t) if scalars else {})}


def clip_by_global_norm(gradients: Parameters, largest: float | None) -> Parameters:
    if largest is None:
        return gradients
    # optax.clip_by_global_norm scales by largest/norm; PyTorch adds 1e-6 to the norm, and this is its form.
    scale = jnp.minimum(1.0, largest / (optax.tree.norm(gradients) + 1e-6))
    return jax.tree.map(lambda g: g * scale, gradients)
