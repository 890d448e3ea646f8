"""Tables of one's own: read, checked, and told in the words of whoever made them."""

from parity.tables.choice import chosen
from parity.tables.quality import check
from parity.tables.reading import is_table, looks_like_table, read
from parity.tables.table import Column, Split, Table

__all__ = ["Column", "Split", "Table", "check", "chosen", "is_table", "looks_like_table", "read"]
