"""Envelope: how far apart rounding may bring two views, tensor by tensor, and whether they are further.

A tensor's limit is a calibrated factor times the distance of the furthest replica, and never less than one unit in the last
place of its largest element for each step that was rounded to it. What exceeds the limit is looked at again, with four times
as many replicas more, and in float32 with the distance of both from the reference's float64: what even the nearer of the two
is off by, rounding did, as where an activation saturates and no nudge moves it. All replicas are the reference's: a candidate
that computes roughly would excuse itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract import Arrays, TrainingConfig
from parity.ladder.calibration import Calibration
from parity.ladder.cloud import Cloud, Spread
from parity.ladder.gap import Gap, distances, gaps
from parity.ladder.plan import FIRST_SEED, MORE_SEED
from parity.ladder.view import View

AGAIN = 4
"""How many times as many replicas a second look takes."""

Look = Callable[[Any], Any]
"""What is looked at: the same attribute of a view, which gives arrays, and of a cloud, which gives their spread."""


@dataclass(frozen=True)
class Judgement:
    """The tensor that is furthest out, in units of what rounding does."""

    gap: Gap
    noise: float
    """The distance, in the tensor's own units, that rounding was seen to make."""
    factor: float
    broken: tuple[int, ...] = ()
    """Replicas that are not finite, so that nothing can be judged."""

    @property
    def ratio(self) -> float:
        """Gap over noise."""
        return 0.0 if self.gap.size == 0.0 else self.gap.size / self.noise if self.noise else inf

    @property
    def held(self) -> bool:
        """Whether rounding explains it."""
        return self.ratio <= self.factor

    @property
    def limit(self) -> float:
        """The largest relative gap that passes."""
        return Gap(self.factor * self.noise, "", self.gap.scale).relative


class Envelope:
    """The limits of two views of the same thing, the reference's and the candidate's."""

    def __init__(
        self,
        views: tuple[View, View],
        dtypes: tuple[str, str],
        config: TrainingConfig,
        calibration: Calibration,
        cloud: Cloud | None = None,
        truth: View | None = None,
    ) -> None:
        self.views, self.dtypes, self.calibration, self.truth = views, dtypes, calibration, truth
        # Where the two differ in dtype, the noise is that of the coarser.
        coarser = 1 if coarseness(dtypes[1]) > coarseness(dtypes[0]) else 0
        count = calibration.replicas
        self.first = cloud if cloud is not None and coarser == 0 else Cloud(views[coarser], config, count, FIRST_SEED)
        self.more = Cloud(views[coarser], config, AGAIN * count, MORE_SEED)

    def judge(self, look: Look, rounded: int = 1) -> Judgement:
        """Compare what is looked at, `rounded` times stored since both were the same."""
        reference, candidate = (look(view) for view in self.views)
        for dtype, found in zip(self.dtypes, (reference, candidate), strict=True):
            unkept = [name for name, array in found.items() if array.dtype != dtype and array.ndim]
            if unkept:
                text = f"{unkept[0]}: dtype {found[unkept[0]].dtype}, expected {dtype}"
                return Judgement(Gap(inf, text), 0.0, self.calibration.factor)
        found = gaps(reference, candidate)
        if any(not isfinite(gap.size) for gap in found.values()):
            worst = next(gap for gap in found.values() if not isfinite(gap.size))
            return Judgement(worst, 0.0, self.calibration.factor)
        floors = {name: rounded * self._ulp(gap.scale) for name, gap in found.items()}
        if all(gap.size <= floors[name] for name, gap in found.items()):
            return self._furthest(found, floors)
        judgement = self._judged(found, floors, look(self.first))
        if judgement.held:
            return judgement
        inherent = self._inherent(look, reference, candidate)
        floors = {name: max(size, inherent.get(name, 0.0)) for name, size in floors.items()}
        return self._judged(found, floors, look(self.first), look(self.more))

    def _inherent(self, look: Look, reference: Arrays, candidate: Arrays) -> dict[str, float]:
        """By tensor, how far the nearer of the two is from the reference's float64; nothing where there is none."""
        if self.truth is None:
            return {}
        truth = look(self.truth)
        mine, theirs = distances(truth, reference), distances(truth, candidate)
        return {name: min(size, theirs[name]) for name, size in mine.items() if isfinite(size)}

    def _judged(self, found: dict[str, Gap], floors: dict[str, float], *spreads: Spread) -> Judgement:
        broken = tuple(r for spread in spreads for r in spread.broken)
        if broken:
            return Judgement(next(iter(found.values())), inf, self.calibration.factor, broken)
        noise = {name: max(floors[name], *(spread.largest(name) for spread in spreads)) for name in found}
        return self._furthest(found, noise)

    def _furthest(self, found: dict[str, Gap], noise: dict[str, float]) -> Judgement:
        each = [Judgement(gap, noise[name], self.calibration.factor) for name, gap in found.items()]
        return max(each, key=lambda judgement: judgement.ratio)

    def _ulp(self, scale: float) -> float:
        return ulp(scale, max(self.dtypes, key=coarseness))


def coarseness(dtype: str) -> float:
    """The distance from 1 to the next number."""
    return float(np.finfo(dtype).eps)


def ulp(scale: float, dtype: str) -> float:
    """The unit in the last place of numbers of a size; of those too small to have all their digits, the smallest that has.

    Below that, a processor may keep a number or take it for zero (IEEE 754-2019, 7.5; JAX does so on the CPU).
    """
    return max(float(np.spacing(np.asarray(scale, dtype))), float(np.finfo(dtype).tiny))


def ulps(scales: NDArray[np.float64], dtype: str) -> NDArray[np.float64]:
    """The same of many."""
    return np.maximum(np.spacing(scales.astype(dtype)).astype(np.float64), float(np.finfo(dtype).tiny))
