"""What a record must say about the machine and the software that made it."""

import os
import platform
import subprocess
from collections.abc import Iterable
from pathlib import Path

import numpy as np

import parity
from parity import registry

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
"""The variables that one BLAS or another takes its threads from."""


def describe(backends: Iterable[str]) -> dict[str, str]:
    """Versions, flags, devices, threads and commit."""
    facts = {
        "parity": parity.__version__,
        "commit": commit(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": processor(),
        "cores": str(len(cores_at_hand())),
    }
    facts |= {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ}
    for name in sorted(set(backends)):
        backend = registry.load(name)
        facts |= {f"{name} devices": ", ".join(backend.devices()), **backend.environment()}
    return facts


def commit() -> str:
    """The commit of the sources this runs from; empty where they are not a checkout."""
    root = Path(__file__).resolve().parent.parent
    # Installed into somebody's repository, the sources belong to no commit of it.
    if _git(root, "rev-parse", "--show-toplevel") != str(root):
        return ""
    # What is measured is written among the sources, and makes no others of them.
    changed = _git(root, "status", "--porcelain", "--untracked-files=no", "--", ".", ":(exclude)benchmarks/results")
    return _git(root, "rev-parse", "HEAD") + ("-dirty" if changed else "")


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip()


def processor() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )


def cores_at_hand() -> list[int]:
    """The cores that this process may run on."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
