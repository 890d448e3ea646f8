"""A jaxpr as one list of operations, the functions that were compiled inside it laid out too."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jax._src import core

from jax_impl.watch import places
from jax_impl.watch.keys import Key, Values
from parity.contract import Place

# What calls another jaxpr, and under which parameter it stands.
CALLS = {
    "jit": "jaxpr",
    "pjit": "jaxpr",
    "closed_call": "call_jaxpr",
    "core_call": "call_jaxpr",
    "remat": "jaxpr",
    "remat2": "jaxpr",
    "checkpoint": "jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
}
# Functions that are one operation to a reader, by the contract's names.
WHOLE = {
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
    "sigmoid": "sigmoid",
    "softplus": "softplus",
    "elu": "elu",
    "leaky_relu": "leaky_relu",
    "selu": "selu",
    "relu6": "relu6",
    "hard_tanh": "hardtanh",
    "log_sigmoid": "log_sigmoid",
    "mish": "mish",
    "log_softmax": "log_softmax",
}


@dataclass(slots=True)
class Flat:
    name: str
    inputs: tuple[Key, ...]
    outputs: tuple[Key, ...]
    place: Place | None
    run: Callable[..., Sequence[Any]] | None = None
    """Computes it again."""
    params: Mapping[str, Any] = field(default_factory=dict)


class Flattener:
    """Lays out jaxprs; a variable is its own key, but in the second use of one jaxpr, where it is numbered."""

    def __init__(self, values: Values) -> None:
        self.values = values
        self.operations: list[Flat] = []
        self.same: dict[Key, Key] = {}
        self._uses: dict[Hashable, int] = {}

    def resolve(self, key: Key) -> Key:
        while key in self.same:
            key = self.same[key]
        return key

    def lay(self, jaxpr: core.Jaxpr, consts: Sequence[Any], inputs: Sequence[Key], outputs: Sequence[Key]) -> None:
        """`outputs` are the keys that its results are to have; () where they have their own."""
        known: dict[core.Var, Key] = dict(zip(jaxpr.invars, inputs, strict=True))
        for var, const in zip(jaxpr.constvars, consts, strict=True):
            known[var] = self.values.key(const)
        given: dict[core.Var, Key] = {}
        made = {var for equation in jaxpr.eqns for var in equation.outvars}
        for var, key in zip(jaxpr.outvars, outputs, strict=False):
            if isinstance(var, core.Var) and var in made and var not in given:
                given[var] = key
        use = self._uses[jaxpr] = self._uses.get(jaxpr, -1) + 1

        def read(atom: Any) -> Key:
            return self.values.key(atom) if isinstance(atom, core.Literal) else known[atom]

        for equation in jaxpr.eqns:
            keys = tuple(read(atom) for atom in equation.invars)
            for var in equation.outvars:
                known[var] = given.get(var, var if use == 0 else (use, var))
                if use == 0 and known[var] is not var:
                    self.same[var] = known[var]
            self.equation(equation, keys, tuple(known[var] for var in equation.outvars))
        for atom, key in zip(jaxpr.outvars, outputs, strict=False):
            if read(atom) != key:
                self.same[key] = read(atom)

    def equation(self, equation: core.JaxprEqn, inputs: tuple[Key, ...], outputs: tuple[Key, ...]) -> None:
        inputs = tuple(self.resolve(key) for key in inputs)
        place = places.of_equation(equation.source_info)
        self.operation(equation.primitive, equation.params, inputs, outputs, place, runner(equation))

    def operation(
        self,
        primitive: core.Primitive,
        params: Mapping[str, Any],
        inputs: tuple[Key, ...],
        outputs: tuple[Key, ...],
        place: Place | None,
        run: Callable[..., Sequence[Any]] | None,
    ) -> None:
        inner = params.get(CALLS.get(primitive.name, ""))
        named = inner is not None or primitive.name.startswith("custom_")
        name = str(params.get("name") or primitive.name) if named else primitive.name
        if inner is None or name in WHOLE:
            self.operations.append(Flat(WHOLE.get(name, name), inputs, outputs, place, run, params))
            return
        before = len(self.operations)
        closed = isinstance(inner, core.ClosedJaxpr)
        self.lay(inner.jaxpr if closed else inner, inner.consts if closed else (), inputs, outputs)
        for operation in self.operations[before:]:
            operation.place = operation.place or place


def runner(equation: core.JaxprEqn) -> Callable[..., Sequence[Any]]:
    def run(*values: Any) -> Sequence[Any]:
        results = equation.primitive.bind(*values, **equation.primitive.get_bind_params(equation.params))
        return results if equation.primitive.multiple_results else (results,)

    return run


def needed(operations: Sequence[Flat], wanted: Sequence[Key]) -> list[Flat]:
    """The operations that the wanted values rest on, in their order."""
    open_, kept = set(wanted), []
    for operation in reversed(operations):
        if operation.run is not None and any(key in open_ for key in operation.outputs):
            kept.append(operation)
            open_.update(operation.inputs)
    return kept[::-1]


def evaluate(operations: Sequence[Flat], known: dict[Key, Any]) -> dict[Key, Any]:
    """Every value that can be had, from those that are known."""
    for operation in operations:
        if operation.run is None or all(key in known for key in operation.outputs):
            continue
        if all(key in known for key in operation.inputs):
            known.update(zip(operation.outputs, operation.run(*(known[key] for key in operation.inputs)), strict=True))
    return known
