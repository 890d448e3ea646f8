"""The ways a training is carried out; all compute the same."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from jax import Array

from jax_impl import flat, idiomatic
from jax_impl.program import DeviceBatch, Program, Record, TrainState
from parity.contract import InputError, Solver, TrainingConfig


def step(
    program: Program, state: TrainState, batch: DeviceBatch, scalars: Mapping[str, Array]
) -> tuple[TrainState, Array]:
    return program.step(state, batch, scalars)


class Mode(NamedTuple):
    fit: Callable[..., tuple[TrainState, Record]]  # of program, state, feed, scalars, watch
    step: Callable[..., tuple[TrainState, Array]]  # of program, state, batch, scalars
    stack: int  # How many numbers a stack of replicas holds at most; benchmarks/replica_cost.py shows what it costs.
    devices: tuple[str, ...] = ("cpu", "cuda")
    solves: bool = True  # It runs solvers too, and not first-order optimizers alone.


MODES = {
    "scan": Mode(Program.fit_in_one_scan, step, stack=2**18),
    "step": Mode(Program.fit_by_steps, step, stack=0),
    "idiomatic": Mode(idiomatic.fit, idiomatic.step, stack=0),
    "flat": Mode(flat.fit, flat.step, stack=2**18, solves=False),
}


def check_mode(config: TrainingConfig, mode: str, device: str) -> None:
    """Raise InputError where a mode can't run a config, or not on this device."""
    can = MODES[mode]
    if isinstance(config.optimizer, Solver) and not can.solves:
        others = ", ".join(name for name in MODES if MODES[name].solves)
        raise InputError(
            f"The mode {mode!r} of jax can't run {type(config.optimizer).__name__}: it keeps what an optimizer knows in one "
            f"vector, and runs those alone whose step is a function of the gradient. Use one of {others}."
        )
    if device not in can.devices:
        others = ", ".join(name for name in MODES if device in MODES[name].devices)
        raise InputError(
            f"The mode {mode!r} of jax runs on {', '.join(can.devices)}, not on {device}. Use one of {others}."
        )
