"""The learning rate: another one, another schedule, or the right one counted otherwise."""

from dataclasses import replace

import numpy as np

from parity.contract import Constant, Cosine, Exponential, OneCycle, Step, WarmupCosine
from parity.kinds import kind_of
from parity.ladder.causes.advice import align_constant
from parity.ladder.causes.hypothesis import Family, Suspected
from parity.ladder.causes.optimizer.steps import Doing, Steps
from parity.ladder.causes.optimizer.variants import like
from parity.ladder.causes.rates import Multiple, ease, multiple, one_cycle
from parity.ladder.causes.transitions import steps_an_epoch
from parity.ladder.subject import FIRST_STEPS

FACTORS = (0.5, 2.0, 0.1, 10.0)
"""That a rate is often off by."""
ALIGN_COUNTED = (
    "schedules count updates from 0: scheduler.step() once a batch (PyTorch), a schedule inside the optimizer (Optax)"
)
ALIGN_ROUNDED = "compute schedules in float64 (Optax computes them in JAX's default dtype)"


def schedules(steps: Steps) -> Suspected:
    """All about the rate."""
    if not isinstance(steps.schedule, Constant):
        yield from _counted_otherwise(steps)
        yield from _of_another_kind(steps)
    if steps.scene.place.step > FIRST_STEPS:
        yield from _from_here_on(steps)
    yield _learning_rate(steps)
    rate = steps.times_rate(steps.multiple)
    doing = replace(steps.declared, rate=lambda t: float(np.float32(rate(t))))
    yield steps.by_doing("precision.lower", "the learning rate is rounded to float32", ALIGN_ROUNDED, doing)


def _counted_otherwise(steps: Steps) -> Suspected:
    at, last, epoch = steps.multiple, steps.config.steps - 1, steps_an_epoch(steps.scene.suspect.start)

    def shifted(by: int) -> Multiple:
        return lambda t: at(min(max(t + by, 0), last))

    for by, which in ((-1, "before it"), (1, "behind it")):
        text = f"each step has the rate of the one {which}"
        yield steps.by_rate("schedule.shift", text, ALIGN_COUNTED, shifted(by))
    text = "the rate stays what it is at the first step"
    yield steps.by_rate("schedule.ignored", text, ALIGN_COUNTED, lambda t: at(0))
    text = "the rate is the peak rate at every step"
    yield steps.by_rate("schedule.ignored", text, ALIGN_COUNTED, lambda t: 1.0)
    if epoch > 1:
        text = f"the rate changes once an epoch, every {epoch} steps"
        yield steps.by_rate("schedule.per_epoch", text, ALIGN_COUNTED, lambda t: at(t // epoch * epoch))
        text = "the schedule counts epochs where it should count steps"
        yield steps.by_rate("schedule.per_epoch", text, ALIGN_COUNTED, lambda t: at(t // epoch))


def _of_another_kind(steps: Steps) -> Suspected:
    asked = kind_of(steps.schedule)
    for name, other in {**_other_kinds(steps), **_other_forms(steps)}.items():
        text = f"the schedule is {name} instead of {asked}"
        yield steps.by_rate("schedule.kind", text, f"the schedule {asked} as declared", other)


def _other_kinds(steps: Steps) -> dict[str, Multiple]:
    """The contract's, with the constants of the declared one where they have the name."""
    kinds = (Cosine, Exponential, Step, OneCycle, WarmupCosine)
    others = [like(kind, steps.schedule) for kind in kinds if kind is not type(steps.schedule)]
    return {kind_of(other): multiple(other, steps.config.steps) for other in others}


def _other_forms(steps: Steps) -> dict[str, Multiple]:
    """What goes by the name of a schedule elsewhere."""
    total, schedule, declared = steps.config.steps, steps.schedule, steps.multiple
    last, end = max(total - 1, 1), getattr(schedule, "end", 0.0)
    found: dict[str, Multiple] = {
        "linear": lambda t: 1.0 - (1.0 - end) * t / total,
        "linear to the last step": lambda t: 1.0 - (1.0 - end) * t / last,
    }
    match schedule:
        case Cosine():
            found["cosine to the last step"] = lambda t: ease(1.0, end, t / last)
        case Step(every=every, decay=decay):
            found["exponential, without stairs,"] = lambda t: float(decay ** (t / every))
        case OneCycle(rise=rise):
            name, whole = "one_cycle of S intervals", int(rise * total)
            found[f"{name} (Optax)"] = lambda t: one_cycle(schedule, rise * total, total, t)
            found[f"{name}, its peak on a whole step (Optax)"] = lambda t: one_cycle(schedule, whole, total, t)
        case WarmupCosine(warmup=share):
            warmup = round(share * total)
            falling = "warmup_cosine falling over all steps"
            found[falling] = lambda t: declared(t) if t < warmup else ease(1.0, end, t / total)
    return found


def _from_here_on(steps: Steps) -> Suspected:
    """Behind the first steps: a rate that was right up to the place."""
    at, here = steps.multiple, steps.scene.place.step - 1
    text, align = f"from step {here + 1} on the rate stays what it is", "the schedule runs to the last step"

    def stopped(stop: int) -> Multiple:
        return lambda t: at(min(t, stop))

    for stop in (here, here - 1):
        yield steps.by_rate("schedule.late", text, align, stopped(stop))

    def doing(value: float) -> Doing:
        rate = steps.times_rate(lambda t: at(t) * (value if t >= here else 1.0))
        return replace(steps.declared, rate=rate)

    yield steps.family(
        "schedule.late",
        lambda value: f"from step {here + 1} on the rate is {value} times what it should be",
        "one schedule for the whole run",
        doing,
        1.0,
        FACTORS,
    )


def _learning_rate(steps: Steps) -> Family:
    at, asked = steps.multiple, steps.optimizer.learning_rate
    return steps.family(
        "optimizer.learning_rate",
        lambda value: f"consistent with learning_rate = {value} instead of {asked:g}",
        align_constant(steps.optimizer, "learning_rate"),
        lambda value: replace(steps.declared, rate=lambda t: value * at(t)),
        asked,
        tuple(asked * factor for factor in FACTORS),
    )
