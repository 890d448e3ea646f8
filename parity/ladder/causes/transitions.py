"""Transitions: single steps of the suspect, each with what the healthy side makes of the same state and batch.

They are the suspect's own path from the place on, and beside it steps from a state that is set to another count of steps, as a
schedule shows itself only there. Of large tensors a few elements are kept, those that differ most among them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf

import numpy as np
from numpy.typing import NDArray

from parity.contract import Arrays, State
from parity.ladder.causes.hypothesis import Evidence, Floats, difference
from parity.ladder.causes.scene import Scene, limited
from parity.ladder.cloud import Cloud, Spread
from parity.ladder.parting import local_envelope
from parity.ladder.plan import FIRST_SEED, elements
from parity.ladder.view import before_batch
from parity.start import Start

OWN_STEPS = 5
ELEMENTS = 64
"""Elements of a tensor that are kept."""
LARGE = 10_000_000
"""Parameters times rows of a batch from which on only the suspect's own path is looked at."""

REPLICAS = 8
"""From which it is measured what rounding makes of a step."""
COUNT = "count of steps"


@dataclass(frozen=True)
class Transition:
    """One step of the suspect."""

    step: int
    """Counted from 0."""
    own: bool
    """Whether it belongs to the suspect's own path, so that what a rule remembers can be followed."""
    before: State
    gradients: Arrays
    """The healthy side's at this state, unclipped."""
    norms: Mapping[str, float]
    """By tensor, of the whole gradient in the Euclidean norm."""
    peak: float
    """Its largest element."""
    shown: Arrays
    """The state that the suspect makes of it, under one name each."""
    healthy: Arrays
    """That of the healthy side."""
    allowed: Mapping[str, float]


@dataclass(frozen=True)
class Transitions:
    """All that are known."""

    each: tuple[Transition, ...]

    @property
    def evidence(self) -> Evidence:
        """All of them together; a name is that of its tensor behind the place of its transition."""
        return Evidence(
            self.joined([one.shown for one in self.each]),
            self.joined([one.healthy for one in self.each]),
            {f"{i}/{name}": size for i, one in enumerate(self.each) for name, size in one.allowed.items()},
        )

    def joined(self, arrays: list[Arrays]) -> Arrays:
        """What each transition leaves, under one name each."""
        return {f"{i}/{name}": array for i, one in enumerate(arrays) for name, array in one.items()}


def transitions(scene: Scene) -> Transitions:
    """Steps of the suspect around the place."""
    steps = [*_own(scene), *_others(scene)]
    places = _places(steps)
    return Transitions(tuple(_thinned(step, places) for step in steps))


def steps_an_epoch(start: Start) -> int:
    """Rounded down."""
    return max(1, start.experiment.train_rows // start.experiment.batch_rows)


def _own(scene: Scene) -> Iterator[Transition]:
    """From the start where they part within the first steps, so that hidden memory is followed; else from the place."""
    first, begin = scene.suspect.first, scene.place.step - 1
    if begin < first.steps:
        states, begin = [first.given.state, *first.stepped], 0
    else:
        states = _walk(scene, begin)
    for i, (before, after) in enumerate(pairwise(states)):
        yield _transition(scene, begin + i, before, after, own=True)


def _walk(scene: Scene, begin: int) -> list[State]:
    trainer, given = scene.suspect.trainer, scene.suspect.given
    states = [scene.views[0].given.state]
    trainer.set_state(states[0])
    for step in range(begin, min(begin + OWN_STEPS, given.order.steps)):
        trainer.step(given.batch(step))
        states.append(trainer.get_state())
    return states


def _others(scene: Scene) -> Iterator[Transition]:
    """Steps with other counts, from the state in front of the place."""
    start, trainer, given = scene.suspect.start, scene.suspect.trainer, scene.suspect.given
    if elements(scene.config) * start.experiment.batch_rows > LARGE:
        return
    epoch, total, here = steps_an_epoch(start), start.order.steps, scene.place.step - 1
    own = range(here, here + OWN_STEPS) if here >= scene.suspect.first.steps else range(OWN_STEPS)
    telling = {here - 2, here - 1, epoch - 1, epoch, epoch + 1, 2 * epoch, total - 1}
    wanted = telling.union(total * k // 4 for k in range(4))
    state = scene.views[0].given.state
    for step in sorted(step for step in wanted if 0 <= step < total and step not in own):
        before = State(state.parameters, state.buffers, state.optimizer, step)
        trainer.set_state(before)
        trainer.step(given.batch(step))
        yield _transition(scene, step, before, trainer.get_state(), own=False)


def _transition(scene: Scene, step: int, before: State, after: State, own: bool) -> Transition:
    given = before_batch(scene.suspect.given, before, step)
    envelope = local_envelope(scene.healthy, scene.suspect, given)
    view, rough = envelope.views[0], envelope.first.view
    healthy = view.stepped[0] if view.stepped else before
    cloud = Cloud(rough, scene.config, REPLICAS, FIRST_SEED)
    spread = cloud.behind(0) if rough.stepped else Spread(dict.fromkeys(after.named(), np.array([inf])))
    dtypes, factor = envelope.dtypes, envelope.calibration.factor
    limits = {n: factor * s for n, s in limited(spread, after.named(), healthy.named(), dtypes).items()}
    return Transition(
        step=step,
        own=own,
        before=before,
        gradients=view.gradients,
        norms={name: float(np.linalg.norm(g.astype(np.float64))) for name, g in view.gradients.items()},
        peak=max(float(np.abs(g).max(initial=0.0)) for g in view.gradients.values()),
        shown=_counted(after, before),
        healthy=_counted(healthy, before),
        allowed=limits | {COUNT: 0.0},
    )


def _counted(after: State, before: State) -> Arrays:
    return {**after.named(), COUNT: np.array(float(after.step - before.step))}


def _thinned(one: Transition, places: Mapping[str, NDArray[np.intp]]) -> Transition:
    """With the same few elements of each tensor at every step, as what is remembered goes on from one to the next."""

    def thinned(arrays: Arrays) -> dict[str, Floats]:
        return {
            name: array if name == COUNT else array.astype(np.float64).ravel()[places[_owner(name)]]
            for name, array in arrays.items()
        }

    before = State(
        thinned(one.before.parameters),
        thinned(one.before.buffers),
        {slot: thinned(arrays) for slot, arrays in one.before.optimizer.items()},
        one.before.step,
    )
    shown, healthy = thinned(one.shown), thinned(one.healthy)
    return replace(one, before=before, gradients=thinned(one.gradients), shown=shown, healthy=healthy)


def _owner(name: str) -> str:
    """The parameter or buffer that an array belongs to: its slots are thinned as it is."""
    return name.split(" of ")[-1]


def _places(steps: list[Transition]) -> dict[str, NDArray[np.intp]]:
    """By parameter or buffer, which elements are kept: those that differ most over all steps, and some of all the others."""
    distances: dict[str, Floats] = {}
    for step in steps:
        for name, array in step.healthy.items():
            if name != COUNT:
                distance = difference(step.shown[name], array).ravel() / (step.allowed[name] or 1.0)
                distances[_owner(name)] = distances.get(_owner(name), 0.0) + distance
    return {name: _chosen(distance) for name, distance in distances.items()}


def _chosen(distance: Floats) -> NDArray[np.intp]:
    if len(distance) <= ELEMENTS:
        return np.arange(len(distance))
    worst = np.argsort(-distance)[: ELEMENTS // 2]
    evenly = np.linspace(0, len(distance) - 1, ELEMENTS // 2).astype(np.intp)
    return np.unique(np.concatenate([worst, evenly]))
