"""Tables of one's own: read, checked, and told in the words of whoever made them."""

from parity.tables.asked import asked
from parity.tables.choice import chosen
from parity.tables.quality import check_learnable
from parity.tables.reading import is_table, looks_like_table, read, read_standard_input
from parity.tables.table import Column, Split, Table

__all__ = [
    "Column",
    "Split",
    "Table",
    "asked",
    "check_learnable",
    "chosen",
    "is_table",
    "looks_like_table",
    "read",
    "read_standard_input",
]
