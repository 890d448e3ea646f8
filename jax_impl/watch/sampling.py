"""Which steps are looked at: the first ones all, then geometrically rarer."""

FIRST = 32
FACTOR = 1.15


def next_sample(count: int) -> int:
    """The number behind `count`, counted from 0, at which to look again."""
    return count + 1 if count + 1 < FIRST else int(count * FACTOR) + 1
