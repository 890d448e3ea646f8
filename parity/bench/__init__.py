"""Which is faster, on this machine: contenders proven equal by the ladder, then timed against one another."""

from parity.bench.advice import advice
from parity.bench.bench import Bench
from parity.bench.compare import Change, compared
from parity.bench.field import all_contenders, grid, usable
from parity.bench.map import svg
from parity.bench.table import show_changes, show_rows
from parity.bench.timing import Options

__all__ = [
    "Bench",
    "Change",
    "Options",
    "advice",
    "all_contenders",
    "compared",
    "grid",
    "show_changes",
    "show_rows",
    "svg",
    "usable",
]
