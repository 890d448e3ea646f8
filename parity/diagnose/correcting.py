"""A copy of a script with the corrected lines."""

import ast
import tokenize
from collections.abc import Sequence
from pathlib import Path

from parity.contract import InputError, require
from parity.diagnose.finding import Fix
from parity.diagnose.session import Session


def check_copy(script: Path, copy: Path) -> None:
    """Raise InputError where a corrected copy can't be written there."""
    same = copy.exists() and copy.samefile(script)
    require(not same, f"--corrected is {str(copy)!r}, the script itself, which is never changed. Name another file.")
    folder = copy.parent
    require(
        folder.is_dir(),
        f"--corrected is {str(copy)!r}, but there is no folder {str(folder)!r}. Make it, or name another.",
    )
    require(not copy.is_dir(), f"--corrected is {str(copy)!r}, which is a folder; expected the path of a file.")


def write_corrected(session: Session, copy: Path) -> int:
    """Write the script with the corrected lines to another file; how many places were changed."""
    check_copy(session.script, copy)
    fixes = [fix for diagnosis in session.diagnoses for finding in diagnosis.findings for fix in finding.fix]
    text, changed = corrected(session.script, fixes)
    copy.write_text(text, encoding="utf-8")
    return changed


def corrected(script: Path, fixes: Sequence[Fix]) -> tuple[str, int]:
    """The text of a script with these fixes, and how many were made.

    What is meant for other files is left out, and so is what would change a line twice, or leave a text that is no Python.
    """
    with tokenize.open(script) as text:
        before = text.read().splitlines()
    mine = [fix for fix in dict.fromkeys(fixes) if Path(fix.place.file).resolve() == script.resolve()]
    made: list[Fix] = []
    for fix in mine:
        first = fix.place.line - 1
        if tuple(before[first : first + len(fix.before)]) != fix.before:
            raise InputError(
                f"{script} has changed since it was run: line {fix.place.line} is another. Diagnose it again."
            )
        if not any(_overlap(fix, other) for other in made) and _is_python(_with(before, [*made, fix])):
            made.append(fix)
    return "\n".join(_with(before, made)) + "\n", len(made)


def _with(before: Sequence[str], fixes: Sequence[Fix]) -> list[str]:
    """From the bottom up, so that the lines above keep their numbers; what is put in front of a line comes last."""
    lines = list(before)
    for fix in sorted(fixes, key=lambda fix: (fix.place.line, bool(fix.before)), reverse=True):
        first = fix.place.line - 1
        lines[first : first + len(fix.before)] = fix.after
    return lines


def _overlap(one: Fix, other: Fix) -> bool:
    lines = [set(range(fix.place.line, fix.place.line + len(fix.before))) for fix in (one, other)]
    return bool(lines[0] & lines[1])


def _is_python(lines: Sequence[str]) -> bool:
    try:
        ast.parse("\n".join(lines))
    except SyntaxError:
        return False
    return True
