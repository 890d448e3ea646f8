"""Faults in the learning rate over the steps."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.faults.copies import Twin, around
from benchmarks.faults.experiments import EPOCH, across
from benchmarks.faults.fault import fault
from parity.contract import Cosine, Exponential, OneCycle, Step, WarmupCosine

FALLING = across(schedule=Cosine())
STAIRS = across(schedule=Step(every=25, decay=0.5))


def rates(twin: Twin, change: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> None:
    """Change the learning rates of a run, given from its first step to its last."""
    around(twin.optimizers, "learning_rates", lambda original, *args: change(original(*args)))


@fault("step", "schedule.shift", across(schedule=Exponential(0.98)))
def schedule_a_step_behind(twin: Twin) -> None:
    """Every step has the rate of the one before it."""
    rates(twin, lambda rates: np.concatenate([rates[:1], rates[:-1]]))


@fault("step", "schedule.shift", FALLING)
def schedule_a_step_ahead(twin: Twin) -> None:
    """Every step has the rate of the one behind it: steps counted from 1 where the schedule counts from 0."""
    rates(twin, lambda rates: np.concatenate([rates[1:], rates[-1:]]))


@fault("trajectory", ("schedule.shift", "schedule.late"), STAIRS)
def stairs_a_step_late(twin: Twin) -> None:
    """The rate drops one step late."""
    rates(twin, lambda rates: np.concatenate([rates[:1], rates[:-1]]))


@fault("step", "schedule.per_epoch", FALLING)
def schedule_per_epoch(twin: Twin) -> None:
    """The rate changes once an epoch, as where scheduler.step() stands in the outer loop."""
    rates(twin, lambda rates: rates[np.arange(len(rates)) // EPOCH * EPOCH])


@fault("step", ("schedule.ignored", "schedule.per_epoch"), FALLING)
def schedule_ignored(twin: Twin) -> None:
    """The rate stays what it was at the first step."""
    rates(twin, lambda rates: np.full_like(rates, rates[0]))


@fault("step", ("schedule.ignored", "schedule.kind"), across(schedule=WarmupCosine(start=0.1)))
def warmup_missing(twin: Twin) -> None:
    """The rate falls from the start, without a warm-up."""
    cosine = twin.schedules.cosine
    twin.schedules.SCHEDULES[WarmupCosine] = cosine


@fault("step", "schedule.kind", FALLING)
def linear_for_cosine(twin: Twin) -> None:
    """The rate falls along a line where a cosine was asked for."""
    twin.schedules.SCHEDULES[Cosine] = lambda config, t, steps: 1.0 - (1.0 - config.end) * t / steps


@fault("step", "schedule.kind", STAIRS)
def slope_for_stairs(twin: Twin) -> None:
    """The rate falls at every step, and not in stairs."""
    twin.schedules.SCHEDULES[Step] = lambda config, t, steps: config.decay ** (t / config.every)


@fault("step", "schedule.kind", across(schedule=OneCycle()))
def one_cycle_of_optax(twin: Twin) -> None:
    """The cycle has S intervals with its peak on a step, as Optax has it, and not S - 1."""

    def one_cycle(config, t, steps):
        peak, between = config.rise * steps, twin.schedules.cosine_between
        falling = between(1.0, 1.0 / config.div / config.final_div, (t - peak) / (steps - peak))
        return torch.where(t < peak, between(1.0 / config.div, 1.0, t / peak), falling)

    twin.schedules.SCHEDULES[OneCycle] = one_cycle


@fault("trajectory", "schedule.late", FALLING)
def rate_off_from_step_51(twin: Twin) -> None:
    """From step 51 on the rate is 10 % too high."""
    rates(twin, lambda rates: rates * np.where(np.arange(len(rates)) < 50, 1.0, 1.1))


@fault("trajectory", "schedule.late", across(schedule=Exponential(0.99)))
def schedule_stops_falling(twin: Twin) -> None:
    """From step 41 on the rate stays what it is."""
    rates(twin, lambda rates: np.maximum(rates, rates[40]))


@fault("step", ("precision.lower", "dtype.rounded"), FALLING)
def schedule_in_float32(twin: Twin) -> None:
    """The rates are computed in float32 in a float64 run, as Optax's schedules are."""
    rates(twin, lambda rates: rates.astype(np.float32).astype(np.float64))
