"""What is noted while one gradient is computed: parameters, operations, loss; as values where it runs, else as variables."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from jax._src import core
from jax._src.interpreters.ad import LinearizeTrace

from jax_impl.watch import places
from jax_impl.watch.keys import Key, Values
from parity.contract import Place


@dataclass(frozen=True)
class Span:
    """A function of a library that is one operation to a reader."""

    name: str
    inputs: tuple[Key, ...]
    output: Key
    place: Place | None
    constants: dict[str, float]


@dataclass(frozen=True)
class ModuleCall:
    """The outermost network of a step: its structure, and the keys of its state and input."""

    network: str
    graphdef: Any
    state: dict[tuple, Key]
    kinds: dict[tuple, Any]
    """The variable itself without its value, by path."""
    inputs: Key
    output: Key
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    place: Place | None


@dataclass(frozen=True)
class TapeOperation:
    primitive: core.Primitive
    params: dict[str, Any]
    inputs: tuple[Key, ...]
    outputs: tuple[Key, ...]
    place: Place | None


@dataclass
class Backward:
    """One gradient; `traced` where it is part of a compiled function, and its keys are variables."""

    place: Place | None
    function: Any
    traced: bool
    of: Any
    """The function whose derivative this is, inside which others may be taken."""
    parameters: dict[Key, str] = field(default_factory=dict)
    """Of everything that could be trained, by key."""
    trained: dict[str, Key] = field(default_factory=dict)
    """What gradients are taken of, in order."""
    gradients: dict[str, Key] = field(default_factory=dict)
    loss: Key | None = None
    tape: list[TapeOperation] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    modes: list[bool] = field(default_factory=list)
    modules: list[ModuleCall] = field(default_factory=list)
    network: str = ""
    optimizer: Any = None
    values: Values = field(default_factory=Values)
    taping: bool = True
    loss_value: Any = None
    depth: int = 0
    """How many network calls are open."""

    @property
    def signature(self) -> tuple:
        code = getattr(self.function, "__code__", None)
        return (self.network, code, tuple(self.trained))

    @property
    def training(self) -> bool | None:
        return any(self.modes) if self.modes else None


@contextmanager
def taped(backward: Backward) -> Iterator[None]:
    """Note every operation of the derivative that is being traced; it computes what it would have computed."""
    trace = core.trace_ctx.trace
    if not isinstance(trace, LinearizeTrace):
        yield
        return
    primitive, jvp, vjp = trace.process_primitive, trace.process_custom_jvp_call, trace.process_custom_vjp_call

    def note(called: core.Primitive, params: dict[str, Any], inputs: Sequence[Any], outputs: Any) -> None:
        results = outputs if isinstance(outputs, list | tuple) else [outputs]
        key = backward.values.key
        keys = tuple(map(key, inputs)), tuple(map(key, results))
        if not set(keys[0]) & set(keys[1]):
            backward.tape.append(TapeOperation(called, params, *keys, places.here()))

    def process_primitive(called: core.Primitive, tracers: Sequence[Any], params: dict[str, Any], /) -> Any:
        outputs = primitive(called, tracers, params)
        note(called, params, tracers, outputs)
        return outputs

    def custom(process: Callable) -> Callable:
        def process_custom(called: core.Primitive, function: Any, *rest: Any, **params: Any) -> Any:
            outputs = process(called, function, *rest, **params)
            note(called, {"name": function_name(function)}, rest[-1], outputs)
            return outputs

        return process_custom

    trace.process_primitive = process_primitive
    trace.process_custom_jvp_call, trace.process_custom_vjp_call = custom(jvp), custom(vjp)
    try:
        yield
    finally:
        del trace.process_primitive, trace.process_custom_jvp_call, trace.process_custom_vjp_call


def function_name(function: Any) -> str:
    name = getattr(getattr(function, "debug_info", None), "func_name", None) or getattr(function, "__name__", "")
    return str(name).split(" ")[0]
