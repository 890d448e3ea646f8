"""Path: how the replicas of a subject spread along its run, and from which step on that says nothing any more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from parity.contract import Arrays, History, Trainer
from parity.ladder.gap import distances_over
from parity.ladder.plan import members_at_once
from parity.ladder.replicas import Given, Replica
from parity.progress import Done
from parity.replicate import fit_many

Floats = NDArray[np.float64]


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
    given: Given,
    replicas: Sequence[Replica],
    seeded: Sequence[Given],
    checkpoints_at: tuple[int, ...],
    done: Done,
) -> Path:
    """Train all replicas, and runs of other seeds, in stacks that each hold the original to measure from."""
    config, steps = replicas[0].config, given.order.steps
    size = members_at_once(config, len(given.train.inputs), len(checkpoints_at))
    parts: list[Path] = []
    for first in range(0, len(replicas), size):
        members = replicas[first : first + size]
        others = [*(member.given for member in members), *(seeded if first == 0 else ())]
        behind = first * steps
        givens = [given, *others]
        histories, note = fit_many(
            trainer,
            [each.state for each in givens],
            [each.train for each in givens],
            [each.order for each in givens],
            checkpoints_at=checkpoints_at,
            progress=partial(_add, done, behind),
        )
        parts.append(_measured(histories, members, checkpoints_at, note))
    return reduce(_joined, parts)


def _add(done: Done, behind: int, steps: int) -> None:
    done(behind + steps)


def _measured(
    histories: Sequence[History], replicas: Sequence[Replica], checkpoints_at: tuple[int, ...], note: str
) -> Path:
    original, *others = histories
    disturbed, seeded = others[: len(replicas)], others[len(replicas) :]
    restored = [
        {**replica.restore(history.parameters), **replica.restore(history.buffers)}
        for replica, history in zip(replicas, disturbed, strict=True)
    ]
    kept = {**original.parameters, **original.buffers}
    return Path(
        losses=np.array([distances_over(original.losses[:, None], each.losses[:, None]) for each in disturbed]),
        tensors={name: np.array([distances_over(kept[name], each[name]) for each in restored]) for name in kept},
        whole=np.array([euclidean(original.parameters, each) for each in restored]),
        seeds=np.array([euclidean(a.parameters, b.parameters) for a, b in combinations([original, *seeded], 2)]),
        checkpoints_at=checkpoints_at,
        note=note,
    )


def _joined(one: Path, other: Path) -> Path:
    return Path(
        np.concatenate([one.losses, other.losses]),
        {name: np.concatenate([each, other.tensors[name]]) for name, each in one.tensors.items()},
        np.concatenate([one.whole, other.whole]),
        one.seeds,
        one.checkpoints_at,
        one.note,
    )


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
