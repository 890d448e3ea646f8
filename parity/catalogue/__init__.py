"""The catalogue trained: what each problem's recipe reaches in both backends, beside Adam, and how fast its network answers."""

from parity.catalogue.entry import Entry, Speed, Training
from parity.catalogue.measure import engineering, key_of, measure
from parity.catalogue.store import Store
from parity.catalogue.table import markdown, show_entries

__all__ = [
    "Entry",
    "Speed",
    "Store",
    "Training",
    "engineering",
    "key_of",
    "markdown",
    "measure",
    "show_entries",
]
