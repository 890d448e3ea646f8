"""The operations of a step by the contract's names."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jax_impl.watch.backward import Span
from jax_impl.watch.flat import Flat
from jax_impl.watch.keys import Key, Values
from parity.contract import Traced

NAMES = {
    "dot_general": "matmul",
    "add_any": "add",
    "logistic": "sigmoid",
    "reshape": "reshape",
    "squeeze": "reshape",
    "expand_dims": "reshape",
    "broadcast_in_dim": "reshape",
    "transpose": "reshape",
    "slice": "index",
    "dynamic_slice": "index",
    "gather": "index",
    "convert_element_type": "cast",
    "reduce_precision": "cast",
    "copy": "cast",
    "copy_p": "cast",
    "custom_jvp_call": "other",
}
MOVES_NUMBERS = frozenset({"reshape", "squeeze", "expand_dims", "transpose", "convert_element_type", "copy", "copy_p"})
ARITHMETIC = frozenset({"add", "sub", "mul", "div", "max", "min", "pow"})


class Reading:
    """Traced operations; what only spreads a value to another's shape, and another form of a parameter, is that value."""

    def __init__(self, parameters: Mapping[Key, str], values: Values) -> None:
        self.parameters = parameters
        self.values = values
        self.same: dict[Key, Key] = {}
        self.operations: list[Traced] = []
        self._made: set[Key] = set()
        self._flats: dict[Key, Flat] = {}
        self._scalars: dict[Key, float] = {}

    def resolve(self, key: Key) -> Key:
        while key in self.same:
            key = self.same[key]
        return key

    def read(self, flats: Sequence[Flat], spans: Sequence[Span]) -> list[Traced]:
        ends = {span.output: span for span in spans}
        for flat in flats:
            if not flat.outputs:
                continue
            self._flats[flat.outputs[0]] = flat
            inputs = tuple(self.resolve(key) for key in flat.inputs)
            span = ends.get(flat.outputs[0])
            if span is not None:
                self._span(span)
            elif self._is_same(flat, inputs):
                self.same[flat.outputs[0]] = inputs[0]
            else:
                self._operation(flat, inputs)
            self._made.update(flat.outputs)
        return self.operations

    def _span(self, span: Span) -> None:
        inputs = tuple(self.resolve(key) for key in span.inputs)
        taken = inputs if span.name.startswith("loss:") else inputs + self._inside(span.output, set(inputs))
        self.operations.append(Traced(span.name, taken, span.output, span.place, span.constants))

    def _inside(self, output: Key, inputs: set[Key]) -> tuple[Key, ...]:
        """The parameters that a span uses itself."""
        found: dict[Key, None] = {}
        seen, front = {output}, [output]
        while front:
            flat = self._flats.get(front.pop())
            for key in flat.inputs if flat else ():
                if key in seen or self.resolve(key) in inputs:
                    continue
                seen.add(key)
                if self.resolve(key) in self.parameters:
                    found[self.resolve(key)] = None
                else:
                    front.append(key)
        return tuple(found)

    def _is_same(self, flat: Flat, inputs: tuple[Key, ...]) -> bool:
        if len(inputs) < 1 or len(flat.outputs) != 1:
            return False
        if flat.name == "convert_element_type" and self._dtype(inputs[0]) == flat.params["new_dtype"]:
            return True
        moves = flat.name in MOVES_NUMBERS or flat.name == "broadcast_in_dim"
        if moves and (inputs[0] in self.parameters or self._scalar(inputs[0]) is not None):
            return True
        return flat.name == "broadcast_in_dim" and spreads(flat.params)

    def _dtype(self, key: Key) -> Any:
        variable = key[-1] if isinstance(key, tuple) else key
        return getattr(getattr(variable, "aval", self.values.get(key)), "dtype", None)

    def _operation(self, flat: Flat, inputs: tuple[Key, ...]) -> None:
        name, constants = NAMES.get(flat.name, flat.name), {}
        scalars = [self._scalar(key) for key in inputs]
        if flat.name == "max" and 0.0 in scalars:
            name = "relu"
        if name == "leaky_relu" and len(scalars) > 1 and scalars[1] is not None:
            constants = {"slope": scalars[1]}
        if flat.name in ARITHMETIC or name == "leaky_relu":
            kept = tuple(key for key, scalar in zip(inputs, scalars, strict=True) if scalar is None)
            inputs = kept or inputs
        hand = self._by_hand(flat, inputs, scalars)
        if hand is not None:
            name, inputs, constants = hand
        for output in flat.outputs:
            self.operations.append(Traced(name, inputs, output, flat.place, constants))

    def _scalar(self, key: Key) -> float | None:
        """The number that a key stands for, where it is written in the program."""
        key = self.resolve(key)
        if key in self._made or key not in self.values or key in self.parameters:
            return None
        if key not in self._scalars:
            self._scalars[key] = number_of(self.values[key])
        scalar = self._scalars[key]
        return None if scalar != scalar else scalar

    def _by_hand(self, flat: Flat, inputs: tuple[Key, ...], scalars: list) -> tuple | None:
        """An activation that the program spells out: where(x > 0, x, ...), 1 / (1 + exp(-x))."""
        if flat.name == "select_n" and len(flat.inputs) == 3:
            return self._where(flat)
        if flat.name == "div" and scalars[0] == 1.0 and len(inputs) == 1:
            x = inputs[0]
            for name in ("add", "exp", "neg"):
                maker = self._flats.get(x)
                if maker is None or maker.name != name:
                    return None
                x = next((key for key in map(self.resolve, maker.inputs) if self._scalar(key) is None), None)
            return "sigmoid", (x,), {}
        return None

    def _where(self, flat: Flat) -> tuple | None:
        condition, low, high = (self.resolve(key) for key in flat.inputs)
        test = self._flats.get(condition)
        if test is not None and test.name in ("gt", "ge") and high == self.resolve(test.inputs[0]):
            if self._scalar(low) == 0.0:
                return "relu", (high,), {}
            product = self._flats.get(low)
            if product is not None and product.name == "mul" and high in map(self.resolve, product.inputs):
                slopes = [self._scalar(key) for key in product.inputs]
                slope = next((slope for slope in slopes if slope is not None), None)
                return ("leaky_relu", (high,), {"slope": slope}) if slope is not None else None
        kept = high if self._scalar(low) == 0.0 else low if self._scalar(high) == 0.0 else None
        if kept is not None and self._is_drawn(condition):
            return "dropout", (kept,), {}
        return None

    def _is_drawn(self, key: Key) -> bool:
        seen, front = {key}, [key]
        while front:
            flat = self._flats.get(front.pop())
            if flat is not None and flat.name.startswith(("random_bits", "threefry")):
                return True
            fresh = [key for key in flat.inputs if key not in seen] if flat else []
            seen.update(fresh)
            front += fresh
        return False


def number_of(value: Any) -> float:
    """Of a number or an array without axes; not a number for anything else."""
    if isinstance(value, bool | int | float):
        return float(value)
    dtype = getattr(value, "dtype", None)
    return float(value) if np.shape(value) == () and getattr(dtype, "kind", "") in "biuf" and dtype else float("nan")


def spreads(params: Mapping[str, Any]) -> bool:
    """NumPy's own broadcasting: new axes in front, and axes of length 1 repeated."""
    shape, axes = params["shape"], tuple(params["broadcast_dimensions"])
    return axes == tuple(range(len(shape) - len(axes), len(shape)))
