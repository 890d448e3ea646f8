"""Compiled programs, kept on disk: the second run of a config compiles nothing.

The frameworks keep them, in folders that they are told of before they are loaded, by their own environment variables; what a
user has set of these stays.
"""

import os
import platform
import time
import warnings
import zlib
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile

from parity.files import cache_folder

JAX, TORCH = "JAX_COMPILATION_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR"
EVERY_PROGRAM = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1"}
"""JAX keeps what took a second or more to compile, unless told otherwise; a run compiles many programs that take less."""
COLD = {"JAX_ENABLE_COMPILATION_CACHE": "false", "TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1"}
MOST_BYTES = 2**30
"""What JAX's programs take on disk at most, from one start to the next."""
CHECKED = "checked"
ZSTD = b"\x28\xb5\x2f\xfd"


def keep_compiled() -> None:
    """Have the frameworks that are loaded from here on keep what they compile, and find what was kept.

    A folder that can't be written to is done without, with a warning.
    """
    if _is_cold():
        return
    for variable, name in ((JAX, "jax"), (TORCH, "torch")):
        if variable in os.environ:
            continue
        folder = cache_folder("compiled") / f"{name}-{_machine()}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=folder):
                pass
        except OSError as error:
            warnings.warn(f"{folder} can't be written to ({error.strerror}): nothing compiled is kept.", stacklevel=2)
            return
        os.environ[variable] = str(folder)
        if variable == JAX:
            _mend(folder)
    for variable, value in EVERY_PROGRAM.items():
        os.environ.setdefault(variable, value)
    # What it can't read JAX compiles, so nothing is lost.
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache entry")


def compile_anew() -> None:
    """Have the frameworks that are loaded from here on, in this process and in those that it starts, compile all they need."""
    os.environ.update(COLD)


def kept_in(folder: Path) -> dict[str, str]:
    """Environment of a process that is to find what lies in a folder of its own alone, and to keep there what it compiles."""
    return {JAX: str(folder / "jax"), TORCH: str(folder / "torch"), **EVERY_PROGRAM}


def is_kept() -> bool:
    """Whether the frameworks keep what they compile."""
    return JAX in os.environ and not _is_cold()


def files_kept() -> int:
    """How many files the frameworks' folders hold: what is compiled, and was not found there, adds some."""
    folders = (Path(os.environ[variable]) for variable in (JAX, TORCH) if variable in os.environ)
    return sum(len(files) for folder in folders for _, _, files in os.walk(folder))


def _is_cold() -> bool:
    return all(os.environ.get(variable) == value for variable, value in COLD.items())


def _machine() -> str:
    """Short, and another on a processor of other abilities: compiled code may not run there, and homes are shared."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    abilities = next((line for line in lines if line.startswith(("flags", "Features"))), platform.processor())
    return sha256(f"{platform.machine()} {abilities}".encode()).hexdigest()[:12]


def _mend(folder: Path) -> None:
    """Remove programs that are not whole, as a process that was killed leaves them, and the oldest where all take too much.

    JAX would neither read nor replace the first. Only those are looked at that were written since the last time.
    """
    mark = folder / CHECKED
    last = mark.stat().st_mtime if mark.exists() else 0.0
    now = time.time()
    with suppress(OSError):
        left = MOST_BYTES
        for written, path in sorted(_entries(folder), reverse=True):
            left -= path.stat().st_size
            if left < 0 or (written >= last and not _is_whole(path)):
                path.unlink(missing_ok=True)
        mark.touch()
        os.utime(mark, (now, now))


def _entries(folder: Path) -> Iterator[tuple[float, Path]]:
    """When each program was written, and where it is."""
    for entry in os.scandir(folder):
        if entry.name.endswith("-cache"):
            yield entry.stat().st_mtime, Path(entry.path)


def _is_whole(path: Path) -> bool:
    content = path.read_bytes()
    try:
        zlib.decompress(content)
    except zlib.error:
        # Where a library of it is installed, JAX packs with that; its damage is for JAX to find.
        return content.startswith(ZSTD)
    return True
