"""Cloud: how far the replicas of a view lie from it, rung by rung; each spread is measured once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from parity.contract import Arrays, TrainingConfig
from parity.ladder.gap import distances
from parity.ladder.replicas import Replica, disturb
from parity.ladder.view import EVALUATED, IN_TRAINING, View


@dataclass(frozen=True)
class Spread:
    """(R,) distances of replicas from the original, by tensor."""

    distances: Mapping[str, NDArray[np.float64]]

    def largest(self, name: str) -> float:
        """The furthest replica's distance; infinite where a replica is not finite and the original is."""
        return float(self.distances[name].max(initial=0.0))

    def middle(self, name: str) -> float:
        """The median replica's distance."""
        return float(np.median(self.distances[name]))

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

    @cached_property
    def members(self) -> list[Replica]:
        """The replicas, with as many steps as are looked at."""
        given = self.view.given.part(0, self.view.steps)
        return [disturb(given, self.config, self.seed + r) for r in range(self.count)]

    @cached_property
    def evaluated(self) -> Spread:
        """Of the predictions in evaluation mode."""
        restored = [replica.restore_predictions(view.evaluated[EVALUATED]) for replica, view in self._views]
        return spread(self.view.evaluated, [{EVALUATED: each} for each in restored])

    @cached_property
    def predictions(self) -> Spread:
        """Of the predictions in both modes."""
        restored = [replica.restore_batch(view.predictions[IN_TRAINING], 0) for replica, view in self._views]
        in_training = {IN_TRAINING: self.view.predictions[IN_TRAINING]}
        both = spread(in_training, [{IN_TRAINING: each} for each in restored])
        return Spread({**self.evaluated.distances, **both.distances})

    @cached_property
    def loss(self) -> Spread:
        """Of the loss."""
        return spread(self.view.loss, [view.loss for _, view in self._views])

    @cached_property
    def gradients(self) -> Spread:
        """Of the gradients."""
        return spread(self.view.gradients, [replica.restore(view.gradients) for replica, view in self._views])

    @cached_property
    def stepped(self) -> list[Spread]:
        """Of the states behind each step; where a replica is no longer finite its distance is infinite."""
        originals = [state.named() for state in self.view.stepped]
        return [
            spread(original, [_behind(replica, view, k, original) for replica, view in self._views])
            for k, original in enumerate(originals)
        ]

    def behind(self, k: int) -> Spread:
        """Of the whole state behind step k, counted from 0."""
        return self.stepped[k]

    @cached_property
    def _views(self) -> list[tuple[Replica, View]]:
        return [(replica, View(self.view.trainer, replica.given, self.view.steps)) for replica in self.members]


def spread(original: Arrays, replicas: Sequence[Arrays]) -> Spread:
    """Distances of replicas from an original."""
    found = [distances(original, replica) for replica in replicas]
    return Spread({name: np.array([each[name] for each in found]) for name in original})


def _behind(replica: Replica, view: View, k: int, original: Arrays) -> Arrays:
    if k < len(view.stepped):
        return replica.restore_state(view.stepped[k]).named()
    return {name: np.full_like(array, np.nan) for name, array in original.items()}
