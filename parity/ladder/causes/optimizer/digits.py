"""Digits that are lost between steps: a state, or a part of it, that is kept in float32."""

from parity.contract import Arrays
from parity.ladder.causes.hypothesis import Suspected
from parity.ladder.causes.network import round_to_float32
from parity.ladder.causes.optimizer.steps import Steps
from parity.ladder.causes.transitions import COUNT, Transition

ALIGN = "float64 throughout a float64 run"


def digits(steps: Steps) -> Suspected:
    """What may be kept in float32."""
    for slot in steps.optimizer.slots:
        text = f"the slot {slot} is kept in float32"
        yield steps.by_rule("precision.lower", text, ALIGN, slot_rounded={slot: round_to_float32})
    if steps.dtype == "float64":
        text = "the parameters are rounded to float32 behind each step"
        yield steps.by_edit("precision.lower", text, ALIGN, lambda seen: _rounded(seen, seen.before.parameters))
        text = "the whole state is rounded to float32 behind each step"
        yield steps.by_edit("precision.lower", text, ALIGN, lambda seen: _rounded(seen, seen.healthy))


def _rounded(seen: Transition, names: Arrays) -> Arrays:
    return {name: round_to_float32(seen.healthy[name]) for name in names if name != COUNT}
