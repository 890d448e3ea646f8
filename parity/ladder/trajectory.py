"""The trajectory: the distance between two runs, step by step, against how far the reference's replicas spread."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract import Arrays, History
from parity.ladder.envelope import coarseness, ulps
from parity.ladder.gap import Gap, distances_over, gaps
from parity.ladder.path import Floats, Path, euclidean
from parity.ladder.subject import Subject
from parity.result import Horizon, Rung


@dataclass(frozen=True)
class Distance:
    """The gap of one tensor, or of the loss, at one step."""

    step: int
    gap: Gap
    noise: float
    """What rounding was seen to make of it by then."""

    @property
    def ratio(self) -> float:
        """Gap over noise."""
        return 0.0 if self.gap.size == 0.0 else self.gap.size / self.noise if self.noise else inf


@dataclass(frozen=True)
class Noise:
    """What rounding makes by each step: the replicas' spread, and a unit in the last place for each step that was stored."""

    losses: Floats
    """(L,)."""
    tensors: Mapping[str, Floats]
    """By parameter or buffer (C,)."""

    @classmethod
    def of(cls, path: Path, history: History, dtype: str) -> "Noise":
        """From the replicas of a run; what was larger once was rounded more coarsely then."""
        steps = np.maximum(path.checkpoints_at, 1)
        kept = {**history.parameters, **history.buffers}
        stored = {
            name: steps * ulps(_largest_so_far(kept[name][: len(steps)], dtype), dtype) for name in path.tensor_spread
        }
        tensors = {name: np.maximum(spread, stored[name]) for name, spread in path.tensor_spread.items()}
        losses = path.loss_spread
        counted = np.arange(1, len(losses) + 1)
        return cls(
            np.maximum(losses, counted * ulps(_largest_so_far(history.losses[: len(losses)], dtype), dtype)), tensors
        )

    def of_tensor(self, name: str, c: int) -> float:
        """Of a tensor at a checkpoint."""
        return float(self.tensors[name][c]) if name in self.tensors else 0.0


@dataclass(frozen=True)
class Followed:
    """Two runs followed from step to step, as far as that says anything."""

    distances: tuple[Distance, ...]
    """In the order of steps."""
    end: int
    """The last step that can be compared."""
    total: int
    factor: float
    noise: Noise
    broken: tuple[int, ...]
    """Replicas that diverged, which ends the comparison."""
    horizon: Horizon
    trained: str = ""
    """How the replicas were trained, where that is not as usual."""

    @property
    def excess(self) -> Distance | None:
        """The first that rounding does not explain."""
        return next((each for each in self.distances if each.ratio > self.factor), None)

    @property
    def broken_note(self) -> str:
        """Which replicas diverged, where that ended the comparison."""
        who = ", ".join(map(str, self.broken))
        return f"replicas {who} diverged behind step {self.end}, which ends the comparison there" if self.broken else ""

    @property
    def parted_note(self) -> str:
        """Where rounding parts the two, if no step is to blame for an excess."""
        parted = f"rounding parts the two at step {self.excess.step}" if self.excess else ""
        return parted and f"{parted}: no step's own output differs, and both runs are those of their own steps"

    def rung(self, broke: bool) -> Rung:
        """The rung: broken at the excess, or held over the steps before it."""
        excess = self.excess
        end = self.end if excess is None else excess.step - 1
        within = [each for each in self.distances if each.step <= end]
        held = max(within, key=lambda each: each.ratio, default=Distance(0, Gap(0.0, ""), 0.0))
        shown = excess if broke and excess is not None else held
        notes = [
            f"loss of every step and parameters at checkpoints, over the first {end} of {self.total} steps",
            "" if broke else self.parted_note,
            self.broken_note,
        ]
        limit = Gap(self.factor * shown.noise, "", shown.gap.scale).relative
        where = f"step {shown.step}, {shown.gap.where}" if shown.gap.where else ""
        return Rung("trajectory", not broke, shown.gap.relative, limit, where, "; ".join(filter(None, notes)), end)


def follow(reference: Subject, candidate: Subject) -> Followed:
    """Compare two runs as far as replicas stay together, and all of them finite."""
    # Where the two differ in dtype, the noise is that of the coarser.
    mixed = candidate.contender.dtype != reference.contender.dtype
    coarser = coarseness(candidate.contender.dtype) > coarseness(reference.contender.dtype)
    rough = candidate if coarser else reference
    path = rough.path
    horizon = _horizon(path, reference, candidate)
    end = min(path.finite_until, reference.compared, *([horizon.step - 1] if horizon.step else []))
    diverged = [s.diverged_at for s in (reference, candidate) if s.diverged_at is not None]
    if diverged and min(diverged) <= end:
        # Where one leaves the finite numbers alone, and all replicas do as the reference does, that is a difference;
        # but not where one of them has a smaller range.
        alone = (len(diverged) == 1 or diverged[0] != diverged[1]) and not mixed
        end = min(diverged) if alone else min(diverged) - 1
    noise = Noise.of(path, reference.beginning, rough.contender.dtype)
    return Followed(
        distances=tuple(distances(reference.beginning, candidate.beginning, reference.compared_at, end, noise)),
        end=end,
        total=reference.start.order.steps,
        factor=rough.calibration.path_factor,
        noise=noise,
        broken=path.broken if path.finite_until == end < reference.compared else (),
        horizon=horizon,
        trained=path.note,
    )


def distances(mine: History, theirs: History, at: tuple[int, ...], end: int, noise: Noise) -> Iterator[Distance]:
    """All distances of two runs up to a step, a checkpoint's before the loss of the step that follows it."""
    checkpoints = {step: c for c, step in enumerate(at)}
    sizes = distances_over(mine.losses[:end, None], theirs.losses[:end, None])
    scale = np.maximum.accumulate(np.abs(mine.losses.astype(np.float64)))
    for step in range(end + 1):
        if step in checkpoints:
            for name, gap in gaps(kept(mine, checkpoints[step]), kept(theirs, checkpoints[step])).items():
                yield Distance(step, gap, noise.of_tensor(name, checkpoints[step]))
        if step < end:
            yield Distance(step + 1, Gap(float(sizes[step]), "loss", float(scale[step])), float(noise.losses[step]))


def kept(history: History, c: int) -> Arrays:
    """Parameters and buffers at a checkpoint."""
    return {name: each[c] for name, each in {**history.parameters, **history.buffers}.items()}


def _largest_so_far(rows: NDArray[Any], dtype: str) -> Floats:
    """(C,) the largest magnitude in (C, ...) up to each row, as far as the dtype can hold it."""
    sizes = np.abs(rows.astype(np.float64)).max(axis=tuple(range(1, rows.ndim)), initial=0.0)
    return np.maximum.accumulate(np.where(np.isfinite(sizes), np.minimum(sizes, _largest_below_the_end(dtype)), 0.0))


def _largest_below_the_end(dtype: str) -> float:
    """The largest number of a dtype that has another above it, so that it has a unit in the last place."""
    end = np.finfo(dtype).max
    return float(np.nextafter(end, np.zeros_like(end)))


def _horizon(path: Path, reference: Subject, candidate: Subject) -> Horizon:
    at = path.checkpoints_at
    mine, theirs = (
        {name: each[: len(at)] for name, each in subject.beginning.parameters.items()}
        for subject in (reference, candidate)
    )
    return Horizon(
        step=path.horizon,
        searched=reference.compared,
        steps=at,
        gap=tuple(map(float, euclidean(mine, theirs))),
        replicas=tuple(map(float, np.median(path.whole, axis=0))),
        seeds=tuple(map(float, np.median(path.seeds, axis=0))),
    )
