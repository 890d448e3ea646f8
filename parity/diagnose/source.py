"""A script's text: which statement stands on a line, and how a part of it is written anew."""

import ast
import tokenize
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from parity.contract import Place


@dataclass(frozen=True)
class Source:
    """One file."""

    file: str

    @cached_property
    def lines(self) -> list[str]:
        """Without their line ends."""
        with tokenize.open(self.file) as text:
            return text.read().splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse("\n".join(self.lines))

    def line(self, number: int) -> str:
        """A line, counted from 1; empty where there is none."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def statement(self, number: int) -> ast.stmt | None:
        """The innermost statement that covers a line."""
        covering = [
            n
            for n in ast.walk(self.tree)
            if isinstance(n, ast.stmt) and n.lineno <= number <= (n.end_lineno or n.lineno)
        ]
        return min(covering, key=lambda n: ((n.end_lineno or n.lineno) - n.lineno, -n.col_offset), default=None)

    def function(self, number: int) -> ast.FunctionDef | None:
        """The innermost function that a line is in."""
        around = [
            n
            for n in ast.walk(self.tree)
            if isinstance(n, ast.FunctionDef) and n.lineno <= number <= (n.end_lineno or 0)
        ]
        return max(around, key=lambda n: n.lineno, default=None)

    def calls(self, number: int) -> list[ast.Call]:
        """The calls in the statement of a line, the outermost first."""
        statement = self.statement(number)
        return [] if statement is None else [node for node in ast.walk(statement) if isinstance(node, ast.Call)]

    def text(self, node: ast.AST) -> str:
        """A node as it is written."""
        return ast.get_source_segment("\n".join(self.lines), node) or ast.unparse(node)

    def with_node(self, node: ast.expr, text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The lines of a node before and after it is written as `text`."""
        first, last = node.lineno, node.end_lineno or node.lineno
        before = tuple(self.lines[first - 1 : last])
        encoded = [line.encode() for line in before]
        head = encoded[0][: node.col_offset].decode()
        tail = encoded[-1][node.end_col_offset or 0 :].decode()
        return before, tuple(f"{head}{text}{tail}".split("\n"))

    def indent(self, number: int) -> str:
        """The white space in front of a line."""
        line = self.line(number)
        return line[: len(line) - len(line.lstrip())]


def source_of(place: Place | None) -> Source | None:
    """The file of a place; None where it can't be read, as that of a notebook's cell."""
    if place is None or not Path(place.file).is_file():
        return None
    source = Source(place.file)
    try:
        source.tree  # noqa: B018
    except (OSError, SyntaxError, UnicodeDecodeError):
        return None
    return source
