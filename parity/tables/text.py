"""A table as text: a header, then a line a row; commas, semicolons, tabs or blanks between the cells."""

import csv
from array import array
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Protocol

import numpy as np

from parity.contract import InputError, require
from parity.tables.cells import Gathering, number
from parity.tables.source import Source
from parity.tables.table import Column, Rows

BLOCK = 10_000
"""Rows that are turned into numbers at once."""
LOOKED_AT = 20
"""Rows from which the delimiter is told."""
DELIMITERS = (";", "\t", ",")


class Cells(Protocol):
    """Rows of cells, and the line that the last one ended on."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...

    def __next__(self) -> list[str]: ...


class Blanks:
    """Rows of cells with blanks between them, as `csv.reader` gives those with a delimiter."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.line_num = 0

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        cells = next(self._lines).split()
        self.line_num += 1
        return cells


def read_text(source: Source) -> tuple[dict[str, Column], Rows]:
    """Columns by name, and the line of each row."""
    with source.path.open(encoding="utf-8-sig", newline="") as file:
        try:
            delimiter = _delimiter(source)
            cells = _cells(file, delimiter)
            header = [cell.strip() for cell in next((row for row in cells if row), [])]
        except csv.Error as error:
            raise InputError(f"{source} can't be read from its header on: {error}. Is a quotation mark open?") from None
        _check_header(source, header, delimiter)
        return _columns(source, header, cells)


def read_numbers(source: Source) -> tuple[list[Column], Rows]:
    """Columns of a text that has no header, with blanks between its numbers."""
    with source.path.open(encoding="utf-8-sig", newline="") as file:
        width = len(next(filter(None, map(str.split, file)), []))
        file.seek(0)
        columns, lines = _columns(source, [str(place) for place in range(width)], Blanks(file))
        return list(columns.values()), lines


def check_text(source: Source) -> None:
    """InputError where a file is no UTF-8 text, with what it may be instead."""
    with source.path.open("rb") as file:
        beginning = file.read(1 << 16)
    require(bool(beginning.strip(b"\xef\xbb\xbf \t\r\n")), f"{source} is empty; expected a header and rows below it.")
    if beginning[:2] == b"PK":
        raise InputError(f"{source} is a workbook or an archive and no table; save it as CSV.")
    if beginning[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError(f"{source} is UTF-16; expected UTF-8. Save it as `CSV UTF-8`.")
    require(b"\0" not in beginning, f"{source} is binary and no table; expected CSV as UTF-8, or Parquet.")
    with source.path.open("rb") as file:
        for line, content in enumerate(file, start=1):
            _check_utf8(source, line, content)


def _check_utf8(source: Source, line: int, content: bytes) -> None:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{source} is not UTF-8: line {line} has the byte 0x{content[error.start]:02x}. Save it as UTF-8 (`CSV UTF-8`)."
        ) from None


def _delimiter(source: Source) -> str | None:
    """What stands between the cells; None where it is blanks.

    That which gives the first rows the same number of cells, more than one. Where rows differ, the one that cuts the header
    into most: what is wrong is then told of the rows. Above rows of one word each, blanks belong to the name of one column.
    `csv.Sniffer` is not asked, because it takes letters for delimiters.
    """
    with source.path.open(encoding="utf-8-sig", newline="") as file:
        head = list(islice(filter(str.strip, file), LOOKED_AT))
    widths = {each: [len(row) for row in csv.reader(head, delimiter=each)] for each in DELIMITERS}
    for delimiter, counts in widths.items():
        if counts[0] > 1 and len(set(counts)) == 1:
            return delimiter
    best = max(DELIMITERS, key=lambda each: widths[each][0])
    if widths[best][0] > 1:
        return best
    header, *rows = (len(line.split()) for line in head)
    return "," if header == 1 or set(rows) == {1} else None


def _cells(file: Iterable[str], delimiter: str | None) -> Cells:
    if delimiter is None:
        return Blanks(file)
    return csv.reader(file, delimiter=delimiter, skipinitialspace=True, strict=True)


def _check_header(source: Source, header: list[str], delimiter: str | None) -> None:
    if all(number(cell) is not None for cell in header):
        names = (delimiter or " ").join(f"x{place}" for place in range(len(header)))
        raise InputError(
            f"{source} has no header: its first line holds the numbers {', '.join(header)}. Put a line with the columns' names "
            f"above them, as {names!r}."
        )
    unnamed = [place for place, name in enumerate(header, start=1) if not name]
    require(
        not unnamed,
        f"{source} has no name for column {', '.join(map(str, unnamed))} of {len(header)}. Name it in the first line, or "
        "remove it; pandas writes its row numbers so unless told index=False.",
    )
    check_names(source, header)


def check_names(source: Source, names: list[str]) -> None:
    """InputError where two columns have one name."""
    twice = sorted({name for name in names if names.count(name) > 1})
    require(
        not twice,
        f"{source} has more than one column {', '.join(map(repr, twice))}; expected a name of its own for each.",
    )


def _columns(source: Source, names: list[str], cells: Cells) -> tuple[dict[str, Column], Rows]:
    gatherings, lines = {name: Gathering() for name in names}, array("q")
    try:
        while block := list(islice(_rows(source, names, cells, lines), BLOCK)):
            for gathering, column in zip(gatherings.values(), zip(*block, strict=True), strict=True):
                gathering.take(column)
    except csv.Error as error:
        raise InputError(
            f"{source} can't be read on line {cells.line_num}: {error}. Is a quotation mark open?"
        ) from None
    columns = {name: gathering.column() for name, gathering in gatherings.items()}
    return columns, np.frombuffer(lines, np.int64) if lines else np.empty(0, np.int64)


def _rows(source: Source, names: list[str], cells: Cells, lines: "array[int]") -> Iterator[list[str]]:
    for row in cells:
        if len(row) != len(names):
            if not any(row):
                continue
            raise InputError(
                f"{source} has {len(row)} cells on line {cells.line_num}: {_shown(row)}; expected {len(names)}, as there are "
                f"columns: {_shown(names)}."
            )
        lines.append(cells.line_num)
        yield row


def _shown(cells: list[str]) -> str:
    return ", ".join(cells[:8]) + (", ..." if len(cells) > 8 else "")
