"""Cloud: how far the replicas of a view lie from it, rung by rung; each spread is measured once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import inf

import numpy as np
from numpy.typing import NDArray

from parity.contract import Arrays, State, TrainingConfig
from parity.ladder.gap import distances
from parity.ladder.plan import FIRST_SEED, MORE_SEED
from parity.ladder.replicas import Replica, disturb
from parity.ladder.view import EVALUATED, IN_TRAINING, LOSS_OF_STEP, View

AGAIN = 4
"""How many times as many replicas a second look takes, and how many times as far they are."""


@dataclass(frozen=True)
class Spread:
    """(R,) distances of replicas from the original, by tensor."""

    distances: Mapping[str, NDArray[np.float64]]

    def largest(self, name: str) -> float:
        """The furthest replica's distance; infinite where a replica is not finite and the original is."""
        return float(self.distances[name].max(initial=0.0))

    def further(self, later: "Spread") -> "Spread":
        """What is the further of two, replica by replica."""
        return Spread({name: np.maximum(self.distances[name], later.distances[name]) for name in later.distances})

    @property
    def broken(self) -> tuple[int, ...]:
        """Replicas that left the finite numbers where the original did not."""
        infinite = np.array([np.isinf(each) for each in self.distances.values()])
        return tuple(int(r) for r in np.flatnonzero(infinite.any(axis=0))) if infinite.size else ()


@dataclass
class Cloud:
    """R replicas around a view."""

    view: View
    config: TrainingConfig
    count: int
    seed: int
    ulps: int = 1

    @cached_property
    def evaluated(self) -> Spread:
        """Of the predictions in evaluation mode."""
        original = self.view.evaluated
        return self._spread(
            distances(original, {EVALUATED: replica.restore_predictions(view.evaluated[EVALUATED])})
            for replica, view in self._views()
        )

    @cached_property
    def predictions(self) -> Spread:
        """Of the predictions in both modes."""
        original = {IN_TRAINING: self.view.predictions[IN_TRAINING]}
        both = self._spread(
            distances(original, {IN_TRAINING: replica.restore_batch(view.in_training, 0)})
            for replica, view in self._views()
        )
        return Spread({**self.evaluated.distances, **both.distances})

    @property
    def loss(self) -> Spread:
        """Of the loss."""
        return self._loss_and_gradients[0]

    @property
    def losses(self) -> Spread:
        """The same for the loss that a step tells, which is that loss."""
        return Spread(dict.fromkeys(("loss", LOSS_OF_STEP), self.loss.distances["loss"]))

    @property
    def gradients(self) -> Spread:
        """Of the gradients."""
        return self._loss_and_gradients[1]

    def behind(self, k: int) -> Spread:
        """Of how far the steps to step k, counted from 0, moved the whole state; for each the furthest so far.

        Where a replica is no longer finite its distance is infinite.
        """
        return self._stepped[k]

    def finite_behind(self, k: int) -> list[bool]:
        """Whether each replica is still finite behind step k, counted from 0."""
        return [len(view.stepped) > k for _, view in self._views()]

    @cached_property
    def _loss_and_gradients(self) -> tuple[Spread, Spread]:
        loss, gradients = self.view.loss, self.view.gradients
        found = [
            (distances(loss, view.loss), distances(gradients, replica.restore(view.gradients)))
            for replica, view in self._views()
        ]
        return self._spread(each for each, _ in found), self._spread(each for _, each in found)

    @cached_property
    def _stepped(self) -> list[Spread]:
        original = _moves(self.view.given.state, self.view.from_its_start.stepped)
        found = [self._apart(replica, view, original) for replica, view in self._views()]
        return list(accumulate((self._spread(each[k] for each in found) for k in range(len(original))), Spread.further))

    def _apart(self, replica: Replica, view: View, original: Sequence[Arrays]) -> list[dict[str, float]]:
        """How much further or less far than the original each step moved a replica; infinitely where it is not finite."""
        states = [replica.restore_state(state) for state in (view.given.state, *view.stepped)]
        moves = _moves(states[0], states[1 : len(original) + 1])
        apart = [distances(mine, its) for mine, its in zip(original, moves, strict=False)]
        return apart + [dict.fromkeys(mine, inf) for mine in original[len(moves) :]]

    def _spread(self, replicas: Iterable[Mapping[str, float]]) -> Spread:
        """From the distances of each replica, by tensor."""
        found = list(replicas)
        return Spread({name: np.array([each[name] for each in found]) for name in found[0]})

    def _views(self) -> Iterator[tuple[Replica, View]]:
        """Each replica with what is seen of it, made anew for each look: states of many together are large."""
        given = self.view.given.part(0, self.view.steps)
        for r in range(self.count):
            replica = disturb(given, self.config, self.seed + r, self.ulps)
            yield replica, View(self.view.trainer, replica.given, self.view.steps)


def clouds(view: View, config: TrainingConfig, count: int) -> tuple[Cloud, Cloud]:
    """So many replicas around a view, and those of a second look.

    Those are further away: where a step is a sign, or a unit is at its edge, few runs go the other way, and these show it.
    """
    return Cloud(view, config, count, FIRST_SEED), Cloud(view, config, AGAIN * count, MORE_SEED, ulps=AGAIN)


def _moves(before: State, states: Sequence[State]) -> list[Arrays]:
    """How far each state is from the one in front of them all; in float64, so that nothing is rounded again."""
    start = before.named()
    return [{name: array.astype(np.float64) - start[name] for name, array in state.named().items()} for state in states]
