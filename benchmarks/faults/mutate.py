"""Mutants of a Python source: every place in it, changed by one of a few operators, one at a time."""

import ast
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass

ARITHMETIC = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult}
ARITHMETIC |= {ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr}
COMPARISONS = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}
COMPARISONS |= {ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In}
COMMUTATIVE = (ast.Add, ast.Mult, ast.BitOr, ast.BitAnd)

MODULES = ("F", "nn", "np", "torch")

Change = Callable[[ast.AST], ast.AST | None]
"""What is put in the place of a node; None drops a statement."""


@dataclass(frozen=True)
class Mutant:
    """One change of one place."""

    line: int
    operator: str
    before: str
    after: str
    source: str
    """The whole file with the change."""


@dataclass(frozen=True)
class Site:
    """Where a node hangs in its tree: in a field of its parent, or in a list in that field."""

    parent: ast.AST
    field: str
    index: int | None

    def put(self, node: ast.AST) -> None:
        """Hang another node there."""
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


def mutants(source: str) -> Iterator[Mutant]:
    """All mutants of a source, by its statements; those that read like it, or like another, are left out."""
    tree = ast.parse(source)
    texts = [ast.unparse(statement) for statement in tree.body]
    seen = {(number, text) for number, text in enumerate(texts)}
    for number, statement in enumerate(tree.body):
        for site, node in _sites(Site(tree, "body", number), statement):
            for operator, change in _changes(node):
                after = change(node)
                site.put(after or ast.Pass())
                text = ast.unparse(ast.fix_missing_locations(tree.body[number]))
                site.put(node)
                if (number, text) not in seen:
                    seen.add((number, text))
                    changed = "\n".join([*texts[:number], text, *texts[number + 1 :]])
                    yield Mutant(node.lineno, operator, _short(node), _short(after) if after else "", changed)


def _sites(site: Site, node: ast.AST) -> list[tuple[Site, ast.AST]]:
    """A node and all below it that have a line, without annotations, imports and docstrings, which compute nothing."""
    idle = _idle(node)
    if node in idle:
        return []
    found = [(site, node)] if hasattr(node, "lineno") else []
    for name, value in ast.iter_fields(node):
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST) and child not in idle:
                found += _sites(Site(node, name, index), child)
    return found


def _idle(node: ast.AST) -> list[ast.AST]:
    parts = [getattr(node, name, None) for name in ("annotation", "returns")]
    if isinstance(node, ast.Import | ast.ImportFrom):
        parts.append(node)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        parts.append(node)
    if isinstance(node, ast.Assign) and _is_alias(node.value):
        parts.append(node)
    return [part for part in parts if part is not None]


def _is_alias(value: ast.AST) -> bool:
    """Whether an assignment names a type: `Tensors = dict[str, Tensor]`."""
    return isinstance(value, ast.Subscript) and isinstance(value.value, ast.Name)


def _changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    """The operators that fit a node, each with its name."""
    for operators in (_of_constants, _of_operations, _of_calls, _of_collections, _of_statements):
        yield from operators(node)


def _of_constants(node: ast.AST) -> Iterator[tuple[str, Change]]:
    if not isinstance(node, ast.Constant):
        return
    if isinstance(node.value, bool):
        yield "boolean flipped", lambda place: ast.Constant(not place.value)
    elif isinstance(node.value, int | float):
        yield "constant plus 1", lambda place: ast.Constant(place.value + 1)
        if node.value not in (0, 1):
            yield "constant 1 % larger", lambda place: ast.Constant(place.value * 1.01)
            yield "constant zero", lambda place: ast.Constant(type(place.value)(0))


def _of_operations(node: ast.AST) -> Iterator[tuple[str, Change]]:
    if isinstance(node, ast.BinOp):
        if type(node.op) in ARITHMETIC:
            yield "operator exchanged", lambda place: ast.BinOp(place.left, ARITHMETIC[type(place.op)](), place.right)
        if not isinstance(node.op, COMMUTATIVE):
            yield "operands exchanged", lambda place: ast.BinOp(place.right, place.op, place.left)
        yield "only the left operand", lambda place: place.left
        yield "only the right operand", lambda place: place.right
    elif isinstance(node, ast.UnaryOp):
        yield "sign or not dropped", lambda place: place.operand
    elif isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARISONS:
        yield (
            "comparison exchanged",
            lambda place: ast.Compare(place.left, [COMPARISONS[type(place.ops[0])]()], place.comparators),
        )
    elif isinstance(node, ast.BoolOp):
        yield "and or exchanged", lambda place: ast.BoolOp(_other(place.op), place.values)
    elif isinstance(node, ast.IfExp):
        yield "branches exchanged", lambda place: ast.IfExp(place.test, place.orelse, place.body)


def _of_calls(node: ast.AST) -> Iterator[tuple[str, Change]]:
    if not isinstance(node, ast.Call):
        return
    plain = [each for each in node.args if not isinstance(each, ast.Starred)]
    if isinstance(node.func, ast.Attribute) and not _is_module(node.func.value):
        yield "method not called", lambda place: place.func.value
    elif len(plain) == len(node.args) == 1 and not node.keywords:
        yield "function not called", lambda place: place.args[0]
    for i in range(len(plain) - 1):
        if len(plain) == len(node.args):
            yield "arguments exchanged", lambda place, i=i: _with_arguments(place, _exchanged(place.args, i))
    for i, keyword in enumerate(node.keywords):
        if keyword.arg is not None:
            yield (
                "keyword dropped",
                lambda place, i=i: ast.Call(place.func, place.args, place.keywords[:i] + place.keywords[i + 1 :]),
            )


def _of_collections(node: ast.AST) -> Iterator[tuple[str, Change]]:
    if isinstance(node, ast.Dict):
        for i in range(len(node.values) - 1):
            yield "entries exchanged", lambda place, i=i: ast.Dict(place.keys, _exchanged(place.values, i))
    elif isinstance(node, ast.Tuple | ast.List) and isinstance(node.ctx, ast.Load):
        for i in range(len(node.elts) - 1):
            if not any(isinstance(each, ast.Starred) for each in node.elts):
                yield (
                    "elements exchanged",
                    lambda place, i=i: type(place)(_exchanged(place.elts, i), ast.Load()),
                )


def _of_statements(node: ast.AST) -> Iterator[tuple[str, Change]]:
    if isinstance(node, ast.Expr | ast.AugAssign) or (isinstance(node, ast.Assign) and _is_member(node.targets[0])):
        yield "statement dropped", lambda place: None
    elif isinstance(node, ast.If):
        yield "condition always true", lambda place: ast.If(ast.Constant(True), place.body, place.orelse)
        yield "condition never true", lambda place: ast.If(ast.Constant(False), place.body, place.orelse)
    elif isinstance(node, ast.With):
        yield "context dropped", lambda place: ast.If(ast.Constant(True), place.body, [])
    elif isinstance(node, ast.FunctionDef) and node.decorator_list:
        yield "decorator dropped", _undecorated


def _undecorated(place: ast.AST) -> ast.AST:
    plain = copy(place)
    plain.decorator_list = plain.decorator_list[1:]
    return plain


def _is_member(target: ast.AST) -> bool:
    """Whether an assignment changes an object: dropping one of a name alone ends in a NameError."""
    return isinstance(target, ast.Attribute | ast.Subscript)


def _is_module(value: ast.AST) -> bool:
    """Whether it names a module: `torch`, `torch.optim`, `np.linalg`."""
    while isinstance(value, ast.Attribute):
        value = value.value
    return isinstance(value, ast.Name) and value.id in MODULES


def _other(operator: ast.boolop) -> ast.boolop:
    return ast.Or() if isinstance(operator, ast.And) else ast.And()


def _exchanged(values: list, i: int) -> list:
    return [*values[:i], values[i + 1], values[i], *values[i + 2 :]]


def _with_arguments(call: ast.Call, arguments: list) -> ast.Call:
    return ast.Call(call.func, arguments, call.keywords)


def _short(node: ast.AST) -> str:
    """The first line of a node's source, cut."""
    return ast.unparse(node).splitlines()[0][:100]
