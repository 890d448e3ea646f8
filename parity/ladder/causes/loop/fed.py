"""What a run feeds its steps with: batches in another order, masks of another step."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract import Batch
from parity.ladder.causes.hypothesis import Suspected
from parity.ladder.causes.loop.walk import Altered, Loop
from parity.ladder.causes.transitions import steps_an_epoch

Rows = NDArray[Any]
"""(B,) which rows a step sees."""
Of = Callable[[int], int]
"""Whose batch or masks a step has, both counted from 0."""

ALIGN_ORDER = "the rows of each step are data: one order for the run, as given"
ALIGN_MASKS = "the masks of each step are data: those of its own number"


def with_rows(loop: Loop, rows: Callable[[int], Rows]) -> Altered:
    """The run with other rows in its batches."""
    train, order = loop.given.train, loop.given.order

    def batch(step: int) -> Batch:
        chosen = rows(step)
        masks = {name: mask[step] for name, mask in order.masks.items()}
        return Batch(train.inputs[chosen], train.targets[chosen], masks)

    return Altered(batch)


def orders(loop: Loop) -> Suspected:
    """Other orders of the batches."""
    rows = loop.given.order.rows
    if rows is None:
        return
    epoch, last = steps_an_epoch(loop.suspect.start), loop.given.order.steps - 1

    def of_steps(of: Of) -> Altered:
        return with_rows(loop, lambda t: rows[min(max(of(t), 0), last)])

    if epoch > 1:
        for text, of in _repeated(loop.here, epoch).items():
            yield loop.so("order.repeated", text, ALIGN_ORDER, of_steps(of))
    for text, of in _shifted(loop.here).items():
        yield loop.so("order.rows", text, ALIGN_ORDER, of_steps(of))
    size = rows.shape[1]
    text = "the rows are taken in their own order, epoch after epoch"
    own = with_rows(loop, lambda t: np.arange(t % epoch * size, (t % epoch + 1) * size))
    yield loop.so("order.rows", text, ALIGN_ORDER, own)


def _repeated(here: int, epoch: int) -> dict[str, Of]:
    end = here // epoch * epoch + epoch
    return {
        "every epoch has the order of the first": lambda t: t % epoch,
        f"from step {here + 1} on each epoch has the order of the one before": lambda t: t - epoch if t >= here else t,
        "one epoch has the order of the one before": lambda t: t - epoch if here <= t < end else t,
    }


def _shifted(here: int) -> dict[str, Of]:
    exchanged = {here: here + 1, here + 1: here}
    return {
        "each step sees the batch of the one before": lambda t: t - 1 if t >= here else t,
        "each step sees the batch of the one behind": lambda t: t + 1 if t >= here else t,
        f"the batches of steps {here + 1} and {here + 2} are exchanged": lambda t: exchanged.get(t, t),
    }


def masks(loop: Loop) -> Suspected:
    """Masks of other steps."""
    given, here, last = loop.given.order.masks, loop.here, loop.given.order.steps - 1
    if not given:
        return

    def of_steps(of: Of) -> Altered:
        def batch(step: int) -> Batch:
            chosen = {name: mask[min(max(of(step), 0), last)] for name, mask in given.items()}
            return replace(loop.given.batch(step), masks=chosen)

        return Altered(batch)

    before = max(here - 1, 0)
    others: dict[str, Of] = {
        "each step has the masks of the one before": lambda t: t - 1,
        "each step has the masks of the one behind": lambda t: t + 1,
        "every step has the masks of the first": lambda t: 0,
        f"from step {here + 1} on every step has the masks of step {here}": lambda t: min(t, before),
    }
    for text, of in others.items():
        yield loop.so("masks.order", text, ALIGN_MASKS, of_steps(of))
