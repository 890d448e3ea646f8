"""Puts the hooks into JAX, Flax and Optax, and takes them out again."""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import jax
import optax
from flax import nnx
from jax._src.array import ArrayImpl

from jax_impl.watch import spans
from jax_impl.watch.gradients import gradient_of, naming
from jax_impl.watch.optimizers import KINDS, chaining, remembering
from jax_impl.watch.session import Session
from jax_impl.watch.sites import compiling

WITHOUT_A_NAME = {"gelu": "gelu", "softmax": "softmax"}  # jax.nn functions that leave no trace of what they are.
LAYERS = {nnx.Dropout: "dropout", nnx.BatchNorm: "batch_norm", nnx.LayerNorm: "layer_norm"}


class Hooks:
    def __init__(self, session: Session) -> None:
        self.session = session
        self._before: list[tuple[Any, str, Any]] = []

    def put(self, owner: Any, name: str, around: Callable[[Any], Any]) -> None:
        if hasattr(owner, name):
            inherited = isinstance(owner, type) and name not in vars(owner)
            before = getattr(owner, name) if inherited or not isinstance(owner, type) else vars(owner)[name]
            self._before.append((owner, name, None if inherited else before))
            setattr(owner, name, around(before))

    def take_out(self) -> None:
        for owner, name, before in reversed(self._before):
            if before is None:
                delattr(owner, name)
            else:
                setattr(owner, name, before)
        self._before.clear()

    def put_all(self) -> None:
        session = self.session
        self.put(jax, "jit", lambda real: compiling(real, session))
        self.put(jax, "grad", lambda real: gradient_of(real, False, session))
        self.put(jax, "value_and_grad", lambda real: gradient_of(real, True, session))
        for name in ("grad", "value_and_grad"):
            self.put(nnx, name, lambda real: named_gradient(real, session))
        self.put(optax, "apply_updates", lambda real: applying(real, session))
        self.put(optax, "chain", lambda real: chaining(real, session))
        for name, kind in KINDS.items():
            self.put(optax, name, lambda real, kind=kind: remembering(real, kind, session))
        for name in spans.LOSSES:
            for owner in (optax, optax.losses):
                self.put(owner, name, lambda real, name=name: spans.loss(real, name, session))
        for name, called in WITHOUT_A_NAME.items():
            for owner in (jax.nn, nnx):
                self.put(owner, name, lambda real, called=called: spans.activation(real, called, session))
        for kind, name in LAYERS.items():
            self.put(kind, "__call__", lambda real, name=name: spans.layer(real, name, session))
        for kind in (nnx.Linear, nnx.Sequential):
            self.put(kind, "__call__", lambda real: spans.network(real, session))
        for name in ("__sub__", "__rsub__"):
            self.put(ArrayImpl, name, lambda real: comparing(real, session))
        for kind in defined_by_users(nnx.Module):
            self.put(kind, "__call__", lambda real: spans.network(real, session))
        self.put(nnx.Module, "__init_subclass__", lambda real: subclassing(real, session))


def defined_by_users(kind: type) -> Iterator[type]:
    """The networks that were defined before anything was watched, as in the cells of a notebook."""
    for subclass in kind.__subclasses__():
        yield from defined_by_users(subclass)
        if "__call__" in vars(subclass) and not subclass.__module__.startswith("flax."):
            yield subclass


def named_gradient(real: Callable, session: Session) -> Callable:
    @wraps(real)
    def transform(*args: Any, **kwargs: Any) -> Any:
        if args and callable(args[0]):
            args = (naming(args[0], session), *args[1:])
        elif "f" in kwargs:
            kwargs = {**kwargs, "f": naming(kwargs["f"], session)}
        else:
            return lambda f: transform(f, *args, **kwargs)
        return real(*args, **kwargs)

    return transform


def applying(real: Callable, session: Session) -> Callable:
    @wraps(real)
    def apply_updates(params: Any, updates: Any) -> Any:
        after = real(params, updates)
        if session.on and not session.in_call:
            with session.guard("An update"):
                session.applied(jax.tree.leaves(params), jax.tree.leaves(after))
        return after

    return apply_updates


def comparing(real: Callable, session: Session) -> Callable:
    """A difference of arrays: outside of compiled functions a prediction may meet its target there."""

    @wraps(real)
    def minus(self: Any, other: Any) -> Any:
        if session.on and session.eager:
            with session.guard("A comparison"):
                session.met(self, other)
        return real(self, other)

    return minus


def subclassing(inherited: Any, session: Session) -> classmethod:
    """Every network that the program defines tells when it is called."""
    function = inherited.__func__ if hasattr(inherited, "__func__") else inherited

    def __init_subclass__(cls: type, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        function(cls, *args, **kwargs)
        if "__call__" in vars(cls):
            cls.__call__ = spans.network(vars(cls)["__call__"], session)

    return classmethod(__init_subclass__)
