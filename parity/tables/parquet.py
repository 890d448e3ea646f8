"""A table as Parquet, read by pyarrow."""

from typing import Any

import numpy as np

from parity.contract import InputError
from parity.tables.source import Source
from parity.tables.table import Column
from parity.tables.text import check_names

MAGIC = b"PAR1"


def is_parquet(source: Source) -> bool:
    """Whether a file says that it is Parquet, by its name or its first bytes."""
    with source.path.open("rb") as file:
        return source.path.suffix == ".parquet" or file.read(len(MAGIC)) == MAGIC


def read_parquet(source: Source) -> dict[str, Column]:
    """Columns by name; InputError where pyarrow is missing or can't read it."""
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import read_table
    except ModuleNotFoundError:
        raise InputError(
            f"{source} is Parquet, and reading it needs pyarrow, which is not installed. "
            "Install it: pip install 'parity[parquet]'"
        ) from None
    try:
        table = read_table(source.path, memory_map=False)
    except (ArrowException, OSError) as error:
        raise InputError(f"{source} can't be read as Parquet: {str(error).splitlines()[0]}") from None
    check_names(source, table.column_names)
    return {name: _column(table.column(name)) for name in table.column_names}


def _column(cells: Any) -> Column:
    """Numbers, and yes and no as 1 and 0, in float64; of any other type no cell counts as a number."""
    from pyarrow import float64, types

    kind = cells.type
    if types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_decimal(kind):
        numbers = cells.cast("int8") if types.is_boolean(kind) else cells
        # Asked to be safe, it refuses integers above 2^53, which CSV rounds.
        return Column(np.array(numbers.cast(float64(), safe=False).to_numpy(), np.float64))
    values = cells.to_pylist()
    told = [(row, str(value)) for row, value in enumerate(values) if value is not None]
    return Column(np.full(len(values), np.nan), len(told), told[0] if told else None)
