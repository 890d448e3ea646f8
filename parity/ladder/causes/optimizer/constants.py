"""The constants of the optimizer: each left open, and those that the contract does not have."""

from dataclasses import fields

import numpy as np

from parity.contract import SGD, RMSprop
from parity.ladder.causes.advice import align_constant
from parity.ladder.causes.hypothesis import Family, Suspected
from parity.ladder.causes.optimizer.steps import Doing, Steps
from parity.ladder.causes.optimizer.variants import with_constants

KNOWN: dict[str, tuple[float, ...]] = {
    "b1": (0.9, 0.0, 0.5, 0.8, 0.95, 0.99, 0.999),
    "b2": (0.999, 0.99, 0.9, 0.95, 0.98, 0.9999),
    "eps": (1e-8, 1e-7, 1e-6, 1e-10, 1e-5, 1e-4, 1e-3, 1e-12, 0.0),
    "momentum": (0.9, 0.0, 0.5, 0.8, 0.95, 0.99),
    "decay": (0.9, 0.99, 0.95, 0.999),
    "momentum_decay": (4e-3, 1e9, 0.0),
}
"""Values that these constants are often given, the frameworks' defaults among them."""


def constants(steps: Steps) -> Suspected:
    """All but the learning rate and the weight decay, which have files of their own."""
    optimizer = steps.optimizer
    momentum = getattr(optimizer, "momentum", 0.0)
    for name in (field.name for field in fields(optimizer)):
        asked = getattr(optimizer, name)
        if name in ("learning_rate", "weight_decay"):
            continue
        if not isinstance(asked, bool):
            yield _constant(steps, name, asked)
        elif momentum:
            text, other = f"{name} is {not asked} instead of {asked}", with_constants(optimizer, **{name: not asked})
            yield steps.by_rule(f"optimizer.{name}", text, align_constant(optimizer, name), optimizer=other)
    if isinstance(optimizer, SGD | RMSprop) and momentum:
        text = "the rate is inside the velocity: v = momentum v + lr g"
        align = "v = momentum v + g; p -= lr v, as torch and Optax"
        yield steps.by_rule("optimizer.rate_place", text, align, rate_in_velocity=True)
    if isinstance(optimizer, SGD) and momentum:
        yield steps.family(
            "optimizer.dampening",
            lambda value: f"consistent with a dampening of {value}",
            "dampening=0 (torch.optim.SGD); Optax has none",
            lambda value: steps.ruled(dampening=value),
            0.0,
            (momentum, 0.5, 0.1),
        )


def _constant(steps: Steps, name: str, asked: float) -> Family:
    def doing(value: float) -> Doing:
        # A fit may try a b2 above 1: as a number of NumPy it then gives NaN, where one of Python raises.
        return steps.ruled(optimizer=with_constants(steps.optimizer, **{name: np.float64(value)}))

    return steps.family(
        f"optimizer.{name}",
        lambda value: f"consistent with {name} = {value} instead of {asked:g}",
        align_constant(steps.optimizer, name),
        doing,
        asked,
        KNOWN.get(name, ()),
    )
