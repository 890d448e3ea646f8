"""Values that a compiled function read from outside while it was traced, and that changed since."""

import dis
from collections.abc import Iterator, Sequence
from functools import lru_cache
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import jax
import numpy as np
from flax import nnx

from jax_impl.watch import places
from parity.contract import Place

DEPTH = 4
LARGEST = 10**6


class Frozen:
    def __init__(self, function: Any) -> None:
        self.function = function
        self.seen: dict[tuple, tuple[Any, Any, Place]] = {}

    def remember(self, objects: Sequence[Any]) -> None:
        """What the function reads from outside, and from these objects that it is given, now that it was traced."""
        self.seen = {
            where: (kept, original, place)
            for where, original, place in self._read(objects)
            if (kept := copied(original))
        }

    def _read(self, objects: Sequence[Any]) -> Iterator[tuple[tuple, Any, Place]]:
        yield from read(self.function)
        code = getattr(self.function, "__code__", None)
        if isinstance(code, CodeType):
            for one in objects:
                yield from attributes(one, code)

    def changed(self, objects: Sequence[Any]) -> tuple[str, Place] | None:
        """The first value that is another than at the trace."""
        if not self.seen:
            return None
        for where, original, _ in self._read(objects):
            kept, before, place = self.seen.get(where, (None, None, None))
            if kept is None or (original is before and not mutable(original)):
                continue
            if differs(kept, copied(original)):
                return where[-1], place
        return None


def read(function: Any, depth: int = 0, done: set | None = None) -> Iterator[tuple[tuple, Any, Place]]:
    """Numbers and arrays that a function, and those it calls, take from globals and closures."""
    done = set() if done is None else done
    function = function.__func__ if isinstance(function, MethodType) else function
    while not isinstance(function, FunctionType) and hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    if not isinstance(function, FunctionType) or function.__code__ in done or depth > DEPTH:
        return
    code = function.__code__
    done.add(code)
    if not places.written_by_user(code.co_filename):
        return
    cells = {}
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            cells[name] = cell.cell_contents
        except ValueError:
            continue
    for name, line, rebound in names_read(code):
        if name in rebound:
            continue
        space = cells if name in cells else function.__globals__
        if name not in space:
            continue
        value = space[name]
        where = (code.co_filename, code.co_name, name)
        if callable(value) and not isinstance(value, nnx.Module):
            yield from read(value, depth + 1, done)
        else:
            yield where, value, Place(code.co_filename, line)
            yield from attributes(value, code)


def attributes(value: Any, code: CodeType) -> Iterator[tuple[tuple, Any, Place]]:
    """What the code reads of an object that the user's program has made."""
    if isinstance(value, nnx.Module | ModuleType | type) or not hasattr(value, "__dict__"):
        return
    for name, line in attributes_read(code).items():
        if name in vars(value):
            where = (code.co_filename, code.co_name, f"{type(value).__name__}.{name}")
            yield where, vars(value)[name], Place(code.co_filename, line)


@lru_cache(maxsize=4096)
def attributes_read(code: CodeType) -> dict[str, int]:
    """The attributes that code, and code inside it, reads of anything, with the line."""
    found: dict[str, int] = {}
    line = code.co_firstlineno
    for one in dis.get_instructions(code):
        line = one.starts_line or line
        if one.opname == "LOAD_ATTR":
            found.setdefault(one.argval, line)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            found = {**attributes_read(inner), **found}
    return found


@lru_cache(maxsize=4096)
def names_read(code: CodeType) -> list[tuple[str, int, set[str]]]:
    """The names that code, and code inside it, loads from outside, with the line; and those it rebinds itself."""
    found: dict[str, int] = {}
    rebound: set[str] = set()
    line = code.co_firstlineno
    for one in dis.get_instructions(code):
        line = one.starts_line or line
        if one.opname in ("LOAD_GLOBAL", "LOAD_NAME") or (
            one.opname == "LOAD_DEREF" and one.argval in code.co_freevars
        ):
            found.setdefault(one.argval, line)
        if one.opname == "STORE_GLOBAL" or (one.opname == "STORE_DEREF" and one.argval in code.co_freevars):
            rebound.add(one.argval)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            for name, at, again in names_read(inner):
                if name not in code.co_cellvars:
                    found.setdefault(name, at)
                rebound |= again
    return [(name, at, rebound) for name, at in found.items()]


def mutable(value: Any) -> bool:
    return isinstance(value, np.ndarray | nnx.Module | dict | list)


def copied(value: Any) -> list[Any] | None:
    """The numbers and arrays of a value, kept as they are now; None for anything else."""
    if isinstance(value, nnx.Module):
        value = jax.tree.leaves(nnx.state(value))
    if isinstance(value, bool | int | float | np.generic):
        return [value]
    if not isinstance(value, np.ndarray | jax.Array | tuple | list | dict):
        return None
    numbers = bool | int | float | np.generic | np.ndarray | jax.Array
    leaves = [leaf for leaf in jax.tree.leaves(value) if isinstance(leaf, numbers)]
    return (
        None
        if not leaves
        else [leaf.copy() if isinstance(leaf, np.ndarray) and leaf.size <= LARGEST else leaf for leaf in leaves]
    )


def differs(one: list[Any] | None, other: list[Any] | None) -> bool:
    if one is None or other is None or len(one) != len(other):
        return False
    return any(not alike(a, b) for a, b in zip(one, other, strict=True))


def alike(a: Any, b: Any) -> bool:
    if a is b or np.shape(a) != np.shape(b):
        return a is b
    if any(getattr(x, "is_deleted", bool)() for x in (a, b)):
        return True
    kinds = {np.asarray(x).dtype.kind for x in (a, b)}
    return not kinds <= set("biufc") or bool(np.array_equal(np.asarray(a), np.asarray(b), equal_nan=kinds == {"f"}))
