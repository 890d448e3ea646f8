"""A diagnosis on the terminal: the findings in order of effect, what was tried, and the answer in a sentence."""

from collections.abc import Iterator, Sequence
from math import isfinite
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

from parity.diagnose.codes import CODES
from parity.diagnose.finding import Diagnosis, Finding, Fix, Trial
from parity.diagnose.session import Session, written_by
from parity.numbers import short

COLORS = {"error": "red", "warning": "yellow", "hint": "cyan"}
WORTH_TELLING = 0.005  # Of the score, below which nobody sees a gain.
OTHER = {"torch": "JAX", "jax": "PyTorch"}


def announce(script: Path, console: Console) -> None:
    """Say before a script is run where it runs and what it may write there."""
    console.print(
        f"[dim]Running {escape(str(script))} as it is, in {escape(str(Path.cwd()))}; nothing is changed in it.[/dim]",
        highlight=False,
    )
    writes = written_by(script)
    if writes:
        console.print(
            f"[yellow]It seems to write files, and will: {escape('; '.join(writes[:5]))}.[/yellow]", highlight=False
        )


def show_session(session: Session, console: Console) -> None:
    """Print how the script ended and what is wrong with each network that it trained."""
    if session.traceback:
        console.print(Text(session.traceback.rstrip(), style="dim"))
    for note in (*session.notes, *session.unseen):
        console.print(f"[yellow]{escape(note)}[/yellow]", highlight=False)
    for diagnosis in session.diagnoses:
        show_diagnosis(diagnosis, console)
    console.print(
        f"[dim]The script took {session.seconds:.0f} s, finding out {session.total - session.seconds:.0f} s.[/dim]",
        highlight=False,
    )


def show_corrected(session: Session, again: Session | None, copy: Path, changed: int, console: Console) -> None:
    """Print where the corrected copy lies, and what came of running it."""
    if again is None:
        console.print(
            f"{copy} is a plain copy: no line of the script could be corrected.", highlight=False, soft_wrap=True
        )
        return
    told = f"{copy} has {changed} corrected places; run, it "
    if again.ended != "finished" or not again.diagnoses:
        told += (
            f"{'trained nothing' if again.ended == 'finished' else f'ended otherwise than by itself ({again.ended})'}."
        )
    else:
        before, after = session.diagnoses[0] if session.diagnoses else None, again.diagnoses[0]
        told += f"comes to {after.metric} {score(after.score)}" + (f", from {score(before.score)}." if before else ".")
    console.print(told, highlight=False, soft_wrap=True)


def show_diagnosis(diagnosis: Diagnosis, console: Console, whole: bool = True) -> None:
    """Print one diagnosis; `whole` says that its program ended by itself."""
    console.print()
    console.print(_what_it_is(diagnosis), highlight=False)
    for i, finding in enumerate(diagnosis.findings, 1):
        console.print()
        console.print(_finding(i, finding, diagnosis), highlight=False)
    tried = _tried(diagnosis)
    if tried:
        console.print()
        console.print(Text.from_markup("[bold]Tried[/bold]"))
        for line in tried:
            console.print(Padding(line, (0, 0, 0, 3)), highlight=False)
    for line in _checked(diagnosis):
        console.print(f"[dim]{escape(line)}[/dim]", highlight=False)
    console.print()
    console.print(_answer(diagnosis, whole), highlight=False)


def score(value: float | None) -> str:
    """`-0.001`, `0.997`; a score that is not a number says so."""
    if value is None:
        return "unknown"
    return f"{value:.3f}" if isfinite(value) else "not finite"


def _what_it_is(diagnosis: Diagnosis) -> str:
    name = escape(Path(diagnosis.program).name)
    alike = f", the worst of {diagnosis.alike} trained alike" if diagnosis.alike > 1 else ""
    text = f"[bold]{name}[/bold]: {escape(diagnosis.title)}{alike}, {diagnosis.metric} {score(diagnosis.score)}"
    text += f" on {diagnosis.judged_on}" if diagnosis.judged_on else ""
    beside = ", ".join(f"{name} {score(value)}" for name, value in diagnosis.baselines.items())
    return f"{text}.\n[dim]Beside it on these rows: {beside}.[/dim]" if beside else f"{text}."


def _finding(number: int, finding: Finding, diagnosis: Diagnosis) -> RenderableType:
    code, color = CODES[finding.code], COLORS[finding.severity]
    head = f"[bold]{number}. [{color}]{finding.code}[/{color}][/bold]  {escape(code.title)}"
    head += "" if finding.severity == "error" else f" [dim]({finding.severity})[/dim]"
    parts: list[RenderableType] = [Text.from_markup(head)]
    parts += [Padding(line, (0, 0, 0, 3)) for line in _body(finding, diagnosis)]
    return Group(*parts)


def _body(finding: Finding, diagnosis: Diagnosis) -> Iterator[RenderableType]:
    if finding.fix:
        for fix in finding.fix:
            yield from _change(fix)
    elif finding.place is not None:
        line = _line(finding.place.file, finding.place.line)
        yield Text(f"{Path(finding.place.file).name}:{finding.place.line}  {line.strip()}", style="bold")
        yield Text(f"Instead: {CODES[finding.code].remedy}")
    else:
        yield Text(f"Instead: {CODES[finding.code].remedy}")
    yield Text(finding.evidence)
    yield Text(CODES[finding.code].why)
    if finding.equivalent:
        yield Text(finding.equivalent)
    if finding.effect is not None:
        effect = (
            f"{diagnosis.metric} {score(finding.effect.before)} without, {score(finding.effect.after)} with it mended"
        )
        yield Text.from_markup(f"[green]{effect}[/green]")
    other = CODES[finding.code].jax if diagnosis.framework == "torch" else CODES[finding.code].torch
    yield Text(f"In {OTHER.get(diagnosis.framework, 'the other framework')}: {other}", style="dim")


def _change(fix: Fix) -> Iterator[Text]:
    where = f"{Path(fix.place.file).name}:{fix.place.line}"
    for i, line in enumerate(fix.before):
        yield Text.assemble((f"{where if i == 0 else '':{len(where)}} - ", "dim"), (line, "red"))
    for i, line in enumerate(fix.after):
        yield Text.assemble((f"{where if i == 0 and not fix.before else '':{len(where)}} + ", "dim"), (line, "green"))


def _line(file: str, number: int) -> str:
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    return lines[number - 1] if 0 < number <= len(lines) else ""


def _tried(diagnosis: Diagnosis) -> list[str]:
    """One line for each set of changes that others were tried on."""
    lines = []
    effects = [f for f in diagnosis.findings if f.effect is not None and f.severity != "hint"]
    for basis in dict.fromkeys(trial.basis for trial in diagnosis.trials):
        trials = [trial for trial in diagnosis.trials if trial.basis == basis]
        lines.append(_sentence(basis, trials))
    if len(effects) > 0 and lines:
        steps = "; then ".join(
            f"{f.code}: {diagnosis.metric} {score(f.effect.before)} to {score(f.effect.after)}"
            for f in effects
            if f.effect
        )
        lines.append(f"[bold]What helps: {escape(steps)}.[/bold]")
    return lines


def _sentence(basis: Sequence[str], trials: Sequence[Trial]) -> str:
    ranked = sorted(trials, key=lambda trial: (not trial.gained, -trial.score))
    told = [f"{trial.name}: {score(trial.score)}" if trial.gained else f"{trial.name}: no" for trial in ranked]
    where = f"With {' and '.join(basis)} mended" if basis else "As it stands"
    return f"[bold]{escape(where)}:[/bold] {escape('; '.join(told))}."


def _checked(diagnosis: Diagnosis) -> Iterator[str]:
    if diagnosis.signals:
        yield f"Seen: {'; '.join(f'{name} {short(value)}' for name, value in diagnosis.signals.items())}."
    if diagnosis.checked:
        yield f"{len(diagnosis.checked)} other tests found nothing, among them: {'; '.join(diagnosis.checked[:3])}."
    if diagnosis.unchecked:
        yield from dict.fromkeys(diagnosis.unchecked)


def _answer(diagnosis: Diagnosis, whole: bool) -> str:
    causes = diagnosis.causes
    if not causes:
        hints = (
            f" Worth a look: {', '.join(finding.code for finding in diagnosis.findings)}." if diagnosis.findings else ""
        )
        if not whole:
            return f"[bold yellow]UNFINISHED[/bold yellow] Until then nothing was found that keeps it from learning.{hints}"
        return f"[bold green]HEALTHY[/bold green] Nothing was found that keeps it from learning.{hints}"
    first, rest = causes[0].code, [finding.code for finding in causes[1:]]
    text = f"[bold red]FOUND[/bold red] It is {first}" + (f", then {', '.join(rest)}" if rest else "") + "."
    if (
        diagnosis.mended is not None
        and diagnosis.score is not None
        and diagnosis.mended > diagnosis.score + WORTH_TELLING
    ):
        mended = {1: "that", 2: "both"}.get(len(causes), "all")
        gain = f"{diagnosis.metric} goes from {score(diagnosis.score)} to {score(diagnosis.mended)}"
        text += f" With {mended} mended, {gain}."
    return text
