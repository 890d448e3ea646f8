"""A result on the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from parity.progress import Done
from parity.result import Result, Rung, Scores

COLORS = {"equivalent": "green", "different": "red", "inconclusive": "yellow", "diverged": "yellow"}


class Bars:
    """Progress bars of one task after the other."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def task(self, name: str, total: int) -> Iterator[Done]:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self._console, transient=True) as bars:
            bar = bars.add_task(name, total=total)
            yield lambda done: bars.update(bar, completed=done)


def show(result: Result, console: Console) -> None:
    """Print rungs, accuracy and speed, and the verdict."""
    if result.pairs:
        console.print(_rungs(result))
    console.print(_contenders(result))
    if result.throughput_note:
        console.print(f"[dim]Speed: {result.throughput_note}.[/dim]")
    color = COLORS[result.verdict]
    console.print(f"[bold {color}]{result.verdict.upper()}[/bold {color}] {result.summary}", highlight=False)


def _rungs(result: Result) -> Table:
    table = Table(title=f"The ladder on {result.experiment.problem}", title_justify="left")
    for name in ("rung", "gap", "limit", "largest at", ""):
        table.add_column(name, justify="right" if name in ("gap", "limit") else "left", overflow="fold")
    for pair in result.pairs:
        table.add_row(f"[bold]{pair.candidate}[/bold]", "", "", f"[dim]against {pair.reference}[/dim]", "")
        for rung in pair.rungs:
            table.add_row(f"  {rung.name}", _number(rung.gap), _number(rung.limit), rung.where, _mark(rung))
        table.add_section()
    return table


def _contenders(result: Result) -> Table:
    table = Table(title=f"Held-out rows: R2 {result.experiment.target_r2} is the target", title_justify="left")
    classes = any(scores.hit_rate is not None for scores in result.baselines.values())
    for name in ("", "R2", "RMSE", "max error", *(["hits"] if classes else []), "steps to target", "steps/s", "compile s"):
        table.add_column(name, justify="right" if name else "left")
    for name, scores in result.accuracy.items():
        speed = result.throughput.get(name)
        reached = "not reached" if scores.steps_to_target is None else str(scores.steps_to_target)
        timing = (f"{speed.steps_per_second:,.0f}", f"{speed.compile_seconds:.2f}") if speed else ("-", "-")
        table.add_row(name, *_scores(scores, classes), reached, *timing)
    table.add_section()
    for name, simple in result.baselines.items():
        described = {"mean": "predicting the mean", "linear": "linear least squares"}[name]
        table.add_row(f"[dim]{described}[/dim]", *_scores(simple, classes), "", "", "")
    return table


def _scores(scores: Scores, classes: bool) -> tuple[str, ...]:
    hits = (f"{scores.hit_rate:.1%}",) if classes and scores.hit_rate is not None else ()
    return f"{scores.r2:.6f}", f"{scores.rmse:.3g}", f"{scores.max_abs:.3g}", *hits


def _number(value: float | None) -> str:
    return "-" if value is None else "0" if value == 0 else f"{value:.1e}"


def _mark(rung: Rung) -> str:
    if rung.limit is None:
        return "[dim]described[/dim]"
    return "[green]held[/green]" if rung.passed else "[red]broke[/red]"
