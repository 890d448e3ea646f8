"""The learning rate of each step, computed once in float64 before training.

PyTorch's own schedulers change a mutable optimizer one call at a time; these are their closed forms over all steps at once.
"""

from math import pi

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from parity.contract import Constant, Cosine, Exponential, OneCycle, Step, TrainingConfig, WarmupCosine


def constant(config: Constant, t: Tensor, steps: int) -> Tensor:
    return torch.ones_like(t)


def cosine(config: Cosine, t: Tensor, steps: int) -> Tensor:
    return cosine_between(1.0, config.end, t / steps)


def exponential(config: Exponential, t: Tensor, steps: int) -> Tensor:
    return config.decay**t


def step(config: Step, t: Tensor, steps: int) -> Tensor:
    return config.decay ** torch.floor(t / config.every)


def one_cycle(config: OneCycle, t: Tensor, steps: int) -> Tensor:
    first, peak, last = 1.0 / config.div, config.rise * steps - 1.0, steps - 1.0
    # In a short run the peak may lie in front of step 0: the rate then falls from there, as PyTorch's does.
    rising = cosine_between(first, 1.0, t / max(peak, 1.0))
    falling = cosine_between(1.0, first / config.final_div, (t - peak) / (last - peak))
    return torch.where(t < peak, rising, falling)


def warmup_cosine(config: WarmupCosine, t: Tensor, steps: int) -> Tensor:
    warmup = round(config.warmup * steps)
    rising = config.start + (1.0 - config.start) * t / max(warmup, 1)
    falling = cosine_between(1.0, config.end, (t - warmup) / max(steps - warmup, 1))
    return torch.where(t < warmup, rising, falling)


def cosine_between(start: float, end: float, share: Tensor) -> Tensor:
    return end + (start - end) * 0.5 * (1.0 + torch.cos(pi * share))


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
    t = torch.arange(first, first + steps, dtype=torch.float64).clamp(max=config.steps - 1)
    multiple = SCHEDULES[type(config.schedule)](config.schedule, t, config.steps)
    return config.optimizer.learning_rate * multiple.numpy()
