"""Which optimizer the program made, where, and with which settings."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

import jax
import numpy as np

from jax_impl.watch import places
from jax_impl.watch.lines import Known
from parity.contract import WatchedOptimizer

KINDS = {
    "sgd": "SGD",
    "noisy_sgd": "SGD",
    "adam": "Adam",
    "adamw": "AdamW",
    "rmsprop": "RMSprop",
    "adagrad": "Adagrad",
    "nadam": "NAdam",
    "nadamw": "NAdam",
    "radam": "RAdam",
    "adamax": "Adamax",
    "adamaxw": "Adamax",
    "adadelta": "Adadelta",
    "lion": "Lion",
    "lamb": "lamb",
    "lars": "lars",
    "adafactor": "Adafactor",
    "adabelief": "adabelief",
    "amsgrad": "amsgrad",
    "yogi": "yogi",
    "fromage": "fromage",
    "novograd": "novograd",
    "lbfgs": "LBFGS",
}
WITH_MOMENTUM = ("SGD", "RMSprop")
SETTINGS = {"rho": "decay"}
NAMED = ("learning_rate", "momentum", "nesterov", "weight_decay", "b1", "b2", "eps", "decay")


def described(kind: str, constructor: Callable, args: tuple, kwargs: dict) -> Known:
    """The settings by the contract's names, defaults among them."""
    bound = inspect.signature(constructor).bind(*args, **kwargs)
    bound.apply_defaults()
    settings = {}
    for name, value in bound.arguments.items():
        name = SETTINGS.get(name, name)
        value = 0.0 if value is None and name in ("momentum", "weight_decay") else value
        number = isinstance(value, bool | int | float | np.ndarray | np.generic | jax.Array)
        if name in NAMED and number and not isinstance(value, jax.core.Tracer):
            settings[name] = float(value)
    if kind not in WITH_MOMENTUM:
        settings.pop("nesterov", None)
    rate = bound.arguments.get("learning_rate")
    schedule = rate if callable(rate) else None
    if schedule is not None:
        settings["learning_rate"] = float(schedule(0))
    return Known(WatchedOptimizer(kind, settings, places.here()), schedule)


def remembering(constructor: Callable, kind: str, session: Any) -> Callable:
    """The constructor, whose transformation tells the session when it is used."""

    @wraps(constructor)
    def made(*args: Any, **kwargs: Any) -> Any:
        transformation = constructor(*args, **kwargs)
        with session.guard("An optimizer"):
            if session.on and places.here() is not None:
                return told(transformation, described(kind, constructor, args, kwargs), session)
        return transformation

    return made


def chaining(chain: Callable, session: Any) -> Callable:
    """optax.chain, which is the last optimizer in it that is known."""

    @wraps(chain)
    def made(*parts: Any, **kwargs: Any) -> Any:
        transformation = chain(*parts, **kwargs)
        with session.guard("An optimizer"):
            known = [session.optimizers[id(part.update)] for part in parts if id(part.update) in session.optimizers]
            if known:
                return told(transformation, known[-1], session)
        return transformation

    return made


def told(transformation: Any, known: Known, session: Any) -> Any:
    update = transformation.update

    @wraps(update)
    def watched(updates: Any, state: Any, params: Any = None, **extra: Any) -> Any:
        with session.guard("An optimizer's update"):
            session.optimizer_used(known, updates)
        return update(updates, state, params, **extra)

    session.optimizers[id(watched)] = known
    session.kept.append(watched)
    return transformation._replace(update=watched)
