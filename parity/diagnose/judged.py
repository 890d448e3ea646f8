"""How a program judges its network: its evaluations, with their targets in the units that the network answers in.

Programs scale targets, or take their logarithm, and undo that before they score; what they score with is then no target of
the network's own. N rows, K outputs.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract import Evaluation, Place

Floats = NDArray[np.float64]

FEW = 10  # Rows below which two columns may lie on a line by chance.
CLOSE = (
    1e-4  # Of the spread, up to which numbers lie on a line: float32 keeps seven digits, and a mean takes some of them.
)
# What programs undo before they score, beside a factor and a summand: they learned log(y), or log(1 + y).
LINKS: tuple[Callable[[Floats], Floats], ...] = (lambda y: y, np.log, np.log1p)


@dataclass(frozen=True)
class Scored:
    """A pair of arrays that the program itself handed to a scoring function."""

    truth: NDArray[Any]
    prediction: NDArray[Any]
    place: Place | None
    function: str


def judged(evaluations: Sequence[Evaluation], scored: Sequence[Scored], classes: bool) -> Iterator[Evaluation]:
    """Each evaluation with its targets, found at a later comparison where it was not compared itself.

    One whose `compared` is None behind this has targets in the network's units; another keeps what it was compared as.
    """
    for one in evaluations:
        pairs = [*_own(one), *_of_same_inputs(one, evaluations, classes), *_of_scores(one, scored)]
        shown = one.predictions if one.compared is None else one.compared
        if classes:
            yield replace(one, predictions=shown, compared=None, targets=pairs[0][1] if pairs else None)
            continue
        found = (
            truth for compared, answers in pairs if (truth := in_units(one.predictions, compared, answers)) is not None
        )
        truth = next(found, None)
        if truth is not None:
            yield replace(one, targets=truth, compared=None)
        elif one.targets is not None and np.size(one.targets) != np.size(shown):
            yield replace(
                one, targets=None, compared=None
            )  # It met something else, as the factor that undoes a scaling.
        elif one.compared is not None:
            yield replace(one, predictions=shown)
        else:
            yield one


def in_units(answer: NDArray[Any], compared: NDArray[Any], truth: NDArray[Any]) -> NDArray[Any] | None:
    """(N, K) the truth in the units of an answer, which was compared with it in other units; None where these can't be told."""
    if not np.size(answer) == np.size(compared) == np.size(truth) or np.ndim(answer) == 0:
        return None
    rows = len(answer)
    own, shown, true = (np.asarray(array, float).reshape(rows, -1) for array in (answer, compared, truth))
    if np.array_equal(own, shown, equal_nan=True):
        return truth
    for link in LINKS if rows >= FEW else ():
        with np.errstate(all="ignore"):
            line = _line(own, link(shown))
            if line is not None:
                slope, offset = line
                back: Floats = (link(true) - offset) / slope
                return back
    return None


def _line(x: Floats, y: Floats) -> tuple[Floats, Floats] | None:
    """Slope and offset of each column of y over that of x, where all rows lie on one line."""
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return None
    from_mean, spread = x - x.mean(0), x.std(0)
    slope = (from_mean * y).mean(0) / spread**2
    offset = y.mean(0) - slope * x.mean(0)
    off = np.abs(slope * x + offset - y).max(0)
    on_line = (spread > 0) & (slope != 0) & (off <= CLOSE * y.std(0) + 1e-6 * np.abs(y).max(0))
    return (slope, offset) if on_line.all() else None


Pair = tuple[NDArray[Any], NDArray[Any]]


def _own(one: Evaluation) -> Iterator[Pair]:
    if one.targets is not None:
        yield one.predictions if one.compared is None else one.compared, one.targets


def _of_same_inputs(one: Evaluation, evaluations: Sequence[Evaluation], classes: bool) -> Iterator[Pair]:
    """What another evaluation of the same rows was compared with; its own answer stands for what it was compared as."""
    for other in reversed(evaluations):
        if other is one or other.targets is None or not same(other.inputs, one.inputs):
            continue
        if classes or other.compared is None:
            yield one.predictions, other.targets
        else:
            truth = in_units(other.predictions, other.compared, other.targets)
            if truth is not None:
                yield one.predictions, truth


def _of_scores(one: Evaluation, scored: Sequence[Scored]) -> Iterator[Pair]:
    for pair in reversed(scored):
        if in_units(one.predictions, pair.prediction, pair.truth) is not None:
            yield pair.prediction, pair.truth


def same(one: NDArray[Any] | None, other: NDArray[Any] | None) -> bool:
    """Whether two arrays hold the same numbers."""
    return (
        one is not None
        and other is not None
        and one.shape == other.shape
        and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    )
