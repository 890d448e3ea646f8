"""Finds backends by the entry-point group `parity.backends`; nothing of a framework is imported until it is used."""

import os
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from parity.compiled import keep_compiled
from parity.contract import Backend, InputError, Watcher
from parity.contract.exporting import Exporter
from parity.interrupts import deferred
from parity.nearest import suggestion

GROUP = "parity.backends"
WATCHERS = "parity.watchers"
EXPORTERS = "parity.exporters"
EXTRAS = {"jax": "parity[jax]", "torch": "parity[torch]", "onnx": "parity[onnx]"}


def names() -> tuple[str, ...]:
    """Backends that are declared, whether or not their framework is installed."""
    return tuple(sorted({entry.name for entry in _entries()}))


def load(name: str) -> Backend:
    """The backend of that name; InputError where it is unknown or its framework is missing."""
    if name not in names():
        raise InputError(f"There is no backend {name!r}. {suggestion(name, names())}")
    return _load(name)


def missing(name: str) -> str | None:
    """Why a declared backend can't be used here, or None where it can."""
    try:
        load(name)
    except InputError as error:
        return str(error)
    return None


def watcher(framework: str) -> Watcher:
    """A new watcher of programs that use this framework, which has to be imported already."""
    entry = next((entry for entry in entry_points(group=WATCHERS) if entry.name == framework), None)
    if entry is None:
        raise InputError(f"There is no watcher of {framework!r} programs here.")
    made: Watcher = entry.load()()
    return made


def formats() -> tuple[str, ...]:
    """Formats that a trained network can be exported to."""
    return tuple(sorted({entry.name for entry in entry_points(group=EXPORTERS)}))


def exporter(name: str) -> Exporter:
    """The exporter to a format; InputError where it is unknown or needs what is not installed."""
    entry = next((entry for entry in entry_points(group=EXPORTERS) if entry.name == name), None)
    if entry is None:
        raise InputError(f"There is no format {name!r}. {suggestion(name, formats())}")
    try:
        made: Exporter = entry.load()()
    except ModuleNotFoundError as error:
        source = EXTRAS.get(name, f"the package {error.name}")
        raise InputError(
            f"The format {name!r} needs {error.name}, which is not installed. Install it: pip install '{source}'"
        ) from None
    return made


@cache
def _load(name: str) -> Backend:
    # Two runtimes in one process fight for the cores, and a sum over threads depends on how many there are.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    keep_compiled()
    entry = next(entry for entry in _entries() if entry.name == name)
    try:
        with deferred():
            backend: Backend = entry.load()()
    except ModuleNotFoundError as error:
        source = EXTRAS.get(name, f"the package {error.name}")
        raise InputError(
            f"The backend {name!r} needs {error.name}, which is not installed. Install it: pip install '{source}'"
        ) from None
    except Exception as error:
        # A driver that does not fit, a package that is broken: theirs to mend, and no reason to stop with the others.
        raise InputError(f"The backend {name!r} can't be loaded: {type(error).__name__}: {error}") from error
    return backend


def _entries() -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=GROUP))
