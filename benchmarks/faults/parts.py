"""What long work leaves on the way, so that it can be resumed: a folder for each state of the sources."""

import hashlib
import os
import pickle
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

from benchmarks.faults.copies import ROOT

Made = TypeVar("Made")

SOURCES = ("parity", "jax_impl", "torch_impl", "benchmarks/faults", "tests/plugins/numpy_impl")


@cache
def folder() -> Path:
    """Where the rows of these sources are kept; with any of them changed it is another folder, and empty."""
    total = hashlib.sha256()
    for source in SOURCES:
        for path in sorted((ROOT / source).rglob("*.py")):
            total.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    parts = ROOT / "build" / "faults" / total.hexdigest()[:16]
    parts.mkdir(parents=True, exist_ok=True)
    return parts


def once(name: str, make: Callable[[], Made]) -> Made:
    """What `make` makes, made once for all processes that need it."""
    kept = folder() / f"{name}.pickle"
    if not kept.exists():
        unfinished = kept.with_suffix(f".{os.getpid()}")  # two processes may make it at once
        unfinished.write_bytes(pickle.dumps(make()))
        unfinished.rename(kept)
    made: Made = pickle.loads(kept.read_bytes())
    return made
