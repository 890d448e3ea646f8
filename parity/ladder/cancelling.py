"""Where the digits of a gradient cancel, so that what is left of it is rounding, and no replica moves that.

An absolute error, or a Huber loss far from its targets, gives every row the same gradient up to its sign. Where as many pull
one way as the other the sum is exactly zero in one order of adding, and a few units in the last place of its terms in another.
Rows that are alike are rounded alike by a reference that treats them alike, and what they pull apart cancels with its error.
A saturated sigmoid's slope is a difference from 1 of a few units in the last place (see `activations`); float32 has nothing
left of it. What is smaller than the square root of the smallest number with all its digits has no square, and a processor may
take it for zero in the middle of a product (IEEE 754-2019, 7.5; JAX does so on the CPU). What an optimizer makes of any of
them, where it divides by the size of a gradient, is a whole step, and what follows from that is open.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import inf, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract import Arrays, Batch, State
from parity.ladder.activations import of_activations
from parity.ladder.plan import MORE_SEED
from parity.ladder.replicas import disturb
from parity.ladder.view import View, before_batch, of_batch

PARTS, REPLICAS = 3, 5
"""How many parts of a batch are looked at, each of about half of the rows, drawn anew; and how many replicas of each."""


def left_of_gradients(view: View, other: View | None, dtype: str) -> dict[str, NDArray[Any]]:
    """By tensor and element, the usual error of adding up the terms of a gradient, and all of what float32 has lost.

    `other` is the view in the other dtype, `dtype` the one that is rounded to.
    """
    terms = Terms(view, view.given.state, 0, other, dtype)
    return {
        name: np.where(terms.lost[name], np.abs(gradient), terms.rounding[name])
        for name, gradient in terms.whole.items()
    }


def open_behind(view: View, k: int, other: View | None, dtype: str) -> dict[str, NDArray[Any]]:
    """By tensor and element behind step k, counted from 0, what rounding of the terms of its gradient makes of it.

    Infinitely much of all of them behind the first step that left nothing of one tensor.
    """
    for i, state in enumerate([view.given.state, *view.stepped][: k + 1]):
        terms = Terms(view, state, i, other, dtype)
        if i == k:
            return terms.moved(state.named(), view.behind(k))
        if terms.is_open:
            return {name: np.full(array.shape, inf) for name, array in state.named().items()}
    return {}


@dataclass
class Terms:
    """What the gradient of one step is the sum of; everything by tensor and element."""

    run: View
    before: State
    step: int
    other: View | None
    dtype: str

    @cached_property
    def all_rows(self) -> View:
        """The batch of the step."""
        return View(self.run.trainer, before_batch(self.run.given, self.before, self.step), 1)

    @cached_property
    def whole(self) -> Arrays:
        """The gradient."""
        return self.all_rows.gradients

    @property
    def looked_at(self) -> list[View]:
        """The batch and its parts."""
        return [self.all_rows, *self.parts]

    @cached_property
    def parts(self) -> list[View]:
        """Parts of the batch, each seen from the same state; none of three rows, which cancel only exactly."""
        random, batch = np.random.default_rng(self.step), self.run.given.batch(self.step)
        count = len(batch.inputs)
        odd = count // 2 | 1  # an odd number of equal pulls never cancels
        drawn = [random.permutation(count)[:odd] for _ in range(PARTS)] if count > 3 else []
        return [View(self.run.trainer, of_batch(_rows_of(batch, rows), self.before), 1) for rows in drawn]

    @cached_property
    def rounding(self) -> dict[str, NDArray[Any]]:
        """The usual error of adding up so many terms as there are rows, and what replicas show of a part.

        No less than for the largest element, as all come from the same factors; and where an element is too small for a
        product, the largest that is.
        """
        rows, bound = sqrt(len(self.run.given.batch(self.step).inputs)), sqrt(np.finfo(self.dtype).tiny)
        found = {
            name: np.fmax(_largest_below(bound, gradient), rows * np.spacing(np.abs(gradient).max().astype(self.dtype)))
            for name, gradient in self.whole.items()
        }
        for part in self.parts:
            for name, error in _errors(part):
                size = np.abs(part.gradients[name]).astype(self.dtype)
                added = np.where(size > 0, rows * np.spacing(size), 0)
                found[name] = np.fmax(found[name], added + error)
        return {name: np.fmax(error, self.in_activations[name]) for name, error in found.items()}

    @cached_property
    def in_activations(self) -> dict[str, NDArray[Any]]:
        """What rounding in activations makes of the gradient of the batch or of a part."""
        found: dict[str, NDArray[Any]] = {name: np.zeros(gradient.shape) for name, gradient in self.whole.items()}
        for view in self.looked_at:
            config, parameters = view.trainer.config, self.before.parameters
            for name, error in of_activations(config, parameters, view.gradients, self.dtype):
                found[name] = np.fmax(found[name], error)
        return found

    @cached_property
    def cancelled(self) -> dict[str, NDArray[np.bool_]]:
        """What is no more than that, and not because all terms are zero."""
        smallest = np.finfo(self.dtype).tiny
        return {
            name: (np.abs(gradient) <= self.rounding[name]) & (self.rounding[name] > smallest)
            for name, gradient in self.whole.items()
        }

    @cached_property
    def lost(self) -> dict[str, NDArray[np.bool_]]:
        """Of a gradient in float64, what is zero in float32."""
        if self.other is None or self.dtype != "float64":
            return {name: np.zeros(gradient.shape, bool) for name, gradient in self.whole.items()}
        given = before_batch(self.run.given, self.before, self.step).cast("float32")
        coarse = View(self.other.trainer, given, 1).gradients
        return {name: (coarse[name] == 0) & (gradient != 0) for name, gradient in self.whole.items()}

    @property
    def is_open(self) -> bool:
        """Whether nothing is left of some tensor that there was something of."""
        for name, mask in self.cancelled.items():
            gone = mask | self.lost[name]
            if gone.all() and (gone & ~self.nothing[name]).any():
                return True
        return False

    @cached_property
    def nothing(self) -> dict[str, NDArray[np.bool_]]:
        """What is zero for the batch and for each part."""
        return {name: np.all([view.gradients[name] == 0 for view in self.looked_at], axis=0) for name in self.whole}

    def moved(self, before: Arrays, after: Arrays) -> dict[str, NDArray[Any]]:
        """Of a state behind the step, what rounding of the terms makes of it.

        The share of the move that it is of the gradient, or what it changes of the move as far as a part shows that, whose
        gradient and move are others: a move is itself a difference where the gradient turns. A part's move where the gradient
        cancelled, and all of it where it is lost. Anything where an activation left nothing of it, in any part.
        """
        found: dict[str, NDArray[Any]] = {}
        for name, array in after.items():
            parameter = name.split(" of ")[-1]
            if parameter not in self.whole:
                continue
            move, rounding = np.abs(array - before[name]), self.rounding[parameter]
            share = _share(rounding, self.whole[parameter])
            found[name] = np.where(self.lost[parameter], move, move * share)
            for part, state in self.stepped:
                other = state[name]
                change = np.abs(array - other) * _share(rounding, self.whole[parameter] - part[parameter])
                of_part = np.where(self.cancelled[parameter], np.abs(other - before[name]), change)
                found[name] = np.maximum(found[name], of_part)
            gone = self.nothing[parameter] & (self.in_activations[parameter] > 0)
            found[name] = np.where(gone, inf, found[name])
        return found

    @cached_property
    def stepped(self) -> list[tuple[Arrays, Arrays]]:
        """The gradient of each part and the state behind its step."""
        return [(part.gradients, state.named()) for part in self.parts for state in part.stepped]


def _share(rounding: NDArray[Any], of: NDArray[Any]) -> NDArray[np.float64]:
    """How much of something rounding is, at most 1: dividing by what is next to nothing would overflow."""
    size, share = np.abs(of), np.zeros(of.shape)
    np.divide(np.minimum(rounding, size), size, out=share, where=size > 0)
    return share


def _largest_below(bound: float, array: NDArray[Any]) -> NDArray[np.float64]:
    """At each element that is smaller, the largest of them; 0 elsewhere."""
    size = np.abs(array).astype(np.float64)
    return np.where(size < bound, size.max(initial=0.0, where=size < bound), 0.0)


def _errors(part: View) -> Iterator[tuple[str, NDArray[Any]]]:
    """By tensor, the distances of a part's gradient in replicas, the original's units in their order."""
    for r in range(REPLICAS):
        replica = disturb(part.given, part.trainer.config, MORE_SEED + r)
        gradients = replica.restore(View(part.trainer, replica.given, 1).gradients)
        with np.errstate(invalid="ignore", over="ignore"):
            errors = {name: np.abs(gradients[name].astype(np.float64) - own) for name, own in part.gradients.items()}
        yield from errors.items()


def _rows_of(batch: Batch, rows: np.ndarray) -> Batch:
    return Batch(batch.inputs[rows], batch.targets[rows], {name: mask[rows] for name, mask in batch.masks.items()})
