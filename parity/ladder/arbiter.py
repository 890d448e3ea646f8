"""The arbiter: what float64 says, so that the report tells which side is off and by how much."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import isfinite

import numpy as np

from parity.contract import Arrays
from parity.ladder.envelope import Envelope, Judgement
from parity.ladder.gap import gaps, tensor_of
from parity.ladder.parting import Place
from parity.ladder.rungs import ENVELOPED, judged_at
from parity.ladder.subject import Subject
from parity.ladder.trajectory import Followed, kept
from parity.ladder.view import View
from parity.result import Error, Rung

NOBODY = "no float64 run but the two themselves; name a third backend with --arbiter"


@dataclass
class Voices:
    """The backends that can say in float64 what is right, each made when it is first asked."""

    names: tuple[str, ...]
    make: Callable[[str], Subject | None]
    """The float64 subject of a backend, or None where it has none."""
    asked: str = ""
    """The one that was asked to be the arbiter, if any."""

    def others(self, reference: Subject, candidate: Subject) -> list[Subject]:
        """All of them but the two themselves."""
        return self._made(self.names, reference, candidate)

    def own(self, reference: Subject, candidate: Subject) -> list[Subject]:
        """Those of the two backends, and the one that was asked, but the two themselves."""
        names = dict.fromkeys([self.asked, reference.contender.backend, candidate.contender.backend])
        return self._made([name for name in names if name], reference, candidate)

    def _made(self, names: Iterable[str], *without: Subject) -> list[Subject]:
        made = (self.make(name) for name in names)
        excluded = {subject.contender for subject in without}
        return [subject for subject in made if subject is not None and subject.contender not in excluded]


@dataclass(frozen=True)
class Accusation:
    """Who is off, and which float64 runs say so."""

    culprit: str
    """A contender, or empty where nothing tells."""
    voices: tuple[str, ...] = ()


def accuse(reference: Subject, candidate: Subject, place: Place, voices: Voices) -> Accusation:
    """Which of the two the float64 runs speak against at the place where they part.

    A run speaks against a side that is further from it than rounding explains, where the other side is not.
    """
    if place.side or place.envelope is None:
        return Accusation(place.side)
    envelope, look, judgement = judged_at(place.envelope, place.rung)
    sides = {
        str(subject.contender): look(view) for subject, view in zip((reference, candidate), envelope.views, strict=True)
    }
    unlike = [side for side, arrays in sides.items() if not _in_dtype(arrays, side.rsplit(":", 1)[1])]
    if len(unlike) == 1:
        return Accusation(unlike[0])
    allowed = _allowed(judgement)
    against: dict[str, list[str]] = {side: [] for side in sides}
    for voice in voices.others(reference, candidate):
        truth = look(_as_seen_by(voice, envelope))
        off = [side for side, arrays in sides.items() if distance(truth, arrays, place.tensor) > allowed]
        if len(off) == 1:
            against[off[0]].append(str(voice.contender))
    (first, one), (second, other) = against.items()
    if len(one) == len(other):
        return Accusation("")
    return Accusation(first, tuple(one)) if len(one) > len(other) else Accusation(second, tuple(other))


def errors_at_start(
    reference: Subject, candidate: Subject, rungs: Iterable[Rung], envelope: Envelope, voices: Voices
) -> tuple[dict[str, dict[str, Error]], str]:
    """By contender and rung, how far each is from the float64 consensus; and why nothing is said, where nothing is."""
    found: dict[str, dict[str, Error]] = {str(s.contender): {} for s in (reference, candidate)}
    truths, disagree = voices.own(reference, candidate), []
    if not truths:
        return found, NOBODY
    for rung in rungs:
        if rung.name not in ENVELOPED or rung.limit is None:
            continue
        at, look, judgement = judged_at(envelope, rung)
        if not isfinite(judgement.gap.size):
            continue
        consensus, *others = (look(_as_seen_by(truth, at)) for truth in truths)
        if any(distance(consensus, other, tensor_of(judgement.gap.where)) > judgement.noise for other in others):
            disagree.append(rung.name)
            continue
        for subject, view in zip((reference, candidate), at.views, strict=True):
            found[str(subject.contender)][rung.name] = _error(consensus, look(view), judgement)
    return found, f"{_listed(truths)} disagree in float64 at {', '.join(disagree)}" if disagree else ""


def _listed(subjects: Iterable[Subject]) -> str:
    return " and ".join(str(subject.contender) for subject in subjects)


def errors_on_the_way(reference: Subject, candidate: Subject, followed: Followed, voices: Voices) -> dict[str, Error]:
    """By contender, how far each is from the float64 consensus at the last checkpoint that is compared."""
    end = followed.end if followed.excess is None else followed.excess.step - 1
    at = [step for step in reference.compared_at if step <= end]
    truths = voices.own(reference, candidate)
    if not at or not truths:
        return {}
    c = len(at) - 1
    consensus, *others = (kept(truth.beginning, c) for truth in truths)
    found = {}
    for subject in (reference, candidate):
        each = gaps(consensus, kept(subject.beginning, c))
        noise = {name: followed.noise.of_tensor(name, c) for name in each}
        if any(gap.size > noise[name] for other in others for name, gap in gaps(consensus, other).items()):
            return {}
        worst = max(each, key=lambda name: each[name].size / noise[name] if noise[name] else 0.0)
        times = each[worst].size / noise[worst] if noise[worst] else 0.0
        found[str(subject.contender)] = Error(each[worst].relative, times)
    return found


def distance(truth: Arrays, found: Arrays, tensor: str) -> float:
    """Of one tensor, or of the furthest where it is not among them."""
    each = gaps(truth, found)
    return each[tensor].size if tensor in each else max((gap.size for gap in each.values()), default=0.0)


def _as_seen_by(voice: Subject, envelope: Envelope) -> View:
    """What the reference of an envelope looks at, in a voice's hands."""
    seen = envelope.views[0]
    return View(voice.trainer, seen.given.cast(voice.contender.dtype), seen.steps)


def _error(truth: Arrays, found: Arrays, judgement: Judgement) -> Error:
    name = tensor_of(judgement.gap.where)
    each = gaps(truth, found)
    gap = each[name] if name in each else max(each.values(), key=lambda gap: gap.relative)
    return Error(gap.relative, gap.size / judgement.noise if judgement.noise else 0.0)


def _in_dtype(arrays: Arrays, dtype: str) -> bool:
    """Whether all arrays are in the dtype that was asked for; single numbers have none of their own."""
    return all(array.dtype == dtype for array in arrays.values() if array.ndim)


def _allowed(judgement: Judgement) -> float:
    # A gap without bound is one of shape, or of numbers that are not finite: less than that is nobody's fault.
    return judgement.factor * judgement.noise if isfinite(judgement.gap.size) else float(np.finfo(np.float64).max)
