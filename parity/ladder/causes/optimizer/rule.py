"""The formula of the update: its bias corrections, the place of eps, or another rule altogether."""

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np

from parity.contract import Adam, AdamW, NAdam, RAdam
from parity.kinds import kind_of
from parity.ladder.causes.advice import align_eps
from parity.ladder.causes.hypothesis import Suspected
from parity.ladder.causes.optimizer.steps import Steps
from parity.ladder.causes.optimizer.variants import like
from parity.ladder.causes.update import ROOTS, UPDATES, EpsPlace, Rule

Correction = Callable[[float, int], float]
"""What a moment is divided by, from its decay and the step, counted from 1."""

KINDS_CORRECTED = tuple(kind for kind in UPDATES if {"b1", "b2", "eps"} <= {field.name for field in fields(kind)})
CORRECTIONS: dict[str, Correction] = {
    "moments are not corrected for their start at zero": lambda b, t: 1.0,
    "moments are corrected as if a step more had been done": lambda b, t: 1.0 - b ** (t + 1),
    "moments are corrected as if a step less had been done": lambda b, t: 1.0 - b ** max(t - 1, 1),
    "moments are corrected in every step as in the first": lambda b, t: 1.0 - b,
}
EPS_PLACES: dict[EpsPlace, str] = {
    "outside": "eps is added outside the root, after the bias correction",
    "before": "eps is added to the root of the uncorrected moment",
    "inside": "eps is added inside the root",
    "inside before": "eps is added inside the root, before the bias correction",
    "nowhere": "eps is not added",
}
ALIGN_CORRECTED = "moments divided by 1 - b^t, t counted from 1 (torch and Optax alike)"
ALIGN_CORRECTION_ROUNDED = (
    "compute 1 - b^t in float64, outside: optax.adam computes it in float32, 1e-5 off; torch in double"
)
ALIGN_AMSGRAD = "amsgrad=False; torch takes the largest raw moment, Optax the largest corrected one"


def bias_corrections(steps: Steps) -> Suspected:
    """How moments are corrected for their start at zero."""
    if not isinstance(steps.optimizer, KINDS_CORRECTED):
        return
    code = "optimizer.bias_correction"
    for text, corrected in CORRECTIONS.items():
        yield steps.by_rule(code, text, ALIGN_CORRECTED, corrected=corrected)
    for which, name in (("first", "b1"), ("second", "b2")):
        text = f"the {which} moment is not corrected for its start at zero"
        corrected = _all_but(getattr(steps.optimizer, name))
        yield steps.by_rule(code, text, ALIGN_CORRECTED, corrected=corrected)
    if steps.dtype == "float32":
        text = "the bias corrections are computed in float32"
        yield steps.by_rule(code, text, ALIGN_CORRECTION_ROUNDED, corrected=_in_float32)


def _all_but(left_out: float) -> Correction:
    return lambda b, t: 1.0 if b == left_out else 1.0 - b**t


def _in_float32(b: float, t: int) -> float:
    return float(np.float32(1.0) - np.float32(b) ** np.float32(t))


def eps_places(steps: Steps) -> Suspected:
    """Where eps is added."""
    if not hasattr(steps.optimizer, "eps"):
        return
    for place in ROOTS:
        if place != steps.declared.rule.eps_place:
            align = align_eps(steps.optimizer)
            yield steps.by_rule("optimizer.eps_place", EPS_PLACES[place], align, eps_place=place)


def kinds(steps: Steps) -> Suspected:
    """Another optimizer, with the constants of the declared one where it has them."""
    optimizer, asked = steps.optimizer, kind_of(steps.optimizer)
    align = f"the optimizer {asked} as declared"
    if isinstance(optimizer, Adam | AdamW | NAdam | RAdam):
        for largest, how in (("raw", "the second moment"), ("corrected", "the corrected second moment")):
            text = f"{how} is the largest so far (AMSGrad)"
            yield steps.by_rule("optimizer.amsgrad", text, ALIGN_AMSGRAD, largest=largest)
        text = "the second moment is never below the squared gradient, as in Adamax"
        yield steps.by_rule("optimizer.kind", text, align, largest="squared gradient")
    for kind in UPDATES:
        if kind is type(optimizer):
            continue
        for other in (like(kind, optimizer), like(kind, optimizer, weight_decay=0.0)):
            if len(other.slots) == len(optimizer.slots):
                text = f"the optimizer is {kind_of(other)} instead of {asked}"
                doing = replace(steps.declared, rule=Rule.of(other))
                yield steps.by_doing("optimizer.kind", text, align, doing)
