"""The columns that a kept network asks for."""

from collections.abc import Sequence

from parity.contract import InputError, require
from parity.tables.choice import near
from parity.tables.quality import check_finite
from parity.tables.table import Floats, Table


def asked(table: Table, inputs: Sequence[str]) -> Floats:
    """(N, D) the columns of those names, in any order in the table; others are left out.

    InputError where one is not there, where there is no row, or where a cell is no finite number.
    """
    for name in inputs:
        if name not in table.columns:
            raise InputError(f"{table.name} has no column {name!r}, which is an input. {near(name, table)}")
    require(table.rows > 0, f"{table.name} has no rows; expected at least one.")
    check_finite(table, inputs, spare=False)
    return table.stacked(inputs)
