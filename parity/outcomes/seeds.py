"""Trains every contender from many seeds: weights, batch order and masks anew, data and split the same."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil

import numpy as np

from parity.accuracy import learning_curve
from parity.contender import Contender
from parity.contract import History, Trainer
from parity.experiment import Experiment
from parity.progress import Watcher
from parity.replicate import fit_many
from parity.result import SeedRuns
from parity.start import Start, draw_order, draw_state

LARGEST_STACK = 16
"""Runs trained at once: what an interrupt may cost."""
LARGEST_BYTES = 512 * 2**20
"""Memory that the orders, masks and predictions of the runs trained at once may take."""


def train_seeds(
    runs: dict[str, SeedRuns],
    trainers: Mapping[Contender, Trainer],
    experiment: Experiment,
    start: Start,
    evaluated_at: Sequence[int],
    watcher: Watcher,
) -> None:
    """Train `experiment.seeds` runs in each contender.

    `runs` is filled on the way, some seeds of every contender at a time, so that an interrupt leaves whole pairs.
    """
    for seeds in _stacks(experiment, start, evaluated_at):
        drawn = [replace(experiment, seed=seed) for seed in seeds]
        starts = [replace(start, state=draw_state(each, start.config)) for each in drawn]
        orders = start.order if _shares_order(start) else [draw_order(each) for each in drawn]
        for contender, trainer in trainers.items():
            _, train, held_out = start.cast(contender.dtype)
            states = [each.cast(contender.dtype)[0] for each in starts]
            name = f"training seeds {seeds[0]} to {seeds[-1]} of {contender}"
            with watcher.task(name, len(seeds) * start.order.steps) as done:
                histories, note = fit_many(
                    trainer,
                    states,
                    train,
                    orders,
                    evaluate=held_out.inputs,
                    evaluate_at=evaluated_at,
                    progress=done,
                )
            mine = _observed(seeds, histories, start, f"{contender}: {note}" if note else "")
            before = runs.get(str(contender))
            runs[str(contender)] = mine if before is None else _joined(before, mine)


def _stacks(experiment: Experiment, start: Start, evaluated_at: Sequence[int]) -> list[list[int]]:
    """The seeds in stacks of nearly one size, since a program is compiled for each size."""
    order = 0 if _shares_order(start) else sum(array.nbytes for array in start.order.named().values())
    each = order + 8 * len(evaluated_at) * start.held_out.targets.size
    largest = max(1, min(LARGEST_STACK, LARGEST_BYTES // each))
    seeds = np.arange(experiment.seed, experiment.seed + experiment.seeds)
    return [part.tolist() for part in np.array_split(seeds, ceil(experiment.seeds / largest))]


def _shares_order(start: Start) -> bool:
    """Whether nothing of the order is drawn: full batches without masks are the same for every seed."""
    return not start.order.named()


def _observed(seeds: Sequence[int], histories: Sequence[History], start: Start, note: str) -> SeedRuns:
    with np.errstate(invalid="ignore", over="ignore"):
        curves = np.array([learning_curve(start, history) for history in histories])
    return SeedRuns(tuple(seeds), curves, tuple(map(_diverged_at, histories)), note)


def _diverged_at(history: History) -> int | None:
    """The first step, counted from 1, whose loss was not finite, or the last, where what it left is not; None otherwise."""
    finite = np.isfinite(history.losses)
    if not finite.all():
        return int(np.argmin(finite)) + 1
    left = (*history.final.named().values(), history.predictions)
    return None if all(np.isfinite(array).all() for array in left) else len(finite)


def _joined(one: SeedRuns, other: SeedRuns) -> SeedRuns:
    return SeedRuns(
        one.seeds + other.seeds,
        np.concatenate([one.r2, other.r2]),
        one.diverged_at + other.diverged_at,
        one.note,
    )
