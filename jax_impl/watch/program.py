"""One compiled function of the user's as it was traced: where its parameters go in, and where what became of them comes out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import jax
from jax._src import core

from jax_impl.watch.backward import Backward, Span
from jax_impl.watch.flat import Flat, Flattener, evaluate, needed
from jax_impl.watch.keys import Key, Values
from jax_impl.watch.picture import Picture, picture_of
from parity.contract import Place

real_jit = jax.jit
FOLLOWS = frozenset({"convert_element_type", "copy", "copy_p", "max", "min", "clamp", "select_n", "mul", "reshape"})


@dataclass
class Case:
    """One gradient in a compiled function."""

    backward: Backward
    picture: Picture
    goes_in: dict[str, int]
    """By parameter the position among the arguments."""
    comes_out: dict[str, int]
    kept: set[str]
    """The parameters that come out updated."""
    updated: dict[str, Key]
    loss_at: int | None
    constants: dict[str, Any]
    """Parameters that the function closed over, as they were when it was traced."""
    update_place: Place | None

    @property
    def first(self) -> str | None:
        """The parameter by which a network is told from others."""
        return next(iter(self.goes_in), None)

    @property
    def dropped(self) -> bool:
        """Updates are computed, and none of them leaves the function."""
        return bool(self.updated) and not self.kept


class Program:
    def __init__(self, jaxpr: core.ClosedJaxpr) -> None:
        self.values = Values()
        self.flattener = Flattener(self.values)
        self.jaxpr = jaxpr.jaxpr
        self.inputs: tuple[Key, ...] = tuple(jaxpr.jaxpr.invars)
        self.flattener.lay(jaxpr.jaxpr, jaxpr.consts, self.inputs, ())
        self.flats = self.flattener.operations
        atoms = [None if isinstance(atom, core.Literal) else atom for atom in jaxpr.jaxpr.outvars]
        self.outputs = [None if atom is None else self.resolve(atom) for atom in atoms]
        self.cases: list[Case] = []
        self.spans: list[Span] = []
        self.modes: list[bool] = []
        self.optimizer: Any = None
        self.loop: Any = None
        """The lax.scan in which its gradients are computed."""
        self.calls: list[Any] = []
        """Keys of what went into networks and came out of them, where no gradient was taken."""
        self._probes: dict[tuple[Key, ...], Any] = {}
        self._reading_flats: list[Flat] | None = None

    def resolve(self, key: Key) -> Key:
        return self.flattener.resolve(key)

    @cached_property
    def known(self) -> set[Key]:
        return {*self.inputs, *(key for flat in self.flats for key in flat.outputs), *self.flattener.same}

    def has(self, backward: Backward) -> bool:
        return backward.loss in self.known or any(key in self.known for key in backward.gradients.values())

    def add(self, backward: Backward) -> None:
        """Lay out the forward pass of a gradient behind the program's own operations, and find where its parameters go."""
        backward.values.update(self.values)
        flattener = Flattener(backward.values)
        for one in backward.tape:
            inputs = tuple(flattener.resolve(self.resolve(key)) for key in one.inputs)
            outputs = tuple(self.resolve(key) for key in one.outputs)
            run = None
            flattener.operation(one.primitive, one.params, inputs, outputs, one.place, run)

        def same(key: Key) -> Key:
            return flattener.resolve(self.resolve(key))

        picture = picture_of(backward, flattener.operations, same)
        self.flats = [*self.flats, *(flat for flat in flattener.operations if flat.run is not None)]
        self.values.update(backward.values)
        parameters = {self.resolve(key): name for key, name in backward.parameters.items()}
        if picture.detached is None and self.made_outside(backward, picture, parameters):
            picture = replace(picture, detached=backward.place)
        gradients = {self.resolve(key) for key in backward.gradients.values()}
        updated = updates(self.flats, parameters, gradients)
        goes_in = {parameters[key]: i for i, key in enumerate(self.inputs) if key in parameters}
        kept = self.leaving(updated, FOLLOWS)
        # The others come out as they went in, also those of which an update was computed and dropped.
        passed = self.leaving({name: key for key, name in parameters.items() if name not in kept}, frozenset())
        comes_out = {**passed, **kept}
        loss = self.resolve(backward.loss)
        loss_at = self.outputs.index(loss) if loss in self.outputs else None
        constants = {name: self.values[key] for key, name in parameters.items() if key in self.values}
        makers = {key: flat.place for flat in self.flats for key in flat.outputs}
        place = next((makers[key] for key in updated.values() if makers.get(key)), None)
        self.cases.append(Case(backward, picture, goes_in, comes_out, set(kept), updated, loss_at, constants, place))

    def made_outside(self, backward: Backward, picture: Picture, parameters: Mapping[Key, str]) -> bool:
        """The loss rests on trained parameters through what was computed before the function that is differentiated."""
        rests_on = {key for flat in needed(self.flats, (picture.loss,)) for key in flat.inputs}
        return any(key in rests_on - picture.used for key, name in parameters.items() if name in backward.trained)

    def leaving(self, wanted: Mapping[str, Key], follows: frozenset[str] = FOLLOWS) -> dict[str, int]:
        """By name the position of the result that holds the value, or what little was made of it."""
        found = {}
        for name, key in wanted.items():
            forms = {key}
            for flat in self.flats:
                if flat.name in follows and forms & set(flat.inputs) and same_shape(flat.outputs[0], key):
                    forms.update(flat.outputs)
            at = [i for i, output in enumerate(self.outputs) if output in forms]
            exact = [i for i in at if self.outputs[i] == key]
            if at:
                found[name] = (exact or at)[0]
        return found

    def probe(self, wanted: Sequence[Key], leaves: Sequence[Any]) -> dict[Key, Any]:
        """The wanted values of one call, computed once more from its arguments."""
        keys = tuple(dict.fromkeys(wanted))
        if keys not in self._probes:
            self._probes[keys] = self._compile(keys)
        found, run = self._probes[keys]
        return dict(zip(found, run(list(leaves)), strict=True))

    def _compile(self, wanted: tuple[Key, ...]) -> tuple[list[Key], Any]:
        flats = needed(self.flats, wanted)
        made = {*self.inputs, *self.values, *(key for flat in flats for key in flat.outputs)}
        found = [key for key in wanted if key in made]

        def run(leaves: list[Any]) -> list[Any]:
            known = {**self.values, **dict(zip(self.inputs, leaves, strict=True))}
            evaluate(flats, known)
            return [known[key] for key in found]

        return found, real_jit(run)


def shape_of(key: Key) -> tuple[int, ...] | None:
    variable = key[-1] if isinstance(key, tuple) else key
    return getattr(getattr(variable, "aval", None), "shape", None)


def same_shape(one: Key, other: Key) -> bool:
    return shape_of(one) == shape_of(other)


def updates(flats: Sequence[Flat], parameters: Mapping[Key, str], gradients: set[Key]) -> dict[str, Key]:
    """By parameter the last sum of it and something that depends on the gradients."""
    depends, plain, scaled = set(gradients), dict(parameters), {}
    found: dict[str, Key] = {}
    shrunk: dict[str, Key] = {}
    for flat in flats:
        moved = any(key in depends for key in flat.inputs)
        mine = [key for key in flat.inputs if (key in plain or key in scaled) and key not in depends]
        if moved:
            depends.update(flat.outputs)
        if not mine or not flat.outputs or not same_shape(flat.outputs[0], mine[0]):
            continue
        ours = plain if mine[0] in plain else scaled
        if moved and flat.name in ("add", "sub", "add_any"):
            (found if ours is plain else shrunk)[ours[mine[0]]] = flat.outputs[0]
        elif not moved and flat.name in ("convert_element_type", "copy", "copy_p"):
            ours[flat.outputs[0]] = ours[mine[0]]
        elif not moved and len(mine) == 1 and flat.name == "mul":
            scaled[flat.outputs[0]] = ours[mine[0]]
    return {**shrunk, **found}
