"""Envelope: how far apart rounding may bring two views, tensor by tensor, and whether they are further.

A tensor's limit is a calibrated factor times the distance of the furthest replica, and never less than one unit in the last
place of the largest it held for each step that was rounded to it, nor than what a sum over rows or units is off by. What is
further is looked at again, with four times as many replicas more, four times as far away, and with the reference's run in the
other dtype: where an activation saturates or a difference cancels, no nudge moves what rounding left there. How much the
candidate is off never widens a limit beyond what the reference is: one that computes roughly would excuse itself.

A sum of n terms is off by about the square root of n units in the last place (Higham and Mary 2019, doi 10.1137/18M1226312),
and by n at most (Higham 2002, doi 10.1137/1.9780898718027). Replicas show it unless the terms are alike, as those of rows that
are the same, or of an absolute error: such a sum is the same in any order, and a reference that sums in blocks does not show
what adding one after the other does.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import inf, isfinite, sqrt
from operator import methodcaller
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract import Arrays, TrainingConfig
from parity.ladder.activations import of_outputs
from parity.ladder.calibration import Calibration
from parity.ladder.cancelling import left_of_gradients, open_behind
from parity.ladder.cloud import Cloud, Spread, clouds
from parity.ladder.gap import Gap, distances, furthest, gaps, scales
from parity.ladder.view import Taken, View, before_batch

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
    is_alone: bool = False
    """Whether it is of one step in the middle of a run."""

    @property
    def ratio(self) -> float:
        """Gap over noise."""
        return 0.0 if self.gap.size == 0.0 else self.gap.size / self.noise if self.noise else inf

    @property
    def is_open(self) -> bool:
        """Whether rounding may have done anything."""
        return self.noise == inf and not self.broken

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
        around: tuple[Cloud, Cloud] | None = None,
        other: View | None = None,
    ) -> None:
        self.views, self.dtypes, self.config, self.calibration = views, dtypes, config, calibration
        self.other = other if dtypes[0] == dtypes[1] else None
        """The reference's in the other dtype, where both are in one."""
        self.coarser = max(dtypes, key=coarseness)
        # Where the two differ in dtype, the noise is that of the coarser.
        if around is None or self.coarser != dtypes[0]:
            around = clouds(views[dtypes.index(self.coarser)], config, calibration.replicas)
        self.first, self.more = around
        self._alone: dict[int, Envelope] = {}

    def behind(self, k: int) -> Judgement:
        """Compare the whole state behind step k, counted from 0."""
        earlier = [methodcaller("behind", i) for i in range(-1, k)]
        unseen = partial(open_behind, self.views[0], k, self.other, self.coarser)
        return self.judge(methodcaller("behind", k), earlier, self.terms, unseen)

    def alone(self, k: int) -> "Envelope":
        """That of step k, counted from 0, as the candidate took it: the reference takes it from where the candidate was."""
        if k not in self._alone:
            self._alone[k] = self._of_step(k)
        return self._alone[k]

    def _of_step(self, k: int) -> "Envelope":
        reference, candidate = self.views
        before = candidate.stepped[k - 1]

        def from_there(view: View) -> View:
            dtype = view.given.train.inputs.dtype.name
            return View(view.trainer, before_batch(view.given, before, k).cast(dtype), 1)

        taken = Taken(candidate.trainer, before_batch(candidate.given, before, k), 1, candidate.stepped[k])
        other = None if self.other is None else from_there(self.other)
        return Envelope((from_there(reference), taken), self.dtypes, self.config, self.calibration, other=other)

    def left_of_predictions(self) -> Arrays:
        """By element, what activations make of them that no replica shows."""
        view = self.views[0]
        left = of_outputs(self.config, view.given.state.parameters, self.coarser)
        return {name: np.broadcast_to(left, array.shape) for name, array in view.predictions.items()}

    def left_of_gradients(self) -> Arrays:
        """By element, what is no more than rounding."""
        return left_of_gradients(self.views[0], self.other, self.coarser)

    @property
    def units(self) -> int:
        """How many units the widest layer adds up."""
        return max(spec.fan_in for spec in self.config.model.parameters(self.config.inputs, self.config.outputs))

    @property
    def terms(self) -> int:
        """How many terms the longest sum has that leads to a gradient: rows of a batch, or units."""
        return max(self.units, len(self.views[0].given.batch(0).inputs))

    def judge(
        self,
        look: Look,
        earlier: Sequence[Look] = (),
        terms: int = 1,
        unseen: Callable[[], Arrays] = dict,
    ) -> Judgement:
        """Compare what is looked at.

        `earlier` looks see what it was made of, one for each time that it was stored. What came to it each time, or all of it
        where there are none, is a sum of so many `terms`. `unseen` says, where it is asked, by element what no replica shows.
        """
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
        stored = [seen(self.views[0]) for seen in earlier]
        floors = self._floors(stored, reference, sqrt(terms))
        if all(gap.size <= floors[name] for name, gap in found.items()):
            return self._furthest(found, floors)
        judgement = self._judged(found, floors, look(self.first))
        if judgement.held:
            return judgement
        inherent = self._inherent(look, reference, candidate, self._floors(stored, reference, terms))
        floors = {name: max(size, inherent.get(name, 0.0)) for name, size in floors.items()}
        spreads = look(self.first), look(self.more)
        judgement = self._judged(found, floors, *spreads)
        if judgement.held or judgement.broken:
            return judgement
        return self._by_element(reference, candidate, self._noise(floors, *spreads), unseen())

    def _floors(self, earlier: Sequence[Arrays], now: Arrays, units: float) -> dict[str, float]:
        """By tensor: a unit in the last place of its largest for each time it was stored, or so many of what came to it."""
        held = [*map(scales, earlier), scales(now)]
        came = [distances(before, after) for before, after in pairwise([*earlier, now])] or [held[-1]]
        return {
            name: max(
                max(1, len(earlier)) * self._ulp(max(sizes[name] for sizes in held)),
                units * sum(self._ulp(sizes[name]) for sizes in came),
            )
            for name in now
        }

    def _inherent(
        self, look: Look, reference: Arrays, candidate: Arrays, one_by_one: Mapping[str, float]
    ) -> dict[str, float]:
        """By tensor, what the reference's run in the other dtype says of rounding; nothing where there is none.

        In float32 it is what even the nearer of the two is off by from float64, and what the reference is, as far as adding up
        terms one by one makes it, and a normalisation more of it, which may divide by no more than the root of its epsilon. In
        float64 it is what float32, which rounds in the same places, is off by, in units of float64; and, as nothing finer says
        more, all that adding up one by one makes.
        """
        if self.other is None:
            return {}
        other = look(self.other)
        mine, theirs = distances(other, reference), distances(other, candidate)
        if self.dtypes[0] == "float64":
            finer = coarseness("float64") / coarseness("float32")
            return {name: max(finer * size, one_by_one[name]) for name, size in mine.items() if isfinite(size)}
        more = 1.0 / sqrt(getattr(self.config.model, "epsilon", 1.0))
        return {
            name: min(size, max(theirs[name], more * one_by_one[name])) for name, size in mine.items() if isfinite(size)
        }

    def _judged(self, found: dict[str, Gap], floors: dict[str, float], *spreads: Spread) -> Judgement:
        broken = tuple(r for spread in spreads for r in spread.broken)
        if broken:
            return Judgement(next(iter(found.values())), inf, self.calibration.factor, broken)
        return self._furthest(found, self._noise(floors, *spreads))

    def _noise(self, floors: dict[str, float], *spreads: Spread) -> dict[str, float]:
        return {name: max(floor, *(spread.largest(name) for spread in spreads)) for name, floor in floors.items()}

    def _furthest(self, found: dict[str, Gap], noise: dict[str, float]) -> Judgement:
        each = [Judgement(gap, noise[name], self.calibration.factor) for name, gap in found.items()]
        return max(each, key=lambda judgement: judgement.ratio)

    def _by_element(self, reference: Arrays, candidate: Arrays, noise: dict[str, float], unseen: Arrays) -> Judgement:
        """The same where elements differ in what rounding may do to them."""
        each = []
        for name, array in reference.items():
            of_elements = np.maximum(noise[name], unseen.get(name, np.zeros(array.shape)))
            each.append(Judgement(*furthest(name, array, candidate[name], of_elements), self.calibration.factor))
        return max(each, key=lambda judgement: judgement.ratio)

    def _ulp(self, scale: float) -> float:
        return ulp(scale, self.coarser)


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
    found: NDArray[np.float64] = np.spacing(scales.astype(dtype)).astype(np.float64)
    return np.maximum(found, float(np.finfo(dtype).tiny))
