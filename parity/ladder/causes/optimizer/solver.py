"""A solver told something else: its constants, how its loss is reduced, a state that stays or starts anew, another length.

What it does is no function of the gradient, so its steps are not restated here: the healthy side takes the step of the place.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from operator import methodcaller

import numpy as np

from parity.contract import LBFGS, Arrays, LevenbergMarquardt, State, TrainingConfig, zero_state
from parity.ladder.causes.advice import align_constant
from parity.ladder.causes.hypothesis import Evidence, Family, Hypothesis, Judged, Suspected, difference, judged, number
from parity.ladder.causes.optimizer.variants import with_constants
from parity.ladder.causes.scene import Scene
from parity.ladder.causes.tensors import groups
from parity.ladder.subject import trainer_of
from parity.ladder.view import View

KNOWN: dict[type, dict[str, tuple[float, ...]]] = {
    LevenbergMarquardt: {"damping": (1e-2, 1e-3, 1e-4, 0.1, 1.0), "highest": (1e8, 1e10, 1e12)},
    LBFGS: {"memory": (5, 10, 1, 7, 20), "c1": (1e-4, 1e-3, 0.1), "c2": (0.9, 0.1, 0.5), "most_trials": (25, 10, 20)},
}
"""Values that these constants are often given."""
LONGER = 16.0
"""How many times as long a step may be for its length to be told."""
ALIGN_FROZEN = "keep what the step returns, of the parameters and of what it carries on"
ALIGN_RESET = "one solver and one state for the whole run, carried from step to step"
ALIGN_REDUCTION = "c = 1 / (B K) for a mean, 1 for a sum, in the loss, in J'J and in J'r alike"
ALIGN_LENGTH = "the length of a step as the contract finds it, from 1 on; g = c J'r is half the gradient of the loss"
ALIGN_CARRIED = (
    "what a step leaves to the next as parity.contract.optimizers has it: the rule of the damping, or the pairs"
)
ALIGN_DIRECTION = (
    "the system of parity.contract.optimizers: (A + mu I) d = g over all rows and outputs, or the two-loop recursion"
)


def solver_causes(scene: Scene) -> list[Judged]:
    """What would make the suspect's step of the healthy side's; where nothing does, that it goes another way."""
    solving = Solving(scene)
    found = judged(_hypotheses(solving), solving.evidence)
    # What is carried on follows from where the step went, and says nothing of its length.
    of_length = judged([_length(solving)], solving.of_parameters)
    # With any length most of a step is explained, so that next to nothing is not enough.
    found += [each for each in of_length if each.rest.level == 0]
    return found or judged([_another_way(solving)], solving.evidence)


@dataclass(frozen=True)
class Solving:
    """The step of the place."""

    scene: Scene

    @property
    def config(self) -> TrainingConfig:
        """What both sides were asked to train."""
        return self.scene.config

    @property
    def before(self) -> State:
        """The state in front of it."""
        return self.view.given.state

    @property
    def view(self) -> View:
        """The healthy side's."""
        return self.scene.views[1]

    @cached_property
    def evidence(self) -> Evidence:
        """The state behind it."""
        return self.scene.evidence(methodcaller("behind", 0))

    @property
    def of_parameters(self) -> Evidence:
        """The parameters alone; a step that is longer has as much more of the rounding of the one it is computed from."""
        evidence = self.evidence.of(self.before.parameters)
        return replace(evidence, allowed={name: LONGER * size for name, size in evidence.allowed.items()})

    def told(self, config: TrainingConfig, before: State) -> Arrays:
        """What the healthy side makes of it where it is told another config, or put at another state."""
        healthy = self.scene.healthy
        trainer = trainer_of(healthy.backend, healthy.contender, config)
        empty = zero_state(config, healthy.contender.dtype).optimizer
        trainer.set_state(replace(before, optimizer={slot: before.optimizer.get(slot, empty[slot]) for slot in empty}))
        trainer.step(self.view.given.batch(0))
        # A slot that it does not have is empty.
        return {**zero_state(self.config, healthy.contender.dtype).named(), **trainer.get_state().named()}

    def but(self, arrays: Arrays) -> Arrays:
        """What the healthy side makes of it, some arrays exchanged."""
        return {**self.evidence.healthy, **arrays}


def _hypotheses(solving: Solving) -> Suspected:
    """All of them but another length, the likelier first."""
    yield from _frozen(solving)
    yield from _told_otherwise(solving)
    yield from _carried(solving)


def _frozen(solving: Solving) -> Iterator[Hypothesis]:
    parameters, old = solving.before.parameters, solving.before.named()
    kept = {what: names for names, what in groups(parameters)}
    kept["what the solver carries on"] = [name for name in old if " of " in name]
    for what, names in kept.items():
        arrays = {name: old[name] for name in names}
        yield Hypothesis("state.frozen", f"{what} is not updated", ALIGN_FROZEN, partial(solving.but, arrays))


def _told_otherwise(solving: Solving) -> Iterator[Hypothesis]:
    config, before = solving.config, solving.before
    text = "what the solver carries on starts at zero in every step"
    anew = replace(before, optimizer=zero_state(config, solving.scene.healthy.contender.dtype).optimizer)
    yield Hypothesis("state.reset", text, ALIGN_RESET, lambda: solving.told(config, anew))
    other = replace(config.loss, reduction="mean" if config.loss.reduction == "sum" else "sum")
    text = f"the solver steps on the {other.reduction} of the loss instead of its {config.loss.reduction}"
    reduced = replace(config, loss=other)
    yield Hypothesis("optimizer.reduction", text, ALIGN_REDUCTION, lambda: solving.told(reduced, before))
    for name, values in KNOWN[type(config.optimizer)].items():
        for value in values:
            yield from _constant(solving, name, value)


def _constant(solving: Solving, name: str, value: float) -> Iterator[Hypothesis]:
    optimizer = solving.config.optimizer
    asked, align = getattr(optimizer, name), align_constant(optimizer, name)
    if value != asked:
        text = f"consistent with {name} = {number(value)} instead of {number(asked)}"
        other = replace(solving.config, optimizer=with_constants(optimizer, **{name: value}))
        yield Hypothesis(f"optimizer.{name}", text, align, lambda: solving.told(other, solving.before))


def _length(solving: Solving) -> Family:
    old, new = solving.before.parameters, solving.evidence.healthy

    def expected(factor: float) -> Arrays:
        return {name: old[name] + factor * (new[name].astype(np.float64) - old[name]) for name in old}

    return Family(
        "optimizer.length",
        lambda value: f"the step is {value} times as long as it should be",
        ALIGN_LENGTH,
        expected,
        1.0,
        (0.5, 2.0, -1.0, 0.25, 4.0),
        cost=1,
    )


def _carried(solving: Solving) -> Iterator[Hypothesis]:
    shown, healthy, allowed = solving.evidence.shown, solving.evidence.healthy, solving.evidence.allowed
    if all(difference(shown[n], healthy[n]).max(initial=0.0) <= allowed[n] for n in solving.before.parameters):
        slots = {name: array for name, array in shown.items() if " of " in name}
        text = "the step is right, and what it leaves to the next is not"
        yield Hypothesis("optimizer.carried", text, ALIGN_CARRIED, lambda: solving.but(slots), cost=2)


def _another_way(solving: Solving) -> Hypothesis:
    text = (
        "from the same loss and gradient the step goes another way: another system is solved, or a worse trial is taken"
    )
    return Hypothesis("optimizer.direction", text, ALIGN_DIRECTION, lambda: solving.evidence.shown, cost=2)
