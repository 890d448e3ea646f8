"""Path: how the replicas of a subject spread along its run, and from which step on that says nothing any more."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

import numpy as np
from numpy.typing import NDArray

from parity.contract import Arrays, History, Trainer, TrainingConfig
from parity.contract.replicas import stacks
from parity.ladder.gap import distances_over
from parity.ladder.plan import members_at_once
from parity.ladder.replicas import Given, Replica
from parity.progress import Done
from parity.replicate import fit_many

Floats = NDArray[np.float64]
Draw = Callable[[], Given | Replica]


@dataclass(frozen=True)
class Path:
    """Distances of R replicas from the original, over L steps and C checkpoints; infinite once a replica is not finite."""

    losses: Floats
    """(R, L)."""
    tensors: Mapping[str, Floats]
    """By parameter or buffer (R, C)."""
    whole: Floats
    """(R, C) over all parameters together, in the Euclidean norm."""
    seeds: Floats
    """(pairs, C) the same between independently seeded runs."""
    checkpoints_at: tuple[int, ...]
    note: str = ""
    """How the replicas were trained, where that is not as usual."""

    @property
    def loss_spread(self) -> Floats:
        """(L,) the furthest replica so far."""
        return np.maximum.accumulate(self.losses.max(axis=0))

    @property
    def tensor_spread(self) -> dict[str, Floats]:
        """By tensor (C,) the furthest replica so far."""
        return {name: np.maximum.accumulate(each.max(axis=0)) for name, each in self.tensors.items()}

    @property
    def finite_until(self) -> int:
        """The last step at which all replicas are finite."""
        broken = np.any(np.isinf(self.losses), axis=0)
        steps_in_all = self.losses.shape[1]
        steps = [steps_in_all if not broken.any() else int(np.argmax(broken))]
        for c, at in enumerate(self.checkpoints_at):
            if np.isinf(self.whole[:, c]).any():
                steps.append(max(at - 1, 0))
        return min(steps)

    @property
    def broken(self) -> tuple[int, ...]:
        """Replicas that leave the finite numbers where the original does not."""
        infinite = np.isinf(self.losses).any(axis=1) | np.isinf(self.whole).any(axis=1)
        return tuple(int(r) for r in np.flatnonzero(infinite))

    @property
    def horizon(self) -> int | None:
        """The first checkpoint at which the middle replica is half as far away as independently seeded runs are."""
        for c, at in enumerate(self.checkpoints_at):
            if np.median(self.whole[:, c]) > 0.5 * np.median(self.seeds[:, c]):
                return at
        return None


def path(
    trainer: Trainer,
    config: TrainingConfig,
    given: Given,
    replicas: Sequence[Callable[[], Replica]],
    seeded: Sequence[Callable[[], Given]],
    checkpoints_at: tuple[int, ...],
    done: Done,
) -> Path:
    """Train the original to measure from, all replicas, and runs of other seeds: each once, drawn with the stack it is in."""
    draws: list[Draw] = [lambda: given, *replicas, *seeded]
    at_once = members_at_once(given, config, len(checkpoints_at), kept=1 + len(seeded))
    runs = _trained(trainer, draws, at_once, checkpoints_at, done)
    original = next(runs)
    apart = [_Apart.of(original, run) for run in islice(runs, len(replicas))]
    strangers = [original, *runs]
    return Path(
        losses=np.array([each.losses for each in apart]),
        tensors={name: np.array([each.tensors[name] for each in apart]) for name in original.kept},
        whole=np.array([each.whole for each in apart]),
        seeds=np.array([euclidean(a.parameters, b.parameters) for a, b in combinations(strangers, 2)]),
        checkpoints_at=checkpoints_at,
        note=original.note,
    )


@dataclass(frozen=True)
class _Run:
    """What is kept of a run, in the original order of units; copies, as a view would keep its whole stack."""

    losses: Floats
    parameters: Arrays
    buffers: Arrays
    note: str

    @classmethod
    def of(cls, member: Given | Replica, history: History, note: str) -> "_Run":
        restore = member.restore if isinstance(member, Replica) else _copied
        return cls(history.losses.copy(), restore(history.parameters), restore(history.buffers), note)

    @property
    def kept(self) -> Arrays:
        return {**self.parameters, **self.buffers}


@dataclass(frozen=True)
class _Apart:
    """How far one run is from the original."""

    losses: Floats
    tensors: Mapping[str, Floats]
    whole: Floats

    @classmethod
    def of(cls, original: _Run, run: _Run) -> "_Apart":
        return cls(
            distances_over(original.losses[:, None], run.losses[:, None]),
            {name: distances_over(array, run.kept[name]) for name, array in original.kept.items()},
            euclidean(original.parameters, run.parameters),
        )


def _trained(
    trainer: Trainer, draws: Sequence[Draw], at_once: int, checkpoints_at: tuple[int, ...], done: Done
) -> Iterator[_Run]:
    """All runs in their order; a stack is drawn when the one before it is let go."""
    for part in stacks(len(draws), at_once):
        yield from _stack(trainer, [draw() for draw in draws[part]], part.start, checkpoints_at, done)


def _stack(
    trainer: Trainer, members: Sequence[Given | Replica], first: int, checkpoints_at: tuple[int, ...], done: Done
) -> Iterator[_Run]:
    givens = [member.given if isinstance(member, Replica) else member for member in members]
    behind = first * givens[0].order.steps
    histories, note = fit_many(
        trainer,
        [each.state for each in givens],
        [each.train for each in givens],
        [each.order for each in givens],
        checkpoints_at=checkpoints_at,
        progress=lambda steps: done(behind + steps),
    )
    for member, history in zip(members, histories, strict=True):
        yield _Run.of(member, history, note)


def _copied(arrays: Arrays) -> Arrays:
    return {name: array.copy() for name, array in arrays.items()}


def euclidean(original: Arrays, other: Arrays) -> Floats:
    """(C,) the distance of all tensors together at each checkpoint; infinite where only one of the two is finite."""
    squares = 0.0
    for name, array in original.items():
        with np.errstate(invalid="ignore", over="ignore"):
            difference = other[name].astype(np.float64) - array.astype(np.float64)
            squares = squares + (difference**2).sum(axis=tuple(range(1, array.ndim)))
    distance: Floats = np.sqrt(squares)
    alike = np.isnan(distance) & ~_finite_rows(original)
    return np.where(alike, 0.0, np.where(np.isfinite(distance), distance, np.inf))


def _finite_rows(arrays: Arrays) -> NDArray[np.bool_]:
    rows = [np.isfinite(array).all(axis=tuple(range(1, array.ndim))) for array in arrays.values()]
    return np.asarray(np.all(rows, axis=0))
