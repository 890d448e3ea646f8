"""Hypothesis: something that one side may do otherwise, and what it would then show.

It is judged as a diagnosis by intervention: what the healthy side does is altered so, and must then give what the suspect
shows. What is left of the difference is measured in units of what rounding makes; a constant that nobody knows is fitted and,
where a familiar number does as well, taken to be that number.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import islice
from math import ceil, floor, inf, isfinite, log10
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract import Arrays
from parity.result import Cause

Floats = NDArray[np.float64]

EXPLAINED = 0.25
"""A hypothesis within rounding must leave less than this share of the difference: a small one is soon within rounding."""
ALMOST = 0.05
"""One that is not within rounding everywhere is named only where it leaves less than this share."""
MOST = 3
"""Causes that are named."""
STEPS = 30
"""Gauss-Newton steps at most."""


@dataclass(frozen=True)
class Evidence:
    """What a suspect shows at a place, and what the healthy side shows there."""

    shown: Arrays
    healthy: Arrays
    allowed: Mapping[str, float]
    """By tensor, how far apart rounding may bring the two."""

    def roughened(self, replay: Arrays) -> "Evidence":
        """For hypotheses that are computed anew: what an unaltered computation leaves is allowed to them too.

        Where that is nearer to what the suspect shows, the suspect does as declared, and there is nothing to explain.
        """
        if self.rest(replay).share < 0.5:
            return replace(self, healthy=self.shown)
        left = {name: float(difference(self.healthy[name], found).max(initial=0.0)) for name, found in replay.items()}
        return replace(self, allowed={name: size + left.get(name, 0.0) for name, size in self.allowed.items()})

    def of(self, names: Iterable[str]) -> "Evidence":
        """Some tensors alone."""
        return replace(self, allowed={name: self.allowed[name] for name in names})

    def rest(self, expected: Arrays) -> "Rest":
        """What is left of the difference where the suspect were to show what is expected."""
        rest = self._in_noise(self._flat(expected))
        if not self._whole:
            return Rest(inf, inf)
        return Rest(float(rest.max(initial=0.0)), float(np.linalg.norm(rest)) / self._whole)

    def standing(self, arrays: Arrays) -> Floats:
        """All elements in units of what is allowed; what is not finite, or is allowed nothing, says nothing here."""
        with np.errstate(all="ignore"):
            return np.nan_to_num(self._flat(arrays) / self._unit, nan=0.0, posinf=0.0, neginf=0.0)

    @cached_property
    def target(self) -> Floats:
        """What is shown, so."""
        return self.standing(self.shown)

    @cached_property
    def _unit(self) -> Floats:
        """By element."""
        return np.concatenate([np.full(np.size(self.shown[name]), size) for name, size in self.allowed.items()])

    @cached_property
    def _flat_shown(self) -> Floats:
        return self._flat(self.shown)

    @cached_property
    def _whole(self) -> float:
        """The whole difference."""
        return float(np.linalg.norm(self._in_noise(self._flat(self.healthy))))

    def _flat(self, arrays: Arrays) -> Floats:
        return np.concatenate([np.ravel(arrays[name]) for name in self.allowed]).astype(np.float64)

    def _in_noise(self, expected: Floats) -> Floats:
        distance = difference(self._flat_shown, expected)
        with np.errstate(all="ignore"):
            return np.where(distance == 0.0, 0.0, distance / self._unit)


@dataclass(frozen=True)
class Rest:
    """What a hypothesis leaves of the difference."""

    largest: float
    """Of any element, in units of what is allowed to it."""
    share: float
    """Of the whole difference, root of the sum of squares over all elements."""

    @property
    def level(self) -> int:
        """0 where rounding explains the rest, 1 where next to nothing is left, 2 where too much is."""
        if self.largest <= 1.0 and self.share <= EXPLAINED:
            return 0
        return 1 if self.share <= ALMOST else 2


@dataclass(frozen=True)
class Hypothesis:
    """Something done otherwise, and all that the suspect would then show."""

    code: str
    text: str
    align: str
    expected: Callable[[], Arrays]
    cost: int = 0
    """How much was chosen to fit: 0 nothing or a well-known number, 1 a round number, 2 any number."""


@dataclass(frozen=True)
class Family:
    """A hypothesis with a constant left open."""

    code: str
    text: Callable[[str], str]
    """What is consistent with the evidence, given the constant in words."""
    align: str
    expected: Callable[[float], Arrays]
    asked: float
    """The constant as declared."""
    known: tuple[float, ...] = ()
    """Values that it is often given."""
    near: tuple[float, ...] = ()
    """Where to begin to look for another."""
    cost: int = 0

    def of(self, value: float, cost: int = 0) -> Hypothesis:
        """With the constant settled."""
        expected = partial(self.expected, value)
        return Hypothesis(self.code, self.text(number(value)), self.align, expected, self.cost + cost)


Suspected = Iterator[Hypothesis | Family]


@dataclass(frozen=True)
class Judged:
    """A hypothesis and what it leaves."""

    hypothesis: Hypothesis
    rest: Rest

    @property
    def rank(self) -> tuple[int, int, int]:
        """The smallest first; rests that differ by less than half an order of magnitude count as alike."""
        return self.rest.level, self.hypothesis.cost, floor(2 * log10(max(self.rest.share, 1e-3)))


# What is tried may overflow or divide by zero: that speaks against it, and is no warning for whoever reads the report.
@np.errstate(all="ignore")
def judged(hypotheses: Iterable[Hypothesis | Family], evidence: Evidence) -> list[Judged]:
    """All that leave nothing, or next to nothing; a constant is fitted only where no well-known value leaves nothing."""
    hypotheses = list(hypotheses)
    found = [each for hypothesis in hypotheses for each in _as_known(hypothesis, evidence)]
    if not any(each.rest.level == 0 for each in found):
        families = (hypothesis for hypothesis in hypotheses if isinstance(hypothesis, Family))
        found += [each for family in families for each in _as_fitted(family, evidence)]
    return [each for each in found if each.rest.level < 2]


@np.errstate(all="ignore")
def judged_by_size(hypotheses: Suspected, evidence: Evidence) -> list[Judged]:
    """Those whose effect is as large as what is seen, though not the same."""
    found = []
    for hypothesis in hypotheses:
        assert isinstance(hypothesis, Hypothesis)
        expected = hypothesis.expected()
        if _as_large(evidence, expected):
            found.append(Judged(replace(hypothesis, cost=2), evidence.rest(evidence.shown)))
    return found


def named(found: Iterable[Judged], side: str) -> tuple[Cause, ...]:
    """The causes to name: of each code the likeliest, and those that leave something only where none leaves nothing."""
    ranked = sorted(found, key=lambda each: each.rank)
    causes: dict[str, Cause] = {}
    for each in ranked:
        if each.rest.level == ranked[0].rest.level:
            one = each.hypothesis
            causes.setdefault(one.code, Cause(one.code, one.text, one.align, side))
    return tuple(causes.values())[:MOST]


def _as_known(hypothesis: Hypothesis | Family, evidence: Evidence) -> Iterator[Judged]:
    """A hypothesis as it is, or with its constant at the first well-known value that leaves nothing."""
    if isinstance(hypothesis, Hypothesis):
        yield _judge(hypothesis, evidence)
        return
    known = (_judge(hypothesis.of(value), evidence) for value in hypothesis.known if value != hypothesis.asked)
    yield from islice((each for each in known if each.rest.level == 0), 1)


def _as_fitted(family: Family, evidence: Evidence) -> Iterator[Judged]:
    """With the constant that fits, or a round number near it that does as well."""
    value = fitted(family, evidence)
    if value is None:
        return
    free = _judge(family.of(value, 2), evidence)
    if free.rest.level < 2:
        tried = (_judge(family.of(round_, 1), evidence) for round_ in rounded(value, family.asked))
        yield next((each for each in tried if each.rest.level <= free.rest.level), free)


def _judge(hypothesis: Hypothesis, evidence: Evidence) -> Judged:
    return Judged(hypothesis, evidence.rest(hypothesis.expected()))


def fitted(family: Family, evidence: Evidence) -> float | None:
    """The constant that leaves least: the best of a few beginnings, then Gauss-Newton steps; None where none is found."""
    begins = [value for value in (*family.near, *family.known, family.asked) if isfinite(value)]
    best, value = min((evidence.rest(family.expected(value)).share, value) for value in begins)
    for _ in range(STEPS):
        width = max(abs(value), 1e-12) * 1e-4
        here, there = (evidence.standing(family.expected(v)) for v in (value, value + width))
        slope = (there - here) / width
        square = float(slope @ slope)
        if not isfinite(square) or square == 0.0:
            break
        move = float(slope @ (evidence.target - here)) / square
        # A step that overshoots is halved until it helps.
        shares = ((evidence.rest(family.expected(value + move / 2**k)).share, value + move / 2**k) for k in range(8))
        better = next((tried for tried in shares if tried[0] < best), None)
        if better is None:
            break
        best, value = better
    return value if isfinite(best) else None


def rounded(value: float, asked: float) -> Iterator[float]:
    """Numbers near a value that a person would write, the roundest first: digits of it, of 1 - it, of its ratio to `asked`."""
    for digits in (1, 2, 3):
        yield _to_digits(value, digits)
        yield 1.0 - _to_digits(1.0 - value, digits)
        if asked:
            yield asked * _to_digits(value / asked, digits)
            yield asked * (1.0 + _to_digits(value / asked - 1.0, digits))
        if value:
            yield 1.0 / _to_digits(1.0 / value, digits)


def number(value: float) -> str:
    """As few digits as it takes to know the value again, at most nine."""
    return next((text for digits in range(1, 10) if float(text := f"{value:.{digits}g}") == value), f"{value:.9g}")


def difference(shown: NDArray[Any], expected: NDArray[Any]) -> Floats:
    """By element; zero where both left the finite numbers alike, infinite where only one did."""
    one, other = (np.asarray(array, np.float64) for array in (shown, expected))
    with np.errstate(all="ignore"):
        distance = np.abs(one - other)
    alike = (one == other) | (np.isnan(one) & np.isnan(other))
    return np.where(alike, 0.0, np.where(np.isfinite(distance), distance, inf))


def _to_digits(value: float, digits: int) -> float:
    if not value or not isfinite(value):
        return value
    return round(value, digits - ceil(log10(abs(value))))


def _as_large(evidence: Evidence, expected: Arrays) -> bool:
    """Within a factor of two, in the Euclidean norm: of a single element or tensor, chance decides how rounding adds up."""
    seen, simulated = (
        np.sqrt(
            sum(float(np.square(arrays[n] - evidence.healthy[n], dtype=np.float64).sum()) for n in evidence.allowed)
        )
        for arrays in (evidence.shown, expected)
    )
    return bool(simulated / 2 <= seen <= 2 * simulated)
