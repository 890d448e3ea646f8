"""Library functions and layers that are one operation to a reader: losses, activations, dropout, normalisation."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import jax
from flax import nnx

from jax_impl.watch import places
from jax_impl.watch.backward import ModuleCall, Span
from jax_impl.watch.session import Session

LOSSES = (
    "squared_error",
    "l2_loss",
    "huber_loss",
    "log_cosh",
    "cosine_distance",
    "sigmoid_binary_cross_entropy",
    "softmax_cross_entropy",
    "softmax_cross_entropy_with_integer_labels",
    "safe_softmax_cross_entropy",
    "hinge_loss",
    "poly_loss_cross_entropy",
    "kl_divergence",
    "sigmoid_focal_loss",
)
MEETS = ("predictions", "logits", "log_predictions", "targets", "labels")


def note(session: Session, name: str, inputs: tuple, output: Any, constants: dict[str, float]) -> None:
    backward = session.recording
    values = session.values if backward is None else backward.values
    keys, key = tuple(map(values.key, inputs)), values.key(output)
    if key not in keys:
        spans = session.spans if backward is None else backward.spans
        spans.append(Span(name, keys, key, places.here(), constants))


def listening(session: Session) -> bool:
    return session.on and (session.in_call or (session.recording is not None and session.recording.taping))


def loss(function: Callable, name: str, session: Session) -> Callable:
    @wraps(function)
    def compute(*args: Any, **kwargs: Any) -> Any:
        out = function(*args, **kwargs)
        if listening(session):
            with session.guard("A loss function"):
                given = [*args, *(kwargs[meets] for meets in MEETS if meets in kwargs)]
                note(session, f"loss:{name}", tuple(given[:2]), out, {})
        elif session.on and not session.depth:
            with session.guard("A loss function"):
                session.met(*args[:2])
        return out

    return compute


def activation(function: Callable, name: str, session: Session) -> Callable:
    @wraps(function)
    def compute(x: Any, *args: Any, **kwargs: Any) -> Any:
        out = function(x, *args, **kwargs)
        if listening(session):
            with session.guard("An activation"):
                exact = name == "gelu" and not (kwargs.get("approximate", args[0] if args else True))
                called = "gelu" if exact else "gelu_tanh" if name == "gelu" else name
                note(session, called, (x,), out, {})
        return out

    return compute


def layer(call: Callable, name: str, session: Session) -> Callable:
    """`__call__` of nnx.Dropout, nnx.BatchNorm or nnx.LayerNorm."""

    @wraps(call)
    def compute(self: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
        out = call(self, x, *args, **kwargs)
        if session.on:
            with session.guard("A layer"):
                noted(self, name, x, out, args, kwargs, session)
        return out

    return compute


def noted(module: Any, name: str, x: Any, out: Any, args: tuple, kwargs: dict, session: Session) -> None:
    flag = {"dropout": "deterministic", "batch_norm": "use_running_average"}.get(name)
    constants: dict[str, float] = {}
    if flag is not None:
        given = kwargs.get(flag)
        if given is None and name == "batch_norm" and args:
            given = args[0]
        still = getattr(module, flag) if given is None else given
        modes = session.modes if session.recording is None else session.recording.modes
        if not (name == "dropout" and module.rate == 0):
            modes.append(not still)
    if name == "dropout":
        constants = {"rate": float(module.rate)}
    elif name == "batch_norm":
        constants = {"momentum": round(1.0 - float(module.momentum), 12), "epsilon": float(module.epsilon)}
    if listening(session):
        note(session, name, (x,), out, constants)


def network(call: Callable, session: Session) -> Callable:
    """`__call__` of an NNX module: the outermost one is the network."""

    @wraps(call)
    def compute(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not session.on:
            return call(self, *args, **kwargs)
        if session.depth == 0 and session.recording is None and not session.in_call:
            session.modes = []
        session.depth += 1
        before: Any = None
        if session.depth == 1 and session.recording is not None and session.recording.taping:
            with session.guard("A network"):
                before = opened(self, args, session)
        try:
            out = call(self, *args, **kwargs)
        finally:
            session.depth -= 1
        if session.depth == 0:
            with session.guard("A network"):
                closed(self, args, kwargs, out, before, session)
        return out

    return compute


def opened(module: Any, args: tuple, session: Session) -> tuple:
    graphdef, state = nnx.split(module)
    key = session.recording.values.key
    flat = dict(nnx.to_flat_state(state))
    keys = {path: key(variable.get_value()) for path, variable in flat.items()}
    return graphdef, keys, {path: type(variable) for path, variable in flat.items()}, key(args[0]) if args else None


def closed(module: Any, args: tuple, kwargs: dict, out: Any, before: Any, session: Session) -> None:
    backward = session.recording
    if backward is not None:
        if before is not None and backward.loss is None:
            graphdef, state, kinds, inputs = before
            output, name = backward.values.key(out), type(module).__name__
            backward.network = backward.network or name
            backward.modules.append(
                ModuleCall(name, graphdef, state, kinds, inputs, output, args[1:], kwargs, places.here())
            )
    elif session.in_call and args:
        session.calls.append((session.values.key(args[0]), session.values.key(out)))
    elif not session.in_call and args and isinstance(out, jax.Array):
        session.predicted(module, args[0], out)
