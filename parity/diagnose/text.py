"""What a script's text says plainly enough to be written anew: names, calls of the network, loops, numbers."""

import ast
from collections.abc import Iterator, Sequence

from parity.contract import Place
from parity.diagnose.finding import Fix
from parity.diagnose.source import Source


def assigned(source: Source, place: Place | None) -> list[str]:
    """The names that the statement of a place gives a value to."""
    statement = source.statement(place.line) if place else None
    if not isinstance(statement, ast.Assign):
        return []
    return [node.id for target in statement.targets for node in ast.walk(target) if isinstance(node, ast.Name)]


def forward_call(source: Source, place: Place | None) -> ast.Call | None:
    """The call of the network on that line: `model(x)`."""
    if place is None or not same_file(source, place):
        return None
    names = network_names(source)
    return next((call for call in source.calls(place.line) if call.args and ast.unparse(call.func) in names), None)


def same_file(source: Source, place: Place | None) -> bool:
    """Whether a place is in this file: a program may be written in several."""
    return place is not None and place.file == source.file


def in_scope(source: Source, name: str, line: int) -> bool:
    """Whether a name means the same on that line: it is the file's own, or of the function that the line is in."""
    root, function = name.split(".")[0], source.function(line)
    inside = ast.walk(function) if function is not None else ()
    local = any(
        isinstance(n, ast.arg | ast.Name) and root in (getattr(n, "arg", None), getattr(n, "id", None)) for n in inside
    )
    return local or any(isinstance(n, ast.Assign) and mentions_target(n, root) for n in source.tree.body)


def mentions_target(node: ast.Assign, name: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == name for target in node.targets for n in ast.walk(target))


def begins_line(source: Source, statement: ast.stmt | None) -> bool:
    """Whether nothing stands before a statement on its line, so that lines can be put in front of it and behind it."""
    if statement is None:
        return False
    alone = source.line(statement.lineno)[: statement.col_offset].strip() == ""
    return alone and not source.line(statement.end_lineno or statement.lineno)[
        statement.end_col_offset or 0 :
    ].lstrip().startswith(";")


def network_names(source: Source) -> set[str]:
    """Names that are given an object made of a class or by a function, or that people give networks."""
    found = {"model", "net", "network", "self.model", "self.net", "self.network"}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            made = ast.unparse(node.value.func)
            if made.split(".")[-1][:1].isupper() and "optim" not in made and "Loss" not in made:
                found |= {ast.unparse(target) for target in node.targets}
    return found


def mentions(node: ast.AST, names: Sequence[str]) -> bool:
    return any(isinstance(n, ast.Name) and n.id in names for n in ast.walk(node))


def in_front(source: Source, line: int, *texts: str) -> Iterator[Fix]:
    """New lines in front of the statement of a line, as deep as that; none where it shares its line with others."""
    statement = source.statement(line)
    if statement is not None and begins_line(source, statement):
        indent = source.indent(statement.lineno)
        yield Fix(Place(source.file, statement.lineno), (), tuple(indent + text for text in texts))


def behind(source: Source, line: int, *texts: str) -> Iterator[Fix]:
    """New lines behind the statement of a line, as deep as that; none where it shares its line with others."""
    statement = source.statement(line)
    if statement is not None and begins_line(source, statement):
        indent = source.indent(statement.lineno)
        yield Fix(Place(source.file, (statement.end_lineno or line) + 1), (), tuple(indent + text for text in texts))


def rewritten(source: Source, node: ast.expr, text: str) -> Fix:
    """A part of a line written anew."""
    before, after = source.with_node(node, text)
    return Fix(Place(source.file, node.lineno), before, after)


def constant_of(source: Source, node: ast.expr | None) -> ast.Constant | None:
    """A number, or the number that a name is given once in the file."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return node
    if not isinstance(node, ast.Name):
        return None
    given = [
        n.value
        for n in ast.walk(source.tree)
        if isinstance(n, ast.Assign) and any(isinstance(t, ast.Name) and t.id == node.id for t in n.targets)
    ]
    given += [
        d
        for f in ast.walk(source.tree)
        if isinstance(f, ast.FunctionDef)
        for a, d in zip(reversed(f.args.args), reversed(f.args.defaults), strict=False)
        if a.arg == node.id
    ]
    return (
        given[0]
        if len(given) == 1 and isinstance(given[0], ast.Constant) and isinstance(given[0].value, int | float)
        else None
    )


def compared(source: Source, line: int) -> list[list[ast.expr]]:
    """The pairs that the statement of a line may compare: two arguments of a call, two sides of a difference."""
    statement = source.statement(line)
    if statement is None:
        return []
    pairs = [node.args[:2] for node in ast.walk(statement) if isinstance(node, ast.Call) and len(node.args) >= 2]
    return pairs + [
        [n.left, n.right] for n in ast.walk(statement) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Sub)
    ]


def outermost_loop(source: Source, line: int) -> int:
    """The line of the outermost loop around a line; the line itself where there is none."""
    loops = [
        n.lineno
        for n in ast.walk(source.tree)
        if isinstance(n, ast.For | ast.While) and n.lineno <= line <= (n.end_lineno or 0)
    ]
    return min(loops, default=line)


def first_line(source: Source, name: str) -> int:
    """Where a name is first given a value."""
    given = [
        n.lineno for n in ast.walk(source.tree) if isinstance(n, ast.Assign) for t in n.targets if mentions(t, [name])
    ]
    return min(given, default=10**9)
