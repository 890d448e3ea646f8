"""What a run forgets between its steps: slots, statistics, parameters, the count of steps, the rate."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from parity.contract import Arrays, Solver, State
from parity.ladder.causes.hypothesis import Family, Suspected
from parity.ladder.causes.loop.walk import Altered, Loop
from parity.ladder.causes.transitions import steps_an_epoch

STEPS = 24
"""Steps in front of which something may have been forgotten, where a checkpoint alone tells of it."""
ALIGN_STATE = "one optimizer and one state for the whole run, carried from step to step"


def resets(loop: Loop) -> Suspected:
    """What may start anew in front of a step."""
    first, epoch = loop.given.state, steps_an_epoch(loop.suspect.start)
    for step in _when(loop):
        if first.optimizer:
            text = f"the optimizer's slots are set to zero in front of step {step + 1}"
            yield loop.so("state.reset", text, ALIGN_STATE, _at(loop, step, _without_slots))
        if first.buffers:
            text = f"the running statistics start anew in front of step {step + 1}"
            anew = _at(loop, step, lambda state: replace(state, buffers=first.buffers))
            yield loop.so("state.reset", text, ALIGN_STATE, anew)
        text = f"the parameters start anew in front of step {step + 1}"
        anew = _at(loop, step, lambda state: replace(state, parameters=first.parameters))
        yield loop.so("state.reset", text, ALIGN_STATE, anew)
        if hasattr(loop.trainer.config.optimizer, "b1"):
            text = f"the optimizer counts its steps anew from step {step + 1} on"
            yield loop.so("state.reset", text, ALIGN_STATE, _counted_from(loop, step))
    if first.optimizer and epoch > 1:
        text = "the optimizer's slots are set to zero in front of every epoch"
        anew = _where(loop, lambda t: t > 0 and t % epoch == 0, _without_slots)
        yield loop.so("state.reset", text, ALIGN_STATE, anew)


def rates(loop: Loop) -> Suspected:
    """Another rate from the first step on in which a change would show; a solver has none."""
    if isinstance(loop.trainer.config.optimizer, Solver):
        return
    for begin in _when(loop)[:1]:
        yield _rate_from(loop, begin)


def _rate_from(loop: Loop, begin: int) -> Family:
    def expected(value: float) -> Arrays:
        factor = _from_on(begin, value)
        return loop.walk(Altered(loop.given.batch, count=lambda t: t, factor=factor), loop.first)

    return Family(
        "schedule.late",
        lambda value: f"from step {begin + 1} on the rate of the run is {value} times that of its steps",
        "one schedule for the whole run",
        expected,
        1.0,
        (0.5, 2.0, 0.1, 10.0),
    )


def _from_on(begin: int, value: float) -> Callable[[int], float]:
    return lambda t: value if t >= begin else 1.0


def _when(loop: Loop) -> list[int]:
    """Steps in which a change of the state would first show where the difference first shows."""
    if loop.is_loss:
        return [max(loop.here - 1, 0)]
    return list(range(loop.first, min(loop.here, loop.first + STEPS)))[::-1]


def _at(loop: Loop, step: int, anew: Callable[[State], State]) -> Altered:
    return _where(loop, lambda t: t == step, anew)


def _where(loop: Loop, when: Callable[[int], bool], anew: Callable[[State], State]) -> Altered:
    return Altered(loop.given.batch, lambda t, state: anew(state) if when(t) else state)


def _counted_from(loop: Loop, step: int) -> Altered:
    return Altered(loop.given.batch, count=lambda t: t - step if t >= step else t)


def _without_slots(state: State) -> State:
    zeros = {slot: {n: np.zeros_like(a) for n, a in arrays.items()} for slot, arrays in state.optimizer.items()}
    return replace(state, optimizer=zeros)
