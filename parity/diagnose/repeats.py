"""Trainings that the same lines make again: folds of a cross-validation, seeds of a study."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from parity.contract import Training


def worst_of_each(trainings: Sequence[Training]) -> list[tuple[int, int]]:
    """Of trainings that differ in their rows and first weights alone the worst, and how many they are, in order."""
    groups: dict[Any, list[int]] = {}
    for index, training in enumerate(trainings):
        groups.setdefault(_way(training), []).append(index)
    return [(max(alike, key=lambda index: _last_loss(trainings[index])), len(alike)) for alike in groups.values()]


def _way(training: Training) -> Any:
    """All that trainings have to have in common."""
    made = training.optimizer
    return (
        training.network,
        tuple(
            (parameter.name, parameter.initial.shape, parameter.trainable, parameter.held)
            for parameter in training.parameters
        ),
        None if made is None else (made.kind, tuple(sorted(made.settings.items())), made.place),
        (training.backwards, training.updates),
        (training.forward_place, training.backward_place, training.update_place),
        tuple(training.facts),
        bool(training.steps),
    )


def _last_loss(training: Training) -> float:
    """Not finite counts as the largest."""
    last = float(training.losses[-1]) if len(training.losses) else np.inf
    return last if np.isfinite(last) else np.inf
