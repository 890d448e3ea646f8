"""The `parity` command in a process of its own, as a user starts it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

COMMAND = (sys.executable, "-m", "parity")

# The oracle against itself in another dtype: a run of half a second that loads no framework.
QUICK = ("--rows=60", "--epochs=20", "--no-throughput", "--contender=numpy:float32", "--reference=numpy:float64")


def environment(**changes: str) -> dict[str, str]:
    """This process's environment, with lines wide enough that no message is wrapped."""
    return {**os.environ, "COLUMNS": "240", **changes}


def parity(*arguments: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder and wait for it."""
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, env=env or environment(), capture_output=True, text=True, check=False, timeout=240
    )


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path there."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
