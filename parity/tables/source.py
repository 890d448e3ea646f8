"""Where the bytes of a table are, and what messages call it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory

from parity.contract import InputError, require


@dataclass(frozen=True)
class Source:
    """A file, and its name in messages."""

    path: Path
    name: str

    def __str__(self) -> str:
        return self.name


def of_path(path: Path) -> Source:
    """A file that is called by its path."""
    return Source(path, str(path))


@contextmanager
def of_standard_input() -> Iterator[Source]:
    """Standard input, kept in a file meanwhile: a table is opened several times, to see what it is and to read it."""
    name = "standard input"
    require(sys.stdin is not None, f"{name} is closed; send a table there, or name a file.")
    with TemporaryDirectory(prefix="parity-") as folder:
        path = Path(folder) / "table"
        try:
            with path.open("wb") as file:
                copyfileobj(sys.stdin.buffer, file)
        except OSError as error:
            raise InputError(f"{name} can't be read: {error.strerror}.") from None
        yield Source(path, name)
