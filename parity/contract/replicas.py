"""Stacks of replicas: what `fit_many` is given, along a first axis R, and taken apart again."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from parity.contract.arrays import BatchOrder, Data, State
from parity.contract.errors import require
from parity.contract.optimizers import LevenbergMarquardt
from parity.contract.training import TrainingConfig

Given = Data | BatchOrder | Sequence[Data] | Sequence[BatchOrder]


def stacked(replicas: Sequence[Any]) -> Any:
    """States, data or orders as one of their kind, its arrays with a first axis R; what is no array is the first's."""
    first = replicas[0]
    if isinstance(first, np.ndarray):
        return np.stack(replicas)
    if isinstance(first, Mapping):
        return {name: stacked([each[name] for each in replicas]) for name in first}
    if is_dataclass(first) and not isinstance(first, type):
        names = [field.name for field in fields(first)]
        return replace(first, **{name: stacked([getattr(each, name) for each in replicas]) for name in names})
    return first


def replica(stack: Any, r: int) -> Any:
    """One of a stack; what is no array stays as it is."""
    if isinstance(stack, np.ndarray):
        return stack[r]
    if isinstance(stack, Mapping):
        return {name: replica(each, r) for name, each in stack.items()}
    if is_dataclass(stack) and not isinstance(stack, type):
        return replace(stack, **{field.name: replica(getattr(stack, field.name), r) for field in fields(stack)})
    return stack


def numbers_held(config: TrainingConfig, data: Data | Sequence[Data], order: BatchOrder | Sequence[BatchOrder]) -> int:
    """How many numbers one replica holds in a step: its parameters, what each layer makes of a batch, and of a solver more."""
    one_data = data if isinstance(data, Data) else data[0]
    one_order = order if isinstance(order, BatchOrder) else order[0]
    rows = len(one_data.inputs) if one_order.rows is None else one_order.rows.shape[1]
    held = config.size + rows * sum([*config.model.hidden, config.outputs])
    if isinstance(config.optimizer, LevenbergMarquardt):
        held += config.size * (config.size + min(rows, config.block_rows) * config.outputs)
    return held


def stacks(replicas: int, at_once: int) -> list[slice]:
    """How replicas are cut into the fewest stacks of at most `at_once`, or of one, as alike in size as can be."""
    parts = -(-replicas // max(1, at_once))
    cuts = [replicas * part // parts for part in range(parts + 1)]
    return [slice(start, stop) for start, stop in pairwise(cuts)]


def of_replicas(shared_or_own: Given, part: slice) -> Any:
    """What some replicas are given: what all share, as it is, or their own, stacked; of one alone never a stack."""
    if isinstance(shared_or_own, Data | BatchOrder):
        return shared_or_own
    own = shared_or_own[part]
    return own[0] if len(own) == 1 else stacked(own)


def check_replicas(states: Sequence[State], data: Given, order: Given) -> None:
    """Raise InputError unless the states are at one step, with one data and order for all or one of a shape for each."""
    steps = {state.step for state in states}
    require(len(steps) <= 1, f"fit_many was given states at steps {sorted(steps)}; expected all at one step.")
    for what, given in (("data", data), ("orders", order)):
        if isinstance(given, Data | BatchOrder):
            continue
        require(
            len(given) == len(states),
            f"fit_many was given {len(given)} {what} for {len(states)} states; expected one for each, or one for all.",
        )
        shapes = {_shapes(each) for each in given}
        require(
            len(shapes) <= 1,
            f"fit_many was given {what} of different shapes: {' and '.join(sorted(map(str, shapes))[:2])}; "
            "expected all alike. Train those that differ in calls of their own.",
        )


def _shapes(given: Data | BatchOrder) -> tuple[Any, ...]:
    if isinstance(given, Data):
        return given.inputs.shape, given.targets.shape
    return given.steps, *((name, array.shape) for name, array in sorted(given.named().items()))
