"""Which line of the user's program something comes from."""

from types import CodeType
from typing import Any

from parity.contract import Place
from parity.contract.places import user_place, user_stack, written_by_user


def here() -> Place | None:
    """The innermost line of the user's program that is being run."""
    return user_place()


def stack() -> tuple[Place, ...]:
    """The lines of the user's program that are being run, each called by the next."""
    return user_stack()


def of_equation(source_info: Any) -> Place | None:
    """The line that an equation of a jaxpr comes from."""
    if source_info is None or source_info.traceback is None:
        return None
    for frame in source_info.traceback.frames:
        if written_by_user(frame.file_name):
            return Place(frame.file_name, frame.line_num)
    return None


def of_function(function: Any) -> Place | None:
    code = getattr(function, "__code__", None)
    known = isinstance(code, CodeType) and written_by_user(code.co_filename)
    return Place(code.co_filename, code.co_firstlineno) if known else None
