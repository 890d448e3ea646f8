"""The outline of a source file: its definitions in order, each with the names of its arguments."""

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent


def outline(path: Path) -> list[str]:
    """`function(a, b)`, `Class`, `Class.method(self, a)`, `CONSTANT`, from top to bottom."""
    return list(_definitions(ast.parse(path.read_text(encoding="utf-8")).body, ""))


def _definitions(body: list[ast.stmt], prefix: str):
    for node in body:
        if isinstance(node, ast.FunctionDef):
            arguments = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
            yield f"{prefix}{node.name}({', '.join(arguments)})"
        elif isinstance(node, ast.ClassDef):
            yield f"{prefix}{node.name}"
            yield from _definitions(node.body, f"{prefix}{node.name}.")
        elif isinstance(node, ast.AnnAssign | ast.Assign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (f"{prefix}{target.id}" for target in targets if isinstance(target, ast.Name))
