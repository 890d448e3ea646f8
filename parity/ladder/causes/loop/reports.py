"""What a run reports: losses of other steps or averaged, checkpoints of other states, digits that are lost on the way."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from parity.contract import Arrays, State
from parity.ladder.causes.hypothesis import Family, Floats, Hypothesis, Suspected
from parity.ladder.causes.loop.walk import Loop
from parity.ladder.causes.network import round_to_float32

Losses = Mapping[int, float]
"""By step, counted from 0."""

ALIGN_LOSS = "the loss of each step is that of its batch before the update, at its own place"
ALIGN_KEPT = "a checkpoint holds the state behind its step"
ALIGN_DIGITS = "float64 throughout a float64 run"


def reports(loop: Loop) -> Suspected:
    """The losses, then the checkpoints, of a run that does the right steps."""
    yield from _losses(loop)
    yield from _checkpoints(loop)
    for text, names in (
        ("the parameters of the run are kept in float32", {*loop.given.state.parameters}),
        (
            "the parameters and buffers of the run are kept in float32",
            {*loop.given.state.parameters, *loop.given.state.buffers},
        ),
    ):
        yield Hypothesis("precision.lower", text, ALIGN_DIGITS, partial(_rounded, loop, names))


def _losses(loop: Loop) -> Suspected:
    own = np.array([loop.own[f"loss {step}"] for step in range(loop.last)])

    def at(step: int) -> float:
        return float(own[min(max(step, 0), loop.last - 1)])

    def told(code: str, text: str, losses: Callable[[], Losses], align: str = ALIGN_LOSS) -> Hypothesis:
        return Hypothesis(code, text, align, lambda: _edited(loop, losses()))

    def shifted(by: int) -> Losses:
        return {t: at(t + by) for t in loop.steps}

    def averaged() -> Losses:
        return {t: float(np.mean(own[: t + 1])) for t in loop.steps}

    def running(decay: float) -> Arrays:
        return _edited(loop, dict(enumerate(_running(own, decay))))

    def rounded() -> Losses:
        return {t: float(np.float32(at(t))) for t in loop.steps}

    text = "the loss of each batch is told behind its update"
    yield told("report.loss_late", text, partial(_losses_behind, loop))
    for by, which in ((-1, "before"), (1, "behind")):
        text = f"the losses are shifted: each is that of the step {which}"
        yield told("report.shifted", text, partial(shifted, by))
    yield told("report.smoothed", "the losses are means over all steps so far", averaged)
    yield Family(
        "report.smoothed",
        lambda value: f"the losses are running means with a decay of {value}",
        ALIGN_LOSS,
        running,
        0.0,
        (0.9, 0.99, 0.98, 0.5),
    )
    yield told("precision.lower", "the losses of the run are kept in float32", rounded, ALIGN_DIGITS)


def _losses_behind(loop: Loop) -> Losses:
    found = {}
    for step in loop.steps:
        loop.trainer.set_state(loop.states[step + 1])
        found[step] = loop.trainer.loss_and_grads(loop.given.batch(step))[0]
    return found


def _edited(loop: Loop, losses: Losses) -> Arrays:
    """The steps' own window with other losses."""
    return {**loop.window(loop.own), **{f"loss {t}": np.array(losses[t]) for t in loop.steps}}


def _running(losses: Floats, decay: float) -> list[float]:
    """Exponentially weighted means, from the first."""
    found = [float(losses[0])]
    for loss in losses[1:]:
        found.append(decay * found[-1] + (1 - decay) * float(loss))
    return found


PARTS: dict[str, Callable[[State], Arrays]] = {
    "parameters": lambda state: state.parameters,
    "buffers": lambda state: state.buffers,
    "both": lambda state: {**state.parameters, **state.buffers},
}
"""Of a checkpoint, what may be wrong in it."""


def _checkpoints(loop: Loop) -> Suspected:
    def neighbour(step: int, places: int) -> int:
        place = loop.at.index(step) + places
        return loop.at[min(max(place, 0), len(loop.at) - 1)]

    kept: dict[str, Callable[[int], int]] = {
        "a checkpoint holds the state in front of its step": lambda step: step - 1,
        "a checkpoint holds the state a step behind its own": lambda step: step + 1,
        "each checkpoint holds what belongs to the one before": lambda step: neighbour(step, -1),
        "each checkpoint holds what belongs to the one behind": lambda step: neighbour(step, 1),
    }
    for text, of in kept.items():
        for part in PARTS.values():
            yield Hypothesis("report.checkpoint", text, ALIGN_KEPT, partial(_kept_of, loop, of, part))


def _kept_of(loop: Loop, of: Callable[[int], int], part: Callable[[State], Arrays]) -> Arrays:
    """Checkpoints that hold, in a part, the state of another step."""
    found = dict(loop.window(loop.own))
    for step in loop.checkpoints:
        state = loop.states.get(max(of(step), 0))
        if state is not None:
            found |= {f"{step} {name}": array for name, array in part(state).items()}
    return found


def _rounded(loop: Loop, names: set[str]) -> Arrays:
    own = loop.window(loop.own)
    return {n: round_to_float32(a.astype(np.float64)) if n.split()[-1] in names else a for n, a in own.items()}
