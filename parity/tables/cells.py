"""Cells of text as numbers."""

from collections.abc import Sequence

import numpy as np

from parity.tables.table import Column, Floats

EMPTY = frozenset({"", "-", "?", "na", "n/a", "nan", "none", "null"})
"""What people write where nothing was measured."""


def number(cell: str) -> float | None:
    """The number in a cell, NaN where it is empty; None where it is something else, as Python's own 1_000 is."""
    if cell.strip().lower() in EMPTY:
        return np.nan
    try:
        return None if "_" in cell else float(cell)
    except ValueError:
        return None


class Gathering:
    """A column that is read block by block."""

    def __init__(self) -> None:
        self._blocks: list[Floats] = []
        self._rows = 0
        self._texts = 0
        self._first: tuple[int, str] | None = None

    def take(self, cells: Sequence[str]) -> None:
        """The next cells."""
        try:
            if "_" in "".join(cells):
                raise ValueError
            self._blocks.append(np.fromiter(map(float, cells), np.float64, len(cells)))
        except ValueError:
            self._blocks.append(np.array([self._number(row, cell) for row, cell in enumerate(cells, self._rows)]))
        self._rows += len(cells)

    def column(self) -> Column:
        """All that was taken."""
        return Column(np.concatenate(self._blocks or [np.empty(0)]), self._texts, self._first)

    def _number(self, row: int, cell: str) -> float:
        value = number(cell)
        if value is not None:
            return value
        self._texts += 1
        self._first = self._first or (row, cell)
        return np.nan
