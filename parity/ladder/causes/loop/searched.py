"""Which batch or row stands in the place of another: searched by the loss that the run tells, and then run in full."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract import State
from parity.ladder.causes.hypothesis import Suspected
from parity.ladder.causes.loop.fed import ALIGN_ORDER, Of, Rows, with_rows
from parity.ladder.causes.loop.walk import Loop
from parity.ladder.causes.loss import valued
from parity.ladder.causes.network import Network

Order = NDArray[Any]
"""(S, B) which rows each step sees."""
Place = tuple[int, int]
"""A position in a batch, and the row that stands there."""

SEARCHED = 1000
"""Batches that are tried in the place of one."""
PAIRS = 4000
"""Exchanges of one row for another that are tried where a batch is normalised together."""
CLOSEST = 4
"""Of what was searched, how many are looked at in full."""


def batches(loop: Loop) -> Suspected:
    """Another step's batch."""
    order = loop.given.order.rows
    if order is None or not loop.is_loss:
        return
    for step in _near_batches(loop, order):
        for text, of in _with_batch_of(step, loop.here, len(order)).items():
            altered = with_rows(loop, partial(_of_step, order, of))
            yield loop.so("order.rows", text, ALIGN_ORDER, altered, 1)


def _of_step(order: Order, of: Of, step: int) -> Rows:
    rows: Rows = order[of(step)]
    return rows


def _near_batches(loop: Loop, order: Order) -> list[int]:
    """Steps whose batch would give a loss close to the one that is told."""
    state, shown, network = loop.states[loop.here], _shown(loop), Network.of(loop.trainer.config.model)
    tried = [step for step in range(min(SEARCHED, len(order))) if step != loop.here]
    return sorted(tried, key=lambda step: abs(_loss_of(loop, network, state, order[step]) - shown))[:CLOSEST]


def _with_batch_of(step: int, here: int, total: int) -> dict[str, Of]:
    away, exchanged = step - here, {here: step, step: here}
    shift = f"{abs(away)} steps {'before' if away < 0 else 'behind'}"
    return {
        f"step {here + 1} sees the batch of step {step + 1}": lambda t: step if t == here else t,
        f"the batches of steps {here + 1} and {step + 1} are exchanged": lambda t: exchanged.get(t, t),
        f"from step {here + 1} on each step sees the batch {shift}": lambda t: (
            min(max(t + away, 0), total - 1) if t >= here else t
        ),
    }


def single_rows(loop: Loop) -> Suspected:
    """One row in the place of another."""
    order, here = loop.given.order.rows, loop.here
    if order is None or not loop.is_loss:
        return
    for position, row in _near_rows(loop, order):
        old, one = int(order[here][position]), {here: (position, row)}
        text = f"step {here + 1} sees row {row} where row {old} belongs"
        yield loop.so("order.rows", text, ALIGN_ORDER, with_rows(loop, partial(_exchanged, order, one)), 1)
        other = next((t for t in range(here + 1, loop.last) if row in order[t]), None)
        if other is not None:
            both = one | {other: (int(np.flatnonzero(order[other] == row)[0]), old)}
            text = f"rows {old} and {row} are exchanged between steps {here + 1} and {other + 1}"
            yield loop.so("order.rows", text, ALIGN_ORDER, with_rows(loop, partial(_exchanged, order, both)), 1)
        text, align = f"from step {here + 1} on row {old} is a copy of row {row}", "the data are not changed in place"
        altered = with_rows(loop, partial(_copied, order, here, old, row))
        yield loop.so("order.rows", text, align, altered, 1)


def _near_rows(loop: Loop, order: Order) -> list[Place]:
    """Places in the batch and the rows that would, standing there, give a loss close to the one that is told."""
    rows, state, config = order[loop.here], loop.states[loop.here], loop.trainer.config
    network, count = Network.of(config.model), len(loop.given.train.inputs)
    pairs = [(b, n) for b in range(len(rows)) for n in range(count)]
    if loop.given.order.masks or loop.given.state.buffers:
        if len(pairs) > PAIRS:
            return []
        losses = np.array([_loss_of(loop, network, state, _put(rows, pair)) for pair in pairs])
    else:
        each = np.array([_loss_of(loop, network, state, np.array([n])) for n in range(count)])
        weight = 1.0 if config.loss.reduction == "sum" else 1 / len(rows)
        own = weight * each[rows].sum()
        losses = (own + weight * (each[None, :] - each[rows][:, None])).ravel()
    return [pairs[k] for k in np.argsort(np.abs(losses - _shown(loop)))[:CLOSEST]]


def _shown(loop: Loop) -> float:
    """The loss that the run tells of the step."""
    return float(loop.suspect.beginning.losses[loop.here])


def _loss_of(loop: Loop, network: Network, state: State, rows: Rows) -> float:
    """The loss of some rows with the masks of the step, by the restated network."""
    masks, train = {name: mask[loop.here] for name, mask in loop.given.order.masks.items()}, loop.given.train
    x, t = (array[rows].astype(np.float64) for array in (train.inputs, train.targets))
    return valued(loop.trainer.config.loss, network.predict(state.parameters, state.buffers, x, True, masks), t)[0]


def _exchanged(order: Order, places: Mapping[int, Place], step: int) -> Rows:
    return _put(order[step], places[step]) if step in places else order[step]


def _put(rows: Rows, place: Place) -> Rows:
    """Some rows with another at one place."""
    found = rows.copy()
    found[place[0]] = place[1]
    return found


def _copied(order: Order, first: int, old: int, row: int, step: int) -> Rows:
    rows: Rows = order[step]
    return np.where(rows == old, row, rows) if step >= first else rows
