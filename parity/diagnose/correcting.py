"""A copy of a script with all corrected lines."""

from collections.abc import Sequence
from pathlib import Path

from parity.contract import InputError, require
from parity.diagnose.finding import Fix
from parity.diagnose.session import Session


def write_corrected(session: Session, path: Path) -> None:
    """Write the script with all corrected lines to another file; InputError where that would be the script itself."""
    same = path.exists() and path.samefile(session.script)
    require(not same, f"--corrected is {str(path)!r}, the script itself, which is never changed. Name another file.")
    fixes = [fix for diagnosis in session.diagnoses for finding in diagnosis.findings for fix in finding.fix]
    require(
        path.parent.is_dir(),
        f"--corrected is {str(path)!r}, but there is no folder {str(path.parent)!r}. Make it, or name another.",
    )
    path.write_text(corrected(session.script, fixes), encoding="utf-8")


def corrected(script: Path, fixes: Sequence[Fix]) -> str:
    """The text of a script with these fixes; what is meant for other files is left out."""
    lines = script.read_text(encoding="utf-8").splitlines()
    mine = [fix for fix in fixes if Path(fix.place.file).resolve() == script.resolve()]
    # From the bottom up, so that the lines above keep their numbers; of two that change one line the first is made.
    changed: set[int] = set()
    for fix in sorted(dict.fromkeys(mine), key=lambda fix: (fix.place.line, bool(fix.before)), reverse=True):
        first, covered = fix.place.line - 1, set(range(fix.place.line, fix.place.line + len(fix.before)))
        if covered & changed:
            continue
        if tuple(lines[first : first + len(fix.before)]) != fix.before:
            raise InputError(
                f"{script} has changed since it was run: line {fix.place.line} is not what it was. Diagnose it again."
            )
        changed |= covered
        lines[first : first + len(fix.before)] = fix.after
    return "\n".join(lines) + "\n"
