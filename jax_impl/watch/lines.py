"""One network in training, followed from call to call by the arrays that it consists of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
from flax import nnx

from jax_impl.watch.backward import Backward, ModuleCall
from jax_impl.watch.sampling import next_sample
from parity.contract import Evaluation, Operation, Parameter, Place, Training, WatchedOptimizer, WatchedStep


@dataclass
class Known:
    """An optimizer that the program made, and the schedule it was given."""

    watched: WatchedOptimizer
    schedule: Any = None

    def rate(self, step: int) -> float | None:
        if self.schedule is not None:
            return float(self.schedule(step))
        rate = self.watched.settings.get("learning_rate")
        return None if rate is None else float(rate)


@dataclass
class Line:
    signature: tuple
    backward: Backward
    initial: dict[str, Any]
    arrays: dict[str, Any]
    """By name the arrays as they are now, as far as they were followed, but for what is in `recent`."""
    before: dict[str, Any] = field(default_factory=dict)
    recent: tuple | None = None
    """The last call of a compiled function: where the parameters went in and came out, its arguments and results."""
    first: Any = None
    """The first parameter as it is now, by which a network is told from others."""
    optimizer: Known | None = None
    losses: list[Any] = field(default_factory=list)
    backwards: int = 0
    updates: int = 0
    steps: list[WatchedStep] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)
    facts: dict[str, Place | None] = field(default_factory=dict)
    update_place: Place | None = None
    called: Place | None = None
    """Where its compiled step is called."""
    updated: set[str] = field(default_factory=set)
    followed: bool = False
    """Its changes were seen as they were made; other arrays are then another network."""
    lost: int = 0
    """Calls that were given the same arrays again although they had been changed."""
    origin: "Line | None" = None
    """The training whose first arrays this one began with again."""
    sample_at: int = 0
    module: ModuleCall | None = None
    state: dict[tuple, Any] | None = None
    rates: list[float] = field(default_factory=list)
    pending: Any = None
    """A step whose move is not known yet, and the parameters before it."""
    waiting: Any = None
    """A call of a compiled function after which the parameters are not known yet."""
    samples: list[Any] = field(default_factory=list)
    """Calls of compiled functions that are looked at in the end."""

    def sampled(self) -> bool:
        """Whether to look at this step; the steps are counted by gradients."""
        if self.backwards < self.sample_at:
            return False
        self.sample_at = next_sample(self.backwards)
        return True

    def __post_init__(self) -> None:
        self.first_name = next(iter(self.backward.trained), "")
        self.first = self.arrays.get(self.first_name)

    def catch_up(self) -> None:
        if self.recent is not None:
            passes, flat = self.recent[0], self.recent[1:]
            leaves, results = map(jax.tree.leaves, flat)
            self.recent = None
            self.before = {**self.arrays, **{name: leaves[i] for name, (i, _) in passes.items()}}
            self.arrays.update({name: results[out] for name, (_, out) in passes.items()})

    @property
    def current(self) -> Mapping[str, Any]:
        self.catch_up()
        return self.arrays

    @property
    def previous(self) -> Mapping[str, Any]:
        self.catch_up()
        return self.before

    def now(self, arrays: Mapping[str, Any]) -> None:
        """The program went on with these."""
        self.catch_up()
        self.arrays.update(arrays)
        self.first = self.arrays.get(self.first_name)

    def holds(self, array: Any) -> bool:
        return any(array is mine for mine in self.current.values())

    def move(self, arrays: Mapping[str, Any]) -> None:
        """These came of those that were."""
        self.before = {**self.current}
        self.now(arrays)

    def rate_by_hand(self, gradients: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """The learning rate of p - rate * g, where that is what was done."""
        for name, gradient in gradients.items():
            g = np.asarray(gradient, np.float64)
            size = float(np.sum(g * g))
            if size > 0 and name in before and name in after:
                move = np.asarray(before[name], np.float64) - np.asarray(after[name], np.float64)
                self.rates.append(float(np.sum(move * g)) / size)

    def final_state(self) -> dict[tuple, Any] | None:
        """The network's state as the program left it; None where a part of it that training changes was not followed."""
        if self.state is None or self.module is None:
            return None
        final = {}
        for path, first in self.state.items():
            now = self.current.get(".".join(map(str, path)))
            if is_there(now):
                final[path] = now
            elif issubclass(self.module.kinds[path], nnx.Param | nnx.BatchStat):
                return None
            else:
                final[path] = first
        return final

    def training(self) -> Training:
        names = list(dict.fromkeys([*self.backward.trained, *self.backward.parameters.values()]))
        reached = {name for step in self.steps for name, norm in step.gradients.items() if norm != 0}
        parameters = []
        for name in names:
            if not is_there(self.initial.get(name)) or not is_there(self.current.get(name)):
                continue
            initial, final = (np.array(of[name]) for of in (self.initial, self.current))
            held = name in self.updated if self.updated else name in self.backward.trained
            parameters.append(Parameter(name, initial, final, name in self.backward.trained, held, name in reached))
        return Training(
            network=self.backward.network or "functions",
            optimizer=self.watched_optimizer(),
            losses=self.all_losses(),
            backwards=self.backwards,
            updates=self.updates,
            parameters=tuple(parameters),
            steps=tuple(self.steps),
            evaluations=tuple(self.evaluations),
            backward_place=self.backward.place,
            update_place=self.update_place,
            forward_place=self.module.place if self.module else first_place(self.steps),
            replayable=self.state is not None,
            facts=dict(self.facts),
        )

    def watched_optimizer(self) -> WatchedOptimizer | None:
        if self.optimizer is not None:
            return self.optimizer.watched
        if not self.updates:
            return None
        rates = self.rates
        settings = {"learning_rate": float(np.median(rates))} if rates else {}
        return WatchedOptimizer("by hand", settings, self.update_place)

    def all_losses(self) -> np.ndarray:
        """Of every step where each was seen, else of the steps that were looked at."""
        seen = [np.asarray(loss) for loss in self.losses if loss is not None]
        if len(seen) < self.backwards:
            return np.array([step.loss for step in self.steps], np.float64)
        return np.array([loss.item() if loss.size == 1 else np.nan for loss in seen], np.float64)


def is_there(array: Any) -> bool:
    """It is known, and the program did not give its memory away."""
    return array is not None and not getattr(array, "is_deleted", bool)()


def first_place(steps: Sequence[WatchedStep]) -> Place | None:
    operations: Sequence[Operation] = steps[0].operations if steps else ()
    return next((operation.place for operation in operations if operation.place is not None), None)


def norms(arrays: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(np.linalg.norm(np.asarray(array, np.float64))) for name, array in arrays.items()}
