"""What one watched step looked like: how the prediction was made, where it met the target, and which values tell of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from jax_impl.watch.backward import Backward
from jax_impl.watch.flat import Flat, Flattener
from jax_impl.watch.keys import Key
from jax_impl.watch.reading import Reading
from jax_impl.watch.values import kept
from parity.contract import Operation, Place, Trace, WatchedStep

ENDS = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0), "hardtanh": (-1.0, 1.0)}
NEAR = 1e-3


@dataclass(frozen=True)
class Picture:
    loss: Key
    loss_place: Place | None
    loss_function: str
    prediction: Key | None
    target: Key | None
    inputs: Key | None
    operations: tuple[Operation, ...]
    results: tuple[Key, ...]
    befores: tuple[Key | None, ...]
    """What each operation was given."""
    used: frozenset[Key]
    """The parameters that gradients of the loss are taken through."""
    detached: Place | None
    """Where the way to the parameters is cut."""

    @property
    def keys(self) -> list[Key]:
        parts = zip(self.operations, self.results, self.befores, strict=True)
        looked_at = [result if one.kind == "activation" else before for one, result, before in parts if shown(one)]
        known = [self.loss, self.prediction, self.target, self.inputs, *looked_at]
        return [key for key in known if key is not None]


def shown(operation: Operation) -> bool:
    return operation.kind in ("activation", "batch_norm")


def taped_flats(backward: Backward) -> list[Flat]:
    flattener = Flattener(backward.values)
    for one in backward.tape:
        inputs = tuple(flattener.resolve(key) for key in one.inputs)
        flattener.operation(one.primitive, one.params, inputs, one.outputs, one.place, None)
    return flattener.operations


def picture_of(backward: Backward, flats: list[Flat], same: Callable[[Key], Key]) -> Picture:
    reading = Reading({same(key): name for key, name in backward.parameters.items()}, backward.values)
    operations = reading.read(flats, backward.spans)
    trace = Trace(operations, {same(key): name for key, name in backward.parameters.items()})
    loss = reading.resolve(same(backward.loss))
    meeting = trace.meeting(loss)
    if meeting is None:
        call = backward.modules[-1] if backward.modules else None
        prediction = reading.resolve(same(call.output)) if call else None
        way, results, inputs = trace.chain(prediction) if call else ((), (), None)
        place, function, target = None, "", None
    else:
        way, results, inputs = trace.chain(meeting.prediction)
        place, function, prediction, target = meeting.place, meeting.function, meeting.prediction, meeting.target
    if backward.modules:
        inputs = reading.resolve(same(backward.modules[0].inputs))
    befores = tuple(before(trace, key) for key in results)
    cuts = [one.place for one in operations if one.name == "stop_gradient"]
    behind = [operation.place for operation in way if operation.name == "stop_gradient"]
    detached = behind[0] if behind else (cuts[0] if cuts and not way else None)
    used = frozenset(trace.used(loss))
    return Picture(loss, place, function, prediction, target, inputs, way, results, befores, used, detached)


def before(trace: Trace, key: Key) -> Key | None:
    maker = trace.makers.get(key)
    return maker.arguments[0] if maker is not None and maker.arguments else None


def step_of(picture: Picture, values: Mapping[Key, Any], number: int, **told: Any) -> WatchedStep:
    """The record of one step, from its values."""

    def value(key: Key | None) -> Any:
        return kept(values.get(key)) if key is not None else None

    operations = []
    for operation, result, given in zip(picture.operations, picture.results, picture.befores, strict=True):
        key = result if operation.kind == "activation" else given
        array = value(key) if shown(operation) else None
        operations.append(operation if array is None else measured(operation, array))
    loss = value(picture.loss)
    return WatchedStep(
        number=number,
        loss=float(loss) if loss is not None and loss.size == 1 else float("nan"),
        loss_place=picture.loss_place,
        loss_function=picture.loss_function,
        inputs=value(picture.inputs),
        predictions=value(picture.prediction),
        targets=value(picture.target),
        operations=tuple(operations),
        **told,
    )


def measured(operation: Operation, array: np.ndarray) -> Operation:
    """With the shares that tell of dead and saturated units, and of inputs far from 0."""
    rows = array.reshape(-1, array.shape[-1]) if array.ndim > 1 else array.reshape(-1, 1)
    if operation.kind == "batch_norm":
        spread = np.maximum(rows.std(axis=0), np.finfo(np.float32).tiny)
        return replace(operation, shift=float(np.max(np.abs(rows.mean(axis=0)) / spread)))
    off = float(np.mean(np.all(rows == 0, axis=0)))
    ends = ENDS.get(operation.name, ())
    near = [np.abs(rows - end) < NEAR for end in ends]
    return replace(operation, off=off, ends=float(np.mean(np.any(near, axis=0))) if near else 0.0)
