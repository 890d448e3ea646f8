"""Names that a mistyped one may have meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """`Did you mean a, b?`, or all known names where none is near."""
    names = sorted(known)
    near = get_close_matches(wrong, names, n=3)
    return f"Did you mean {', '.join(near)}?" if near else f"Known: {', '.join(names) or 'none'}."
