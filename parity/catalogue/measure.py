"""Train a problem by its recipe and by Adam, and time its network against its truth."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np

from parity.catalogue.entry import Entry, Speed, Training
from parity.contract import Adam, Cosine
from parity.environment import describe
from parity.experiment import Experiment
from parity.kinds import kind_of
from parity.problems import CATALOGUE, Problem
from parity.problems.problem import Floats
from parity.progress import Watcher
from parity.records import table_of
from parity.result import Result
from parity.runner import run
from parity.start import draw
from parity.surrogate.loading import load
from parity.surrogate.surrogate import Surrogate

BACKENDS = ("jax", "torch")
ROUNDS = 5
ENOUGH_SECONDS = 2.0
"""Where a truth takes longer than that over all rows, it is timed over fewer."""


def engineering() -> tuple[Problem, ...]:
    """The problems whose recipe states what it reaches."""
    return tuple(p for p in CATALOGUE.values() if any(quantity.target for quantity in p.outputs))


def beside(recipe: Experiment) -> Experiment:
    """The same network on the same rows by Adam, in batches of 100, with as many passes over them."""
    return replace(recipe, optimizer=Adam(learning_rate=3e-3), schedule=Cosine(), batch_size=100)


def key_of(problem: Problem) -> str:
    """SHA-256 of the two experiments, and of the versions of what runs them."""
    facts = {name: value for name, value in describe(BACKENDS).items() if name in ("parity", "jax", "torch", "numpy")}
    asked = repr([table_of(problem.recipe), table_of(beside(problem.recipe)), facts])
    return hashlib.sha256(asked.encode()).hexdigest()


def measure(problem: Problem, model: Path, watcher: Watcher) -> Entry:
    """All that an entry tells of a problem, whose network is kept in the folder `model`.

    KeyboardInterrupt where it was interrupted on the way.
    """
    result = _whole(run(problem.recipe, save=model, overwrite=True, throughput=False, watcher=watcher))
    contrast = _whole(run(beside(problem.recipe), throughput=False, watcher=watcher))
    return Entry(
        problem=problem.name,
        recipe=_training(result),
        adam=_training(contrast),
        speed=_speed(problem, load(model), draw(problem.recipe).test.inputs),
        environment=describe(BACKENDS),
        key=key_of(problem),
    )


def _whole(result: Result) -> Result:
    if not result.complete:
        raise KeyboardInterrupt
    return result


def _training(result: Result) -> Training:
    covers = [rung.covers or 0 for pair in result.pairs for rung in pair.rungs if rung.name == "trajectory"]
    return Training(
        optimizer=kind_of(result.experiment.optimizer),
        verdict=result.verdict,
        summary=result.summary,
        steps=result.experiment.steps,
        compared_steps=min(covers, default=0),
        seconds=result.seconds,
        outputs={contender: dict(scores.outputs) for contender, scores in result.accuracy.items()},
    )


def _speed(problem: Problem, surrogate: Surrogate, rows: Floats) -> Speed:
    truth = problem.truth
    assert truth is not None
    once = _seconds(lambda: truth(rows))
    few = rows[: max(1, int(len(rows) * min(1.0, ENOUGH_SECONDS / ROUNDS / once)))]
    pairs = [(_seconds(lambda: surrogate(rows)), _seconds(lambda: truth(few))) for _ in range(ROUNDS)]
    network, library = (median(times) for times in zip(*pairs, strict=True))
    return Speed(len(rows), len(rows) / network, len(few) / library)


def _seconds(work: Callable[[], object]) -> float:
    """CPU seconds of this process."""
    with np.errstate(all="ignore"):
        begin = time.process_time()
        work()
        return max(time.process_time() - begin, 1e-9)
