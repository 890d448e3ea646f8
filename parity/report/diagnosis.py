"""A diagnosis on the terminal."""

from rich.console import Console

from parity.diagnose.finding import Diagnosis


def plain(diagnosis: Diagnosis) -> str:
    return "\n".join(f"{f.code}: {f.evidence}" for f in diagnosis.findings) or "healthy"


def show_session(session: object, console: Console) -> None:
    for diagnosis in session.diagnoses:  # type: ignore[attr-defined]
        console.print(plain(diagnosis))
