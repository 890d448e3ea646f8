"""Table: named columns of numbers, and where in its file each row stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, nextafter

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Column:
    """A column, and what of it is no number."""

    values: Floats
    """(N,), NaN where a cell is empty or no number."""
    texts: int = 0
    """Cells that are neither empty nor a number."""
    first_text: tuple[int, str] | None = None
    """Row and value of the first of those."""

    @cached_property
    def is_text(self) -> bool:
        """Whether no cell is a number: names, dates and remarks, where one stray word among numbers is a mistake."""
        return self.texts > 0 and bool(np.isnan(self.values).all())


@dataclass(frozen=True)
class Split:
    """Rows to train on and rows held out, as whoever made the table has said; counted from 0."""

    train: Rows
    held_out: Rows

    @property
    def rows(self) -> int:
        """Of both sides together; the table may have more."""
        return len(self.train) + len(self.held_out)

    @property
    def share(self) -> float:
        """The share held out, from which as many rows are counted as there are."""
        share = len(self.held_out) / self.rows
        # The product of a rounded quotient may be above the whole number, and is rounded up from there.
        return share if ceil(self.rows * share) == len(self.held_out) else nextafter(share, 0.0)


@dataclass(frozen=True)
class Table:
    """N rows of named columns."""

    name: str
    """The path as it was given."""
    sha256: str
    """Of the file; of a folder's files, each with its name."""
    columns: Mapping[str, Column]
    rows: int
    lines: Rows | None = None
    """(N,) of a text: the line on which each row ends, counted from 1."""
    splits: tuple[Split, ...] = ()
    inputs: tuple[str, ...] = ()
    """What the network is to see, where the folder says so."""
    target: tuple[str, ...] = ()
    """What it is to learn, where the folder says so."""

    def stacked(self, names: Sequence[str]) -> Floats:
        """(N, D): columns beside each other."""
        return np.stack([self.columns[name].values for name in names], axis=1)

    def place(self, row: int) -> str:
        """A row in words: counted from 0 as in index files, and its line as an editor counts."""
        return f"row {row}" if self.lines is None else f"row {row} (line {self.lines[row]})"
