"""Which line of the user's program is at work."""

import sys
import sysconfig
from functools import lru_cache
from pathlib import Path
from types import CodeType
from typing import Any

from parity.contract import Place

OURS = tuple(str(Path(__file__).resolve().parents[2] / name) + "/" for name in ("jax_impl", "parity"))
LIBRARIES = tuple(sysconfig.get_paths()[name] + "/" for name in ("stdlib", "platstdlib"))


@lru_cache(maxsize=4096)
def is_users(file: str) -> bool:
    """Neither a library, nor Python, nor the watcher."""
    elsewhere = file.startswith(("<frozen", "<string", *OURS, *LIBRARIES))
    return not elsewhere and "/site-packages/" not in file and "/dist-packages/" not in file


def here() -> Place | None:
    """The innermost line of the user's program that is being run."""
    frame = sys._getframe(1)
    while frame is not None:
        if is_users(frame.f_code.co_filename):
            return Place(frame.f_code.co_filename, frame.f_lineno)
        frame = frame.f_back
    return None


def of_equation(source_info: Any) -> Place | None:
    """The line that an equation of a jaxpr comes from."""
    if source_info is None or source_info.traceback is None:
        return None
    for frame in source_info.traceback.frames:
        if is_users(frame.file_name):
            return Place(frame.file_name, frame.line_num)
    return None


def of_function(function: Any) -> Place | None:
    code = getattr(function, "__code__", None)
    known = isinstance(code, CodeType) and is_users(code.co_filename)
    return Place(code.co_filename, code.co_firstlineno) if known else None
