"""The learning rate of each step, computed once in float64 before training.

Optax's own schedules, where they are the contract's; evaluated inside a float32 program they would be rounded at each step.
"""

from math import pi

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from numpy.typing import NDArray

from parity.contract import Constant, Cosine, Exponential, OneCycle, Step, TrainingConfig, WarmupCosine


def constant(config: Constant, t: Array, steps: int) -> Array:
    return jnp.ones_like(t)


def cosine(config: Cosine, t: Array, steps: int) -> Array:
    return optax.cosine_decay_schedule(1.0, decay_steps=steps, alpha=config.end)(t)


def exponential(config: Exponential, t: Array, steps: int) -> Array:
    return optax.exponential_decay(1.0, transition_steps=1, decay_rate=config.decay)(t)


def step(config: Step, t: Array, steps: int) -> Array:
    return optax.exponential_decay(1.0, transition_steps=config.every, decay_rate=config.decay, staircase=True)(t)


def one_cycle(config: OneCycle, t: Array, steps: int) -> Array:
    # Optax's one-cycle has S intervals and a peak on a whole step; PyTorch's has S - 1 and one between steps.
    first, peak, last = 1.0 / config.div, config.rise * steps - 1.0, steps - 1.0
    # In a short run the peak may lie in front of step 0: the rate then falls from there, as PyTorch's does.
    rising = cosine_between(first, 1.0, t / max(peak, 1.0))
    falling = cosine_between(1.0, first / config.final_div, (t - peak) / (last - peak))
    return jnp.where(t < peak, rising, falling)


def warmup_cosine(config: WarmupCosine, t: Array, steps: int) -> Array:
    warmup = round(config.warmup * steps)
    rising = optax.linear_schedule(config.start, 1.0, transition_steps=max(warmup, 1))(t)
    falling = optax.cosine_decay_schedule(1.0, decay_steps=max(steps - warmup, 1), alpha=config.end)(t - warmup)
    return jnp.where(t < warmup, rising, falling)


def cosine_between(start: float, end: float, share: Array) -> Array:
    return end + (start - end) * 0.5 * (1.0 + jnp.cos(pi * share))


SCHEDULES = {
    Constant: constant,
    Cosine: cosine,
    Exponential: exponential,
    Step: step,
    OneCycle: one_cycle,
    WarmupCosine: warmup_cosine,
}


def learning_rates(config: TrainingConfig, first: int, steps: int) -> NDArray[np.float64]:
    """(steps,) learning rates from step `first` on, in float64; behind the last step the rate stays where it was."""
    with jax.enable_x64(True):
        t = jnp.arange(first, first + steps, dtype=jnp.float64).clip(max=config.steps - 1)
        multiple = SCHEDULES[type(config.schedule)](config.schedule, t, config.steps)
        return config.optimizer.learning_rate * np.asarray(multiple)
