"""Reads a table: a file of text or Parquet, or a folder with its splits."""

import hashlib
import os
from dataclasses import replace
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

from parity.contract import InputError, require
from parity.tables.folder import FEATURES, SPLITS, TARGET, data_file, has_no_header, index_files, named_columns
from parity.tables.indices import read_split
from parity.tables.parquet import is_parquet, read_parquet
from parity.tables.source import Source, of_path, of_standard_input
from parity.tables.table import Column, Rows, Table
from parity.tables.text import check_text, read_numbers, read_text

SUFFIXES = frozenset({".csv", ".dat", ".data", ".parquet", ".tsv", ".txt"})


def is_table(name: str) -> bool:
    """Whether a name is that of a file or folder, there or not: one with a suffix or in a folder is no problem's."""
    return os.path.exists(name) or os.path.basename(name) != name or bool(Path(name).suffix)


def looks_like_table(name: str) -> bool:
    """Whether a name is that of a folder, or has a table's suffix, where it may be a program's as well."""
    return os.path.isdir(name) or Path(name).suffix in SUFFIXES


def read(name: str) -> Table:
    """The table at a path; InputError where there is none, or where it is no table."""
    path = Path(name)
    return _read(name, _digest(_files(path), path))


def read_standard_input() -> Table:
    """The table that comes by standard input; InputError where it is none."""
    with of_standard_input() as source:
        return _table(source, source.name, _file_digest(source.path))


@lru_cache(maxsize=1)
def _read(name: str, sha256: str) -> Table:
    """Read anew where a byte has changed: the digest is what it is remembered by."""
    path = Path(name)
    if path.is_dir():
        return _read_folder(path, name, sha256)
    return _table(of_path(path), name, sha256)


def _table(source: Source, name: str, sha256: str) -> Table:
    columns, lines = _columns(source)
    return Table(name, sha256, columns, _rows(columns), lines)


def _columns(source: Source) -> tuple[dict[str, Column], Rows | None]:
    if is_parquet(source):
        return read_parquet(source), None
    check_text(source)
    return read_text(source)


def _read_folder(folder: Path, name: str, sha256: str) -> Table:
    source = of_path(data_file(folder))
    table = _without_header(folder, source, name, sha256) if has_no_header(folder) else _table(source, name, sha256)
    splits = tuple(read_split(train, held_out, table.rows) for train, held_out in index_files(folder))
    return replace(table, splits=splits)


def _without_header(folder: Path, source: Source, name: str, sha256: str) -> Table:
    check_text(source)
    numbers, lines = read_numbers(source)
    inputs, target = named_columns(folder, len(numbers))
    columns = {each: numbers[place] for each, place in (inputs | target).items()}
    return Table(name, sha256, columns, _rows(columns), lines, inputs=tuple(inputs), target=tuple(target))


def _rows(columns: dict[str, Column]) -> int:
    return len(next(iter(columns.values())).values) if columns else 0


def _files(path: Path) -> list[Path]:
    """All files that a table is made of."""
    if path.is_dir():
        said = [path / each for each in (FEATURES, TARGET, SPLITS) if (path / each).is_file()]
        return [data_file(path), *said, *(each for pair in index_files(path) for each in pair)]
    if not path.exists():
        beside = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
        near = get_close_matches(path.name, beside, n=3)
        advice = f"Did you mean {', '.join(near)}?" if near else f"It is looked for from {Path.cwd()}."
        raise InputError(f"There is no file {str(path)!r}. {advice}")
    require(path.is_file(), f"{path} is no file; expected a table as CSV or Parquet, or a folder with one.")
    return [path]


def _digest(files: list[Path], path: Path) -> str:
    """SHA-256 of a file, as `sha256sum` gives it; of a folder's files that of its list of them."""
    try:
        digests = {file.name: _file_digest(file) for file in files}
    except OSError as error:
        raise InputError(f"{error.filename} can't be read: {error.strerror}.") from None
    if path.is_file():
        return digests[path.name]
    told = "".join(f"{digest}  {file}\n" for file, digest in sorted(digests.items()))
    return hashlib.sha256(told.encode()).hexdigest()


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
