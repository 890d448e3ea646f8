"""Row numbers of a split, one a line, counted from 0."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from parity.contract import InputError, require
from parity.tables.table import Split

FEWEST = 2
"""Rows that a share must have for its spread to mean anything."""


def read_split(train: Path, held_out: Path, rows: int) -> Split:
    """The split of two files; InputError where a row is not in the table, stands twice, or in both."""
    split = Split(*(_rows_in(path, rows) for path in (train, held_out)))
    both = np.intersect1d(split.train, split.held_out)
    require(
        len(both) == 0,
        f"{train} and {held_out.name} share {len(both)} rows, the first {both[0] if len(both) else ''}; expected none: what is "
        "trained on can't judge.",
    )
    return split


def whole_numbers(path: Path) -> NDArray[np.int64]:
    """The numbers in a file, whole ones, though NumPy may have written them as 3.000e+00."""
    try:
        words = path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} can't be read: {error}. It should hold row numbers, one a line.") from None
    return np.array([_whole(path, word) for word in words], np.int64)


def _whole(path: Path, word: str) -> int:
    try:
        value = float(word)
    except ValueError:
        value = np.nan
    require(value % 1 == 0, f"{path} holds {word!r}; expected whole numbers, one a line.")
    return int(value)


def _rows_in(path: Path, rows: int) -> NDArray[np.int64]:
    numbers = whole_numbers(path)
    require(len(numbers) >= FEWEST, f"{path} holds {len(numbers)} row numbers; expected at least {FEWEST}, one a line.")
    outside = numbers[(numbers < 0) | (numbers >= rows)]
    require(
        len(outside) == 0,
        f"{path} names row {outside[0] if len(outside) else ''}, and the table has {rows} rows; expected 0 to {rows - 1}, "
        "counted from 0.",
    )
    found, counts = np.unique(numbers, return_counts=True)
    require(
        len(found) == len(numbers),
        f"{path} names row {found[counts.argmax()]} {counts.max()} times; expected each row once.",
    )
    return numbers
