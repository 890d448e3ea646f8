"""What keeps a column from being learned, or a network from answering: told before it is tried, and nothing is dropped."""

import re
from collections.abc import Sequence

import numpy as np

from parity.columns import Columns
from parity.contract import InputError
from parity.tables.table import Column, Table

SHOWN = 5
"""Rows that are named one by one."""
DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+,\d+([eE][+-]?\d+)?\s*")


def check_learnable(table: Table, columns: Columns) -> None:
    """InputError at the first thing in the columns in use, spelled out, that no network could learn."""
    used = (*columns.inputs, *columns.target)
    check_finite(table, used, spare=True)
    for name in used:
        _check_varies(table, name, table.columns[name], columns)
    for name in columns.log:
        _check_positive(table, name, table.columns[name])


def check_finite(table: Table, names: Sequence[str], *, spare: bool) -> None:
    """InputError at the first cell of these columns that is no finite number.

    `spare` is whether a column could be left out instead, as none can that a kept network asks for.
    """
    used = {name: table.columns[name] for name in names}
    for name, column in used.items():
        _check_numbers(table, name, column, spare)
    _check_missing(table, used, spare)
    for name, column in used.items():
        _check_infinite(table, name, column)


def _check_numbers(table: Table, name: str, column: Column, spare: bool) -> None:
    if column.first_text is None:
        return
    row, value = column.first_text
    place = f"{table.name}: column {name} has {value!r} in {table.place(row)}"
    if DECIMAL_COMMA.fullmatch(value):
        raise InputError(f"{place}, with a decimal comma; expected a decimal point, {value.strip().replace(',', '.')}.")
    raise InputError(
        f"{place}; expected a number. {column.texts} of its {table.rows} cells are no numbers; "
        f"{'code them in numbers' if column.is_text else 'mend them'}, or leave {'the column' if spare else 'their rows'} out."
    )


def _check_missing(table: Table, used: dict[str, Column], spare: bool) -> None:
    empty = {name: np.flatnonzero(np.isnan(column.values)) for name, column in used.items()}
    empty = {name: rows for name, rows in empty.items() if len(rows)}
    if not empty:
        return
    rows = np.unique(np.concatenate(list(empty.values())))
    told = "; ".join(f"{name} in {_places(table, where.tolist())}" for name, where in empty.items())
    raise InputError(
        f"{table.name} has {sum(map(len, empty.values()))} missing values, in {len(rows)} of its {table.rows} rows: {told}. "
        f"Nothing is dropped or filled in here: remove those rows{' or columns' if spare else ''}, or fill them in, and say so "
        "where you report."
    )


def _places(table: Table, rows: Sequence[int]) -> str:
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    return ", ".join(map(table.place, rows[:SHOWN])) + more


def _check_infinite(table: Table, name: str, column: Column) -> None:
    bad = np.flatnonzero(~np.isfinite(column.values)).tolist()
    if bad:
        raise InputError(
            f"{table.name}: column {name} has {len(bad)} infinite values, the first {column.values[bad[0]]} in "
            f"{table.place(bad[0])}; expected finite numbers."
        )


def _check_varies(table: Table, name: str, column: Column, columns: Columns) -> None:
    if not (column.values == column.values[0]).all():
        return
    rest = ",".join(f'"{each}"' if "," in each else each for each in columns.inputs if each != name)
    advice = (
        f"Leave it out: --inputs {rest!r}" if name in columns.inputs and rest else "There is nothing to learn in it."
    )
    raise InputError(f"{table.name}: column {name} is {column.values[0]:g} in all {table.rows} rows. {advice}")


def _check_positive(table: Table, name: str, column: Column) -> None:
    bad = np.flatnonzero(column.values <= 0).tolist()
    if bad:
        raise InputError(
            f"{table.name}: column {name} is to be seen as its logarithm and has {len(bad)} values that are not above 0, the "
            f"first {column.values[bad[0]]} in {table.place(bad[0])}. Take it out of --log, or mend them."
        )
