"""Which columns are meant, by the words of the command line or of a file."""

import csv
from collections.abc import Iterable, Sequence

from parity.columns import Columns
from parity.contract import InputError, require
from parity.nearest import suggestion
from parity.tables.table import Table


def chosen(table: Table, columns: Columns) -> Columns:
    """The columns spelled out, a name an element and units as `name=unit`.

    A word that is a column's name stands for it; any other is read as a line of CSV, so that `a,b` are two and a name with a
    comma is quoted there: `'"flow, in",T'`. Without a target, InputError lists the columns; without inputs, all others that
    hold numbers are meant.
    """
    target = _names(table, "target", columns.target) or table.target
    require(
        bool(target),
        f"{table.name} has the columns {_listed(table.columns)}. Say which is to be learned: --target NAME, "
        "and which from: --inputs NAME,NAME (all others that hold numbers, where that is left out).",
    )
    inputs = _names(table, "inputs", columns.inputs) or table.inputs or _others(table, target)
    both = [name for name in inputs if name in target]
    require(
        not both,
        f"{_listed(both)} is among inputs and target; expected a column on one side, or it need not be learned.",
    )
    used = (*inputs, *target)
    log = _names(table, "log", columns.log)
    units = _units(table, columns.units)
    for option, names in (("log", log), ("units", tuple(units))):
        unused = [name for name in names if name not in used]
        require(
            not unused,
            f"{option} names {_listed(unused)}, which is neither input nor target; expected one of {_listed(used)}.",
        )
    return Columns(inputs, target, log, tuple(f"{name}={unit}" for name, unit in units.items()))


def units_of(columns: Columns) -> dict[str, str]:
    """Units by column, of columns that are spelled out."""
    used = sorted((*columns.inputs, *columns.target), key=len, reverse=True)
    pairs = (next((name, word) for name in used if word.startswith(f"{name}=")) for word in columns.units)
    return {name: word.removeprefix(f"{name}=") for name, word in pairs}


def _names(table: Table, option: str, words: Sequence[str]) -> tuple[str, ...]:
    names = [name for word in words for name in ([word] if word in table.columns else _cut(word))]
    for name in names:
        if name not in table.columns:
            raise InputError(f"{option} names {name!r}, and {table.name} has no such column. {near(name, table)}")
    twice = sorted({name for name in names if names.count(name) > 1})
    require(not twice, f"{option} names {_listed(twice)} more than once; expected each column once.")
    return tuple(names)


def _cut(word: str) -> list[str]:
    cells = next(csv.reader([word], skipinitialspace=True), [])
    return [cell.strip() for cell in cells if cell.strip()]


def near(name: str, table: Table) -> str:
    """Nearest names, whatever their case."""
    known = {each.lower(): each for each in table.columns}
    return f"Did you mean {known[name.lower()]}?" if name.lower() in known else suggestion(name, table.columns)


def _others(table: Table, target: Sequence[str]) -> tuple[str, ...]:
    others = tuple(name for name, column in table.columns.items() if name not in target and not column.is_text)
    require(bool(others), f"{table.name} has no column of numbers beside {_listed(target)}; expected at least one.")
    return others


def _units(table: Table, words: Sequence[str]) -> dict[str, str]:
    units: dict[str, str] = {}
    for word in words:
        parts = _cut(word)
        # Where not every part is a column with its unit, a comma belongs to the one or the other.
        for part in parts if all(_unit(table, part) for part in parts) else [word]:
            found = _unit(table, part)
            if found is None:
                name = part.split("=")[0].strip()
                known = f"{name!r} is no column of {table.name}. {near(name, table)}" if "=" in part else ""
                raise InputError(f"units has {part!r}; expected COLUMN=UNIT, as a=m/s. {known}".strip())
            require(
                found[0] not in units, f"units names {found[0]!r} more than once; expected one unit for each column."
            )
            units[found[0]] = found[1]
    return units


def _unit(table: Table, part: str) -> tuple[str, str] | None:
    fits = [name for name in table.columns if part.startswith(f"{name}=")]
    name = max(fits, key=len, default=None)
    return None if name is None else (name, part.removeprefix(f"{name}=").strip())


def _listed(names: Iterable[str]) -> str:
    """Names, with a quotation mark around one that has a comma."""
    return ", ".join(f'"{name}"' if "," in name else name for name in names)
