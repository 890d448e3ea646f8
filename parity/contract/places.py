"""Which line of the user's own program is running, seen from inside a framework."""

import sys
import sysconfig
from functools import cache
from pathlib import Path
from types import FrameType

from parity.contract.watching import Place

OURS = tuple(str(Path(__file__).parents[2] / name) for name in ("parity", "jax_impl", "torch_impl"))
LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})


@cache
def written_by_user(file: str) -> bool:
    """Whether a file is the user's, and not of a library, of Python or of this package."""
    return (
        not file.startswith((*OURS, *LIBRARIES, "<frozen", "<string", "<__array_function__"))
        and "site-packages" not in file
    )


def user_frame(frame: FrameType | None = None) -> FrameType | None:
    """The innermost running frame of the user's program."""
    frame = frame or sys._getframe(1)
    while frame is not None and not written_by_user(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def user_place(frame: FrameType | None = None) -> Place | None:
    """The line of the user's program that is running; None where none is."""
    found = user_frame(frame or sys._getframe(1))
    return None if found is None else Place(found.f_code.co_filename, found.f_lineno)


def user_stack() -> tuple[Place, ...]:
    """The lines of the user's program that are running, each called by the next."""
    stack, frame = [], user_frame(sys._getframe(1))
    while frame is not None:
        stack.append(Place(frame.f_code.co_filename, frame.f_lineno))
        frame = user_frame(frame.f_back) if frame.f_back else None
    return tuple(stack)
