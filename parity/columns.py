"""Columns: what the columns of a table are to a network."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Columns:
    """Of a table of one's own; a problem of the catalogue knows its columns.

    Words as they are given: a column's name, or several with commas between them; `parity.tables.chosen` spells them out.
    """

    inputs: tuple[str, ...] = ()
    """Columns that the network sees, `--inputs a,b`; all others that hold numbers, where none is named."""
    target: tuple[str, ...] = ()
    """Columns that it learns."""
    log: tuple[str, ...] = ()
    """Those of which it sees, or learns, the natural logarithm."""
    units: tuple[str, ...] = ()
    """Units, as `a=m/s,z=K`."""
