"""A result on the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from parity.numbers import short
from parity.progress import Done
from parity.result import Outcome, Pair, Result, Rung, Scores

COLORS = {"equivalent": "green", "different": "red", "inconclusive": "yellow", "diverged": "yellow"}


class Bars:
    """Progress bars, that of a task inside another below it; nothing is left of them at the end."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bars = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)

    @contextmanager
    def task(self, name: str, total: int) -> Iterator[Done]:
        self._bars.start()
        bar = self._bars.add_task(name, total=total)
        try:
            yield lambda done: self._bars.update(bar, completed=done)
        finally:
            self._bars.remove_task(bar)
            if not self._bars.tasks:
                self._bars.stop()


def show(result: Result, console: Console) -> None:
    """Print rungs, accuracy and speed, and the verdict."""
    for pair in result.pairs:
        console.print(_rungs(pair))
        if pair.outcome is not None:
            console.print(_outcome(pair.outcome))
    console.print(_contenders(result))
    if result.throughput_note:
        console.print(f"[dim]Speed: {escape(result.throughput_note)}.[/dim]")
    color = COLORS[result.verdict]
    console.print(f"[bold {color}]{result.verdict.upper()}[/bold {color}] {escape(result.summary)}", highlight=False)


def _rungs(pair: Pair) -> Table:
    table = _table(f"[bold]{pair.candidate}[/bold] against {pair.reference}")
    for name in ("rung", "gap", "limit", "largest at", ""):
        table.add_column(name, justify="right" if name in ("gap", "limit") else "left", overflow="fold")
    for rung in pair.rungs:
        told = rung.note if rung.limit is None else rung.where
        table.add_row(rung.name, _number(rung.gap), _number(rung.limit), escape(told), _mark(rung))
    return table


def _outcome(outcome: Outcome) -> Table:
    table = _table(f"[bold]Over {outcome.seeds} seeds[/bold]")
    for name in ("measure", "difference", f"{1 - 2 * outcome.alpha:.0%} interval", "margin", ""):
        table.add_column(name, justify="left" if name in ("measure", "") else "right", overflow="fold")
    for measure in outcome.measures:
        verdict, color = measure.verdict or "not judged", COLORS[measure.verdict] if measure.verdict else "dim"
        interval = " to ".join(map(short, measure.interval)) if measure.interval else "-"
        difference, margin = (
            "-" if value is None else short(value) for value in (measure.mean_difference, measure.margin)
        )
        table.add_row(measure.name, difference, interval, margin, f"[{color}]{verdict}[/{color}]")
    table.caption, table.caption_justify = escape("\n".join(_below(outcome))), "left"
    return table


def _below(outcome: Outcome) -> list[str]:
    """What the numbers of an outcome rest on, a line each."""
    margins = [f"margin of {m.name}: {m.margin_text}" for m in outcome.measures if m.margin is not None]
    silent = [f"{m.name}: {m.note}" for m in outcome.measures if m.verdict is None]
    counts = [
        f"{what}: reference {tally.both + tally.reference_only}, candidate {tally.both + tally.candidate_only} "
        f"of {tally.both + tally.reference_only + tally.candidate_only + tally.neither}"
        for what, tally in (("reached the target", outcome.reached), ("diverged", outcome.diverged))
    ]
    return [*margins, *silent, "; ".join(counts), *filter(None, [outcome.note])]


def _contenders(result: Result) -> Table:
    target = result.experiment.target_r2
    table = _table(f"[bold]Rows never seen in training[/bold]; the target is an R2 of {target:g}")
    classes = any(scores.hit_rate is not None for scores in result.baselines.values())
    table.add_column("", no_wrap=True)
    for name in ("R2", "hits" if classes else "RMSE", "target at step", "steps/s", "compile s"):
        table.add_column(name, justify="right")
    for name, scores in result.accuracy.items():
        speed = result.throughput.get(name)
        reached = "never" if scores.steps_to_target is None else str(scores.steps_to_target)
        timing = (f"{speed.steps_per_second:,.0f}", f"{speed.compile_seconds:.2f}") if speed else ("-", "-")
        table.add_row(name, *_scores(scores), reached, *timing)
    table.add_section()
    for name, simple in result.baselines.items():
        described = {"mean": "the mean, always", "linear": "linear least squares"}[name]
        table.add_row(f"[dim]{described}[/dim]", *_scores(simple), "", "", "")
    return table


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="", box=SIMPLE_HEAD, pad_edge=False)


def _scores(scores: Scores) -> tuple[str, str]:
    r2 = f"{scores.r2:.5f}" if abs(scores.r2) < 100 else f"{scores.r2:.2g}"
    return r2, f"{scores.rmse:.3g}" if scores.hit_rate is None else f"{scores.hit_rate:.1%}"


def _number(value: float | None) -> str:
    return "-" if value is None else "0" if value == 0 else f"{value:.1e}"


def _mark(rung: Rung) -> str:
    if rung.limit is None and rung.passed:
        return "[dim]described[/dim]"
    return "[green]held[/green]" if rung.passed else "[red]broke[/red]"
