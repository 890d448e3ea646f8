"""What is claimed of our speed, each a ratio that can fail."""

from collections.abc import Iterable
from typing import NamedTuple

from benchmarks.peers.rows import Row

LIBRARY = "the fastest library"
"""Whichever it is, in the place of a peer's name."""


class Claim(NamedTuple):
    """A peer takes at least so many times as long for a step as ours; of several of ours, the fastest counts."""

    text: str
    ours: str
    """How its name begins."""
    peer: str
    least: float

    def row(self, rows: Iterable[Row]) -> Row | None:
        """The one that it is judged by; None where that was not measured."""
        mine = [row for row in rows if "ratio" in row and row["ours"].startswith(self.ours)]
        if self.peer == LIBRARY:
            fastest = min(
                (row for row in mine if row["class"] == "peer"), key=lambda row: row["microseconds"], default=None
            )
            mine = [row for row in mine if fastest and row["peer"] == fastest["peer"]]
        else:
            mine = [row for row in mine if row["peer"] == self.peer]
        return max(mine, key=lambda row: row["ratio"], default=None)

    def holds(self, row: Row) -> str:
        """By the whole interval: yes, no, or open where the bound lies inside it."""
        low, high = row["interval"]
        return "yes" if low >= self.least else "no" if high < self.least else "open"


FASTEST_KERAS = "Keras on JAX, 32 steps an execution"
BARE = "PyTorch loop, fused Adam"
CLAIMS = (
    Claim("JAX is 15 times as fast as Keras on JAX, 32 steps an execution", "jax:", FASTEST_KERAS, 15.0),
    Claim("JAX is 15 times as fast as the fastest library", "jax:", LIBRARY, 15.0),
    Claim("JAX is 30 times as fast as scikit-learn, one call", "jax:", "scikit-learn, one call", 30.0),
    Claim("JAX is 30 times as fast as scikit-learn, a call a batch", "jax:", "scikit-learn, a call a batch", 30.0),
    Claim("PyTorch is 8 times as fast as skorch", "torch:", "skorch", 8.0),
    Claim("PyTorch is 8 times as fast as Lightning", "torch:", "Lightning", 8.0),
    Claim("torch:cpu:eager takes at most 1.05 times as long as a bare fused loop", "torch:cpu:eager", BARE, 1.0 / 1.05),
)
