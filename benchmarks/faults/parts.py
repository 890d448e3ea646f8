"""What long work leaves on the way, so that it can be resumed: a folder for each state of the sources."""

import hashlib
import os
import pickle
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from benchmarks.faults.copies import ROOT
from parity.ladder.calibration import FILE as CALIBRATION

Made = TypeVar("Made")

SOURCES = ("parity", "jax_impl", "torch_impl", "benchmarks/faults", "tests/plugins/numpy_impl")
INSTALLED = ("jax", "flax", "optax", "torch", "numpy")


@cache
def folder(calibrates: str = "") -> Path:
    """Where the rows of these sources, frameworks and calibration are kept; with any of them changed it is another folder,
    and empty. A program that makes the calibration says with `calibrates` which source it is: that counts in its place."""
    total = hashlib.sha256()
    sources = [path for source in SOURCES for path in sorted((ROOT / source).rglob("*.py"))]
    for path in (*sources, ROOT / calibrates if calibrates else CALIBRATION):
        total.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    total.update(", ".join(f"{name} {version(name)}" for name in INSTALLED).encode())
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
