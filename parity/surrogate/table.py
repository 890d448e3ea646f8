"""Rows of inputs from a CSV file."""

import csv
import sys
from dataclasses import dataclass
from io import StringIO
from math import isfinite
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from parity.contract import InputError, require
from parity.nearest import suggestion

STANDARD_INPUT = "-"


@dataclass(frozen=True)
class Table:
    """The asked-for columns of a file."""

    rows: NDArray[np.float64]
    """(N, D)."""
    lines: list[int]
    """(N,) the line of the file that each row ends on, from 1."""


def read_table(source: str, symbols: list[str]) -> Table:
    """The columns of a CSV file that are named by `symbols`, in any order there; others are left out.

    `source` is a path, or `-` for standard input. Raises InputError with the line and column where a value is no finite number.
    """
    name = "standard input" if source == STANDARD_INPUT else source
    try:
        # `utf-8-sig` skips the mark that spreadsheets put in front.
        text = sys.stdin.read() if source == STANDARD_INPUT else Path(source).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{name} can't be read: {error.strerror}. Give the path of a CSV file.") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not UTF-8 text: {error}. Give a CSV file.") from None
    reader = csv.reader(StringIO(text, newline=""), skipinitialspace=True, strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        places = [_place(symbol, header, name) for symbol in symbols]
        rows, lines = [], []
        for cells in reader:
            if not cells:
                continue
            where = f"{name}, line {reader.line_num}"
            require(
                len(cells) == len(header), f"{where} has {len(cells)} values; expected {len(header)}, as in the header."
            )
            rows.append([_number(cells[place], f"{where}, column {header[place]}") for place in places])
            lines.append(reader.line_num)
    except csv.Error as error:
        raise InputError(f"{name}, line {reader.line_num}, is not CSV: {error}.") from None
    require(bool(rows), f"{name} has no rows below its header; expected one at least.")
    return Table(np.array(rows, np.float64), lines)


def _place(symbol: str, header: list[str], name: str) -> int:
    found = [place for place, cell in enumerate(header) if cell == symbol]
    if not found:
        raise InputError(f"{name} has no column {symbol!r}, which is an input. {suggestion(symbol, header)}")
    require(len(found) == 1, f"{name} has {len(found)} columns {symbol!r}; expected one.")
    return found[0]


def _number(cell: str, where: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        raise InputError(f"{where}, is {cell!r}; expected a number.") from None
    require(isfinite(value), f"{where}, is {cell!r}; expected a finite number.")
    return value
