"""What the program calls its parameters."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import jax
from flax import nnx


def dotted(path: Sequence[Any]) -> str:
    """A path into a pytree as `layers.0.kernel`."""
    parts = []
    for entry in path:
        for attribute in ("key", "idx", "name"):
            if hasattr(entry, attribute):
                parts.append(str(getattr(entry, attribute)).lstrip("."))
                break
        else:
            parts.append(str(entry).strip(".[]'"))
    return ".".join(part for part in parts if part not in ("value", "raw_value", "state", "states", "_raw_value"))


def argument_names(function: Callable) -> list[str]:
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return []


def named_leaves(function: Callable, args: Sequence[Any], argnums: Sequence[int]) -> list[tuple[str, Any]]:
    """The leaves that gradients are taken of; those of a list or of several arguments after their argument."""
    arguments = argument_names(function)
    found = []
    for i in argnums:
        leaves = jax.tree_util.tree_leaves_with_path(args[i])
        argument = arguments[i] if 0 <= i < len(arguments) else f"argument{i}"
        for path, leaf in leaves:
            name = dotted(path)
            bare = not name or name[0].isdigit()
            found.append((".".join(part for part in (argument, name) if part) if bare else name, leaf))
    names = [name for name, _ in found]
    return [(name if names.count(name) == 1 else f"{name}#{n}", leaf) for n, (name, leaf) in enumerate(found)]


def module_variables(module: Any) -> list[tuple[str, Any, Any]]:
    """Path, variable and value of everything that an NNX module holds."""
    return [
        (".".join(map(str, path)), variable, variable.get_value())
        for path, variable in nnx.to_flat_state(nnx.state(module))
        if isinstance(variable, nnx.Variable)
    ]
