"""The suspect's steps computed anew, from the healthy side's gradients and with something done otherwise."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from parity.contract import Arrays
from parity.ladder.causes.hypothesis import Evidence, Family, Floats, Hypothesis
from parity.ladder.causes.rates import Multiple, multiple
from parity.ladder.causes.scene import Scene
from parity.ladder.causes.transitions import Transition, Transitions, transitions
from parity.ladder.causes.update import Rule

Edit = Callable[[Transition], Arrays]
"""Some arrays of the state behind a step."""
Clip = Callable[[Transition], Arrays]
"""The gradients of a step as the optimizer is given them."""


@dataclass(frozen=True)
class Doing:
    """How steps are made."""

    rule: Rule
    rate: Multiple
    """The learning rate at a step, counted from 0."""
    clip: Clip
    accumulated: bool = False
    """Whether gradients are added to those of all steps before."""


class Steps:
    """The suspect's steps, and hypotheses about them."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.config = scene, scene.config
        self.optimizer, self.schedule = self.config.optimizer, self.config.schedule
        self.seen: Transitions = transitions(scene)
        self.multiple = multiple(self.schedule, self.config.steps)
        clip = partial(clipped, largest=self.config.clip_norm)
        self.declared = Doing(Rule.of(self.optimizer), self.times_rate(self.multiple), clip)

    @property
    def first(self) -> Transition:
        """The first of them."""
        return self.seen.each[0]

    @property
    def dtype(self) -> str:
        """The suspect's."""
        return self.scene.suspect.contender.dtype

    def evidence(self) -> Evidence:
        """What the suspect's steps leave, and those of the healthy side."""
        return self.seen.evidence.roughened(self.states(self.declared))

    def states(self, doing: Doing) -> Arrays:
        """Behind each step."""
        memory: dict[str, Floats] = {}
        return self.seen.joined([_behind(seen, doing, memory) for seen in self.seen.each])

    def edited(self, edit: Edit) -> Arrays:
        """The healthy side's own states, with some arrays exchanged."""
        return self.seen.joined([{**seen.healthy, **edit(seen)} for seen in self.seen.each])

    def times_rate(self, at: Multiple) -> Multiple:
        """The learning rate, from what it is multiplied by."""
        return lambda step: self.optimizer.learning_rate * at(step)

    def ruled(self, **altered: Any) -> Doing:
        """As declared, with something else in the rule."""
        return replace(self.declared, rule=replace(self.declared.rule, **altered))

    def by_doing(self, code: str, text: str, align: str, doing: Doing) -> Hypothesis:
        """That steps are made so."""
        return Hypothesis(code, text, align, lambda: self.states(doing))

    def by_rule(self, code: str, text: str, align: str, **altered: Any) -> Hypothesis:
        """That the rule has something else."""
        return self.by_doing(code, text, align, self.ruled(**altered))

    def by_rate(self, code: str, text: str, align: str, at: Multiple) -> Hypothesis:
        """That the rate is multiplied otherwise."""
        return self.by_doing(code, text, align, replace(self.declared, rate=self.times_rate(at)))

    def by_edit(self, code: str, text: str, align: str, edit: Edit) -> Hypothesis:
        """That some arrays are others."""
        return Hypothesis(code, text, align, lambda: self.edited(edit))

    def family(
        self,
        code: str,
        text: Callable[[str], str],
        align: str,
        doing: Callable[[float], Doing],
        asked: float,
        known: tuple[float, ...],
    ) -> Family:
        """That steps are made so, with a constant left open."""
        return Family(code, text, align, lambda value: self.states(doing(value)), asked, known)

    def family_by_edit(
        self,
        code: str,
        text: Callable[[str], str],
        align: str,
        edit: Callable[[float], Edit],
        asked: float,
        known: tuple[float, ...],
    ) -> Family:
        """That some arrays are others, with a constant left open."""
        return Family(code, text, align, lambda value: self.edited(edit(value)), asked, known)


def _behind(seen: Transition, doing: Doing, memory: dict[str, Floats]) -> Arrays:
    """The state behind a step."""
    if not seen.own and (doing.accumulated or doing.rule.largest in ("raw", "corrected")):
        return seen.shown  # what is remembered there is not known
    gradients, found, slots = doing.clip(seen), dict(seen.healthy), seen.before.optimizer
    if doing.accumulated:
        for name, g in gradients.items():
            memory[f"sum {name}"] = memory.get(f"sum {name}", 0.0) + g
        gradients = {name: memory[f"sum {name}"] for name in gradients}
    rate = doing.rate(seen.step)
    for name, p in seen.before.parameters.items():
        mine = {slot: arrays[name] for slot, arrays in slots.items()}
        found[name], new = doing.rule.update(name, rate, seen.step + 1, p, gradients[name], mine, memory)
        found |= {f"{slot} of {name}": array for slot, array in new.items()}
    return found


def clipped(seen: Transition, largest: float | None) -> Arrays:
    """The gradients of a step, clipped by their global norm as the contract has it."""
    return seen.gradients if largest is None else scaled(seen, clip_scale(largest, norm(seen)))


def clip_scale(largest: float, norm: float) -> float:
    """What a gradient of some norm is multiplied by."""
    return min(1.0, largest / (norm + 1e-6))


def scaled(seen: Transition, scale: float) -> Arrays:
    """The gradients of a step, all made smaller, and never larger."""
    return {name: g * min(1.0, scale) for name, g in seen.gradients.items()}


def norm(seen: Transition) -> np.float64:
    """Of the gradients of a step, over all tensors; a number of NumPy, which may be divided by where it is zero."""
    return np.float64(np.sqrt(sum(size**2 for size in seen.norms.values())))


def unmoved(names: list[str]) -> Edit:
    """Some arrays as they were in front of the step."""

    def edit(seen: Transition) -> Arrays:
        before = seen.before.named()
        return {name: before[name] for name in names}

    return edit
