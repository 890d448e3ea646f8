"""Trains contenders on many splits of the same rows: how accurate they are on average, and how surely that is known.

As in Hernandez-Lobato and Adams 2015 (arXiv:1502.05336): each split is scaled by its own training rows, and judged by the rows
that it holds out, each output in its own unit. Initial weights and batch order are those of `seed` in every split, so that the
splits alone are what differs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from parity.accuracy import in_own_units, score
from parity.contender import Contender
from parity.contract import History, Trainer
from parity.contract.replicas import stacks
from parity.experiment import Experiment
from parity.outcomes.seeds import LARGEST_BYTES, LARGEST_STACK
from parity.problems import settled
from parity.progress import Watcher
from parity.replicate import fit_many
from parity.result import SplitScores, Spread
from parity.start import Start, draw_from, rows_of

MEASURES = ("rmse", "mae", "r2")

Floats = NDArray[np.float64]
Seen = tuple[list[int], Floats]
"""Splits, and (n, K, 3) what was measured of each output on each."""


def train_splits(
    scores: dict[str, SplitScores],
    trainers: Mapping[Contender, Trainer],
    experiment: Experiment,
    start: Start,
    watcher: Watcher,
) -> None:
    """Train each contender on `experiment.splits` splits, from `split_seed` on.

    `scores` is filled on the way, some splits of every contender at a time, so that an interrupt leaves what was done.
    """
    names = [quantity.symbol for quantity in start.problem.outputs]
    seen: dict[str, Seen] = {}
    for starts in _stacks(experiment, start):
        splits = [each.experiment.split_seed for each in starts]
        for contender, trainer in trainers.items():
            name = f"training splits {splits[0]} to {splits[-1]} of {contender}"
            with watcher.task(name, len(starts) * starts[0].order.steps) as done:
                cast = [each.cast(contender.dtype) for each in starts]
                states, data = [state for state, _, _ in cast], [train for _, train, _ in cast]
                histories, note = fit_many(trainer, states, data, starts[0].order, progress=done)
                held_out = [held_out.inputs for _, _, held_out in cast]
            measured = _measured(trainer, starts, histories, held_out)
            before, values = seen.get(str(contender), ([], np.empty((0, *measured.shape[1:]))))
            seen[str(contender)] = [*before, *splits], np.concatenate([values, measured])
            scores[str(contender)] = _summary(names, *seen[str(contender)], f"{contender}: {note}" if note else "")


def _stacks(experiment: Experiment, start: Start) -> Iterator[list[Start]]:
    """Starts of the splits, so many at a time as may be trained at once; those of a stack have as many rows."""
    rows = rows_of(experiment, start.problem)
    # Scaled and in own units, as drawn and in the trainer's stack.
    each = 4 * (rows.inputs.nbytes + rows.targets.nbytes)
    largest = max(1, min(LARGEST_STACK, LARGEST_BYTES // each))
    first = experiment.split_seed
    alone = (
        settled(replace(experiment, split_seed=number, splits=1)) for number in range(first, first + experiment.splits)
    )
    for _, alike in groupby(alone, key=lambda pair: pair[0].train_rows):
        group = list(alike)
        for part in stacks(len(group), largest):
            yield [draw_from(*pair, rows) for pair in group[part]]


def _measured(
    trainer: Trainer, starts: Sequence[Start], histories: Sequence[History], held_out: Sequence[NDArray[np.floating]]
) -> Floats:
    """(n, K, 3) what is told of each split's own held-out rows; NaN where a run left the finite numbers."""
    before = trainer.get_state()
    try:
        return np.array([_of_one(trainer, *each) for each in zip(starts, histories, held_out, strict=True)])
    finally:
        trainer.set_state(before)


def _of_one(trainer: Trainer, start: Start, history: History, inputs: NDArray[np.floating]) -> Floats:
    trainer.set_state(history.final)
    predictions, truth = in_own_units(start, trainer.predict(inputs)), start.truth.targets
    if not np.isfinite(predictions).all():
        return np.full((truth.shape[1], len(MEASURES)), np.nan)
    columns = [slice(k, k + 1) for k in range(truth.shape[1])]
    each = [score(truth[:, k], predictions[:, k], classes=False) for k in columns]
    return np.array([[getattr(scores, measure) for measure in MEASURES] for scores in each])


def _summary(names: Sequence[str], splits: list[int], values: Floats, note: str) -> SplitScores:
    finite = np.isfinite(values[:, :, 0]).all(axis=1)
    outputs = {
        name: {measure: _spread(values[finite, k, m]) for m, measure in enumerate(MEASURES)}
        for k, name in enumerate(names)
    }
    kept, lost = (tuple(np.array(splits)[which].tolist()) for which in (finite, ~finite))
    return SplitScores(kept, outputs, lost, note)


def _spread(values: Floats) -> Spread:
    """Mean and standard error, std/sqrt(n) with the n - 1 of a sample; None where there are too few to have them."""
    n = len(values)
    error = float(values.std(ddof=1)) / sqrt(n) if n > 1 else None
    return Spread(float(values.mean()) if n else None, error, tuple(values.tolist()))
