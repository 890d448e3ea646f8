"""One name for each value of a traced step: its variable in the jaxpr, or, where nothing is traced, the value itself."""

from collections.abc import Hashable
from typing import Any

import jax
from jax._src import core
from jax._src.interpreters.ad import JVPTracer, LinearizeTracer
from jax._src.interpreters.batching import BatchTracer
from jax._src.interpreters.partial_eval import DynamicJaxprTracer

Key = Hashable


class Values(dict[Key, Any]):
    """What is known of a step's values, by their keys; it keeps them alive, so that an address stays a name."""

    def key(self, x: Any) -> Key:
        x = lowered(x)
        if isinstance(x, DynamicJaxprTracer):
            x = x.val
            if isinstance(x, core.Var):
                return x
        if isinstance(x, core.Literal):
            self["literal", id(x)] = x.val
            self["kept", id(x)] = x
            return "literal", id(x)
        self["value", id(x)] = x
        return "value", id(x)


def lowered(x: Any) -> Any:
    """What a tracer of a derivative or of a vmap stands for, one level of tracing below."""
    while True:
        if isinstance(x, LinearizeTracer | JVPTracer):
            x = x.primal
        elif isinstance(x, BatchTracer):
            x = x.val
        else:
            return x


def is_eager() -> bool:
    """Nothing is being traced."""
    return type(core.trace_ctx.trace) is core.EvalTrace


def is_array(x: Any) -> bool:
    return isinstance(x, jax.Array) or hasattr(x, "__array__")
