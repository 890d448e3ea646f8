"""Other optimizers and schedules than the declared one, with any constants, also those that their own checks would refuse."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from parity.contract import Optimizer


def like(kind: type, declared: Any, **fixed: Any) -> Any:
    """Another kind with the constants of the declared one, where it has them."""
    names = {field.name for field in fields(kind)}
    return _of(kind, {name: value for name, value in {**vars(declared), **fixed}.items() if name in names})


def with_constants(optimizer: Optimizer, **constants: Any) -> Optimizer:
    """The declared one with other constants."""
    found: Optimizer = _of(type(optimizer), vars(optimizer) | constants)
    return found


def _of(kind: type, values: Mapping[str, Any]) -> Any:
    made: Any = object.__new__(kind)
    for field in fields(kind):
        object.__setattr__(made, field.name, values.get(field.name, field.default))
    return made
