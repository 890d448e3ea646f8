"""C compiled on the spot, where there is a compiler: the one named in CC, or cc.

The flags let a compiler put several rows into one instruction, and add in another order where a loop says so. They are not
-ffast-math: it may take x + big - big for x, on which exp rests; linking with it makes the whole process flush small numbers to
zero, other contenders' too; and the loops here were no faster with it.
"""

import ctypes
import os
import platform
import shlex
import shutil
import subprocess
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from parity.environment import processor
from parity.files import cache_folder, write_whole

FLAGS = (
    "-std=c11",
    "-O3",
    "-march=native",
    "-ffp-contract=fast",
    "-fno-trapping-math",
    "-fno-math-errno",
    "-fopenmp-simd",
)


def library(source: str) -> ctypes.CDLL | str:
    """The compiled source, kept between runs for the same source, compiler and processor; or why there is none."""
    named = os.environ.get("CC", "").strip() or "cc"
    try:
        command = shlex.split(named)
    except ValueError:
        return f"CC is {named!r}, which no shell can read; name a C compiler there"
    if shutil.which(command[0]) is None:
        return f"there is no C compiler named {command[0]}; install one, or name one in CC"
    kept = cache_folder("c-loops") / f"{_key(source, command)}.so"
    with suppress(OSError):
        return ctypes.CDLL(str(kept))
    with TemporaryDirectory() as folder:
        made = _compiled(source, command, Path(folder))
        if isinstance(made, str):
            return made
        with suppress(OSError):
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_whole(kept, made.read_bytes())
        return ctypes.CDLL(str(made))


def _compiled(source: str, command: list[str], folder: Path) -> Path | str:
    text, made = folder / "loop.c", folder / "loop.so"
    text.write_text(source, encoding="utf-8")
    compile_it = [*command, *FLAGS, "-shared", "-fPIC", "-o", str(made), str(text), "-lm"]
    answer = subprocess.run(compile_it, capture_output=True, text=True, check=False)
    if answer.returncode == 0 and made.exists():
        return made
    told = (answer.stderr.strip().splitlines() or ["it said nothing"])[0]
    return f"the C compiler {shlex.join(command)} made nothing of it (exit status {answer.returncode}): {told}"


def _key(source: str, command: list[str]) -> str:
    """SHA-256 of all that the machine code depends on."""
    version = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False).stdout
    return sha256(repr([source, command, FLAGS, version, platform.machine(), processor()]).encode()).hexdigest()
