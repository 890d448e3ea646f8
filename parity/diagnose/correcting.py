"""A copy of a script with the corrected lines."""

import ast
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
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

    What is meant for other files is left out, and so is what would change the same characters twice, or leave a text that is
    no Python. Raises InputError where the script is no longer the text that the fixes are of.
    """
    with tokenize.open(script) as opened:
        lines = opened.read().splitlines()
    made: list[Edit] = []
    for fix in dict.fromkeys(fixes):
        if Path(fix.place.file).resolve() != script.resolve():
            continue
        first = fix.place.line - 1
        if tuple(lines[first : first + len(fix.before)]) != fix.before:
            raise InputError(
                f"{script} has changed since it was run: line {fix.place.line} is another. Diagnose it again."
            )
        edit = edit_of(fix, lines)
        if not any(edit.touches(other) for other in made) and _is_python(_with(lines, [*made, edit])):
            made.append(edit)
    return _with(lines, made), len(made)


@dataclass(frozen=True)
class Edit:
    """What stands instead of some characters of a text."""

    start: int
    end: int
    text: str

    def touches(self, other: "Edit") -> bool:
        """Whether both change the same characters; lines that are put in at one place do not."""
        if self.start == other.start and self.end == other.end:
            return not (self.text.endswith("\n") and other.text.endswith("\n") and self.start == self.end)
        return self.start < other.end and other.start < self.end


def edit_of(fix: Fix, lines: Sequence[str]) -> Edit:
    """The characters that a fix changes, so that two fixes of one line can both be made."""
    before, after = _text(fix.before), _text(fix.after)
    same = _alike(before, after)
    behind = _alike(before[same:][::-1], after[same:][::-1])
    start = len(_text(lines[: fix.place.line - 1]))
    return Edit(start + same, start + len(before) - behind, after[same : len(after) - behind])


def _alike(one: str, other: str) -> int:
    """How many characters both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _text(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _with(lines: Sequence[str], edits: Sequence[Edit]) -> str:
    """From the end on, so that what is in front keeps its place; lines put in front of a line come before its own change."""
    text = _text(lines)
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end), reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _is_python(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True
