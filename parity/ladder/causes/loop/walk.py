"""The suspect's run taken step by step with something altered, around the first difference."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from parity.contract import Arrays, Batch, State
from parity.ladder.causes.hypothesis import Evidence, Floats, Hypothesis
from parity.ladder.causes.rates import multiple
from parity.ladder.causes.update import Rule
from parity.ladder.parting import Place
from parity.ladder.subject import Subject
from parity.ladder.trajectory import Followed

STEPS = 24
"""Steps behind the first difference that a hypothesis must give."""


@dataclass(frozen=True)
class Altered:
    """What is done otherwise in a walk."""

    batch: Callable[[int], Batch]
    """Of a step, counted from 0."""
    before: Callable[[int, State], State] = lambda step, state: state
    """The state that a step begins with."""
    count: Callable[[int], int] | None = None
    """Which step an update takes itself for; None leaves it to the trainer."""
    factor: Callable[[int], float] = lambda step: 1.0
    """Of the learning rate."""


class Loop:
    """The suspect's run, and hypotheses about it."""

    def __init__(self, suspect: Subject, place: Place, followed: Followed) -> None:
        self.suspect, self.trainer, self.given, self.followed = suspect, suspect.trainer, suspect.given, followed
        self.at = [step for step in suspect.compared_at if step <= followed.end]
        self.is_loss = place.rung.where == "loss"
        # The step, counted from 0, whose loss is the first that differs, or that lies behind the first checkpoint that does.
        self.here = place.step - 1 if self.is_loss else place.step
        before = [step for step in self.at if step < place.step]
        self.first = max(0, self.here - 2) if self.is_loss else max(before, default=0)
        behind = [step for step in self.at if step >= self.here]
        self.last = min(followed.end, max(self.here + STEPS, *behind[:2]) if behind else self.here + STEPS)
        self.own = self.walk(Altered(self.given.batch), 0)

    @property
    def steps(self) -> range:
        """Those that are looked at, counted from 0."""
        return range(self.first, self.last)

    @property
    def checkpoints(self) -> list[int]:
        """Those that are looked at."""
        return [step for step in self.at if self.first < step <= self.last]

    @cached_property
    def evidence(self) -> Evidence:
        """Losses and checkpoints of the run, and those of the steps."""
        history, noise, factor = self.suspect.beginning, self.followed.noise, self.followed.factor
        shown: dict[str, Floats] = {}
        limits: dict[str, float] = {}
        for step in self.steps:
            shown[f"loss {step}"] = np.array(float(history.losses[step]))
            limits[f"loss {step}"] = factor * float(noise.losses[step])
        for step in self.checkpoints:
            c = self.at.index(step)
            for name, kept in {**history.parameters, **history.buffers}.items():
                shown[f"{step} {name}"] = kept[c].astype(np.float64)
                limits[f"{step} {name}"] = factor * noise.of_tensor(name, c)
        return Evidence(shown, self.window(self.own), limits)

    @cached_property
    def states(self) -> dict[int, State]:
        """Before each step around the first difference, and at every checkpoint."""
        kept, trainer = {}, self.trainer
        trainer.set_state(self.given.state)
        for step in range(self.last + 1):
            if step >= self.first - 1 or step in self.at or step + 1 in self.at:
                kept[step] = trainer.get_state()
            if step < self.last:
                trainer.step(self.given.batch(step))
        return kept

    def window(self, found: Arrays) -> Arrays:
        """What lies in the steps that are looked at."""
        losses = [f"loss {step}" for step in self.steps]
        at = {str(step) for step in self.checkpoints}
        return {name: found[name] for name in (*losses, *(name for name in found if name.split()[0] in at))}

    def so(self, code: str, text: str, align: str, altered: Altered, cost: int = 0) -> Hypothesis:
        """That the run is altered so."""
        return Hypothesis(code, text, align, lambda: self.walk(altered, self.first), cost)

    def walk(self, altered: Altered, first: int) -> dict[str, Floats]:
        """Losses of the steps from one on, and checkpoints, by name."""
        trainer, found = self.trainer, dict[str, Floats]()
        trainer.set_state(self.given.state if first == 0 else self.states[first])
        for step in range(first, self.last):
            before = trainer.get_state()
            state = altered.before(step, before)
            if state is not before:
                trainer.set_state(state)
            batch = altered.batch(step)
            if altered.count is None:
                loss = trainer.step(batch)
            else:
                loss = self._by_rule(state, batch, altered.count(step), self._rate(step, altered.factor(step)))
            found[f"loss {step}"] = np.array(loss)
            if step + 1 in self.at:
                found |= _kept(step + 1, trainer.get_state())
        return found

    def _rate(self, step: int, factor: float) -> float:
        config = self.trainer.config
        return factor * config.optimizer.learning_rate * multiple(config.schedule, config.steps)(step)

    def _by_rule(self, state: State, batch: Batch, count: int, rate: float) -> float:
        """A step by the restated rule, for what no trainer can be told; buffers move as the trainer moves them."""
        config, trainer, slots = self.trainer.config, self.trainer, state.optimizer
        loss, gradients = trainer.loss_and_grads(batch)
        trainer.step(batch)
        after, rule, clip = trainer.get_state(), Rule.of(config.optimizer), _clip_scale(gradients, config.clip_norm)
        parameters, new = {}, {slot: dict(arrays) for slot, arrays in slots.items()}
        for name, stored in state.parameters.items():
            p, g = stored.astype(np.float64), clip * gradients[name].astype(np.float64)
            mine = {slot: arrays[name].astype(np.float64) for slot, arrays in slots.items()}
            moved, kept = rule.update(name, rate, count + 1, p, g, mine, {})
            parameters[name] = moved.astype(stored.dtype)
            for slot, array in kept.items():
                new[slot][name] = array.astype(stored.dtype)
        trainer.set_state(State(parameters, after.buffers, new, after.step))
        return loss


def _clip_scale(gradients: Arrays, largest: float | None) -> float:
    norm = float(np.sqrt(sum(float((g.astype(np.float64) ** 2).sum()) for g in gradients.values())))
    return 1.0 if largest is None else min(1.0, largest / (norm + 1e-6))


def _kept(step: int, state: State) -> dict[str, Floats]:
    return {f"{step} {name}": array.astype(np.float64) for name, array in {**state.parameters, **state.buffers}.items()}
