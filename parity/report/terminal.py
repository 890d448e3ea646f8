"""A result on the terminal."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import floor, inf, log10

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from parity.numbers import short
from parity.progress import Done
from parity.result import (
    Accuracy,
    Horizon,
    Judged,
    Outcome,
    OutputScores,
    Pair,
    Result,
    Rung,
    Scores,
    SplitScores,
    Spread,
    Throughput,
)

BARS = "▁▂▃▄▅▆▇█"
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
    """Print rungs, accuracy and speed, what broke, and the verdict."""
    console.print(_ladder(result.pairs))
    for pair in result.pairs:
        if pair.outcome is not None:
            console.print(_outcome(pair, pair.outcome))
    if result.splits:
        console.print(_splits(result.splits))
    if result.accuracy:
        console.print(_contenders(result))
        if any(scores.target or scores.need for each in result.accuracy.values() for scores in each.outputs.values()):
            console.print(_outputs(result.accuracy))
        if result.throughput_note:
            console.print(f"[dim]Speed: {escape(result.throughput_note)}.[/dim]")
    for pairs in _alike(result.pairs):
        console.print(_parted(pairs))
    color = COLORS[result.verdict]
    console.print(f"[bold {color}]{result.verdict.upper()}[/bold {color}] {escape(result.summary)}", highlight=False)


def _ladder(pairs: Sequence[Pair]) -> Table:
    """A row a rung, a column a pair: the gap and the limit that rounding explains."""
    table = _table("[bold]Gap, and how much of it rounding explains[/bold]")
    table.add_column("rung", no_wrap=True)
    for pair in pairs:
        table.add_column(f"{pair.candidate}\n[dim]against {pair.reference}[/dim]", overflow="fold")
    names = dict.fromkeys(rung.name for pair in pairs for rung in pair.rungs)
    for name in names:
        found = ([rung for rung in pair.rungs if rung.name == name] for pair in pairs)
        table.add_row(name, *(_cell(rungs[0]) if rungs else "[dim]not reached[/dim]" for rungs in found))
    table.add_section()
    table.add_row("[dim]horizon[/dim]", *(f"[dim]{_horizon(pair)}[/dim]" for pair in pairs))
    table.add_row("[dim]distance[/dim]", *(f"[dim]{_drawing(pair.horizon)}[/dim]" for pair in pairs))
    if any(pair.arbiter for pair in pairs):
        table.add_row("[dim]off float64[/dim]", *(f"[dim]{escape(_arbiter(pair))}[/dim]" for pair in pairs))
    table.caption, table.caption_justify = escape(_envelope(pairs)), "left"
    return table


def _cell(rung: Rung) -> str:
    if rung.undecided:
        return "[yellow]undecided[/yellow]"
    if rung.name == "start":
        return "[green]identical[/green]" if rung.passed else f"[red]broke[/red] {escape(rung.where)}"
    if rung.limit is None:
        told = escape(" ".join(filter(None, ["" if rung.gap is None else _number(rung.gap), rung.note])))
        return f"[dim]{told}[/dim]" if rung.passed else f"{_mark(rung)} {told}".rstrip()
    compared = f" over {rung.covers} steps" if rung.name == "trajectory" and rung.passed else ""
    return f"{_mark(rung)} {_number(rung.gap)} of {_number(rung.limit)}{compared}"


def _horizon(pair: Pair) -> str:
    if pair.horizon is None:
        return "-"
    if pair.horizon.step is None:
        return f"not within {pair.horizon.searched} steps"
    return f"step {pair.horizon.step}; behind it only outcomes count"


def _arbiter(pair: Pair) -> str:
    """How far each side is from float64, on the last rung where that is known; or why that is not."""
    told = [
        f"{name.split(':')[0]} {_number(errors[rung].error)} at {rung}"
        for name, errors in pair.arbiter.items()
        for rung in list(errors)[-1:]
    ]
    return "\n".join(told) or pair.arbiter_note or "-"


def _drawing(horizon: Horizon | None) -> str:
    """The distance of the two and of the middle replica over the checkpoints, from rounding to that between seeds."""
    if horizon is None or not horizon.steps:
        return "-"
    finite = [value for value in (*horizon.replicas, *horizon.gap, *horizon.seeds) if 0 < value < inf]
    if not finite:
        return "0 throughout"
    low, high = log10(min(finite)), log10(max(finite))
    lines = [
        f"{_line(values, low, high)} {name}" for name, values in (("pair", horizon.gap), ("replicas", horizon.replicas))
    ]
    return "\n".join([*lines, f"1 to {horizon.steps[-1]}; full height {short(10**high)}"])


def _line(values: Sequence[float], low: float, high: float, width: int = 16) -> str:
    """Values as bars of a logarithmic scale."""
    picked = [values[i * (len(values) - 1) // (width - 1)] for i in range(width)] if len(values) > width else values
    heights = [(log10(value) - low) / (high - low) if 0 < value < inf and high > low else 0.0 for value in picked]
    return "".join(BARS[min(int(height * len(BARS)), len(BARS) - 1)] for height in heights)


def _envelope(pairs: Sequence[Pair]) -> str:
    made = next((pair.envelope for pair in pairs if pair.envelope is not None), None)
    if made is None:
        return ""
    notes = dict.fromkeys(
        f"{pair.candidate}: {pair.envelope.note}" for pair in pairs if pair.envelope and pair.envelope.note
    )
    return "\n".join(
        [
            f"Limits: {made.factor:.3g} times the furthest of {made.replicas} replicas, {made.path_factor:.3g} times on a "
            f"trajectory. They rest on {made.comparisons:,} comparisons and {made.trajectories:,} trajectories of "
            f"{made.experiments} random correct experiments on the {made.device.upper()} of up to {made.steps} steps: in at "
            f"most {made.supported_false_alarm:.2%} of such experiments the rungs alarm, in as many the trajectories.",
            *notes,
        ]
    )


def _alike(pairs: Sequence[Pair]) -> list[list[Pair]]:
    """The pairs that part, those together that do so in the same part of training for the same causes."""
    groups: dict[object, list[Pair]] = {}
    for pair in pairs:
        if pair.parted is not None:
            causes = tuple((cause.code, cause.text, cause.side.split(":")[0]) for cause in pair.causes)
            groups.setdefault((pair.parted.stage, bool(pair.parted.culprit), causes), []).append(pair)
    return list(groups.values())


def _parted(pairs: Sequence[Pair]) -> Table:
    """Where they part, who is off, and what to change; for pairs that share all but the place."""
    pair, told = pairs[0], [pair.parted for pair in pairs if pair.parted is not None]
    candidates = " and ".join(each.candidate for each in pairs)
    references = " and ".join(dict.fromkeys(each.reference for each in pairs))
    table = _table(f"[bold red]{candidates} part{'s' if len(pairs) == 1 else ''} from {references}[/bold red]")
    table.show_header = False
    table.add_column("", no_wrap=True, style="bold")
    table.add_column("", overflow="fold")
    for parted in told:
        table.add_row("where", escape(parted.text))
    if not told[0].culprit:
        table.add_row("off", "nothing here tells which; name a third backend with --arbiter")
    for place, cause in enumerate(pair.causes, start=1):
        who = "" if told[0].culprit or not cause.side else f"if {cause.side} is off: "
        table.add_row(f"cause {place}", f"{who}{escape(cause.text)} [dim]({cause.code})[/dim]")
        table.add_row("align", escape(cause.align))
    if not pair.causes:
        table.add_row("cause", "none of the known differences explains it")
    return table


def _outcome(pair: Pair, outcome: Outcome) -> Table:
    table = _table(f"[bold]Over {outcome.seeds} seeds[/bold]: {pair.candidate} against {pair.reference}")
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


def _splits(splits: Mapping[str, SplitScores]) -> Table:
    """A row a contender and output: what is reached on average, and the standard error of that."""
    most = max(len(scores.splits) for scores in splits.values())
    table = _table(f"[bold]Over {most} splits[/bold]: mean and standard error on the rows that each holds out")
    table.add_column("", no_wrap=True)
    table.add_column("output", overflow="fold")
    for name in ("R2", "RMSE", "MAE"):
        table.add_column(name, justify="right", no_wrap=True)
    for contender, scores in splits.items():
        for output, spreads in scores.outputs.items():
            table.add_row(contender, escape(output), *(_spread(spreads[name]) for name in ("r2", "rmse", "mae")))
    lost = [f"{name}: {len(scores.diverged)} diverged" for name, scores in splits.items() if scores.diverged]
    notes = dict.fromkeys(scores.note for scores in splits.values() if scores.note)
    table.caption, table.caption_justify = escape("\n".join([*lost, *notes])), "left"
    return table


def _spread(spread: Spread) -> str:
    """The error with two digits, the mean to as many places."""
    if spread.mean is None:
        return "-"
    if not spread.standard_error:
        return f"{spread.mean:.4g}"
    places = max(0, 1 - floor(log10(spread.standard_error)))
    return f"{spread.mean:.{places}f} ± {spread.standard_error:.{places}f}"


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
        timing = (f"{speed.steps_per_second:,.0f}", _compiling(speed)) if speed else ("-", "-")
        table.add_row(name, *_scores(scores), reached, *timing)
    table.add_section()
    for name, simple in result.baselines.items():
        described = {"mean": "the mean, always", "linear": "linear least squares"}[name]
        table.add_row(f"[dim]{described}[/dim]", *_scores(simple), "", "", "")
    return table


def _outputs(accuracy: Mapping[str, Accuracy]) -> Table:
    """Of each output a row an error, against what is needed and what the recipe reaches; a column a contender."""
    first = next(iter(accuracy.values()))
    table = _table(f"[bold]{first.rows:,} rows of their own[/bold]; % of the true value")
    for name in ("output", ""):
        table.add_column(name, no_wrap=True)
    for contender in accuracy:
        table.add_column(contender, overflow="fold")
    for output, one in first.outputs.items():
        unit = "" if one.unit == "-" else one.unit
        label = f"{escape(output)} [dim]{escape(unit)}[/dim]"
        columns = [_errors(scores.outputs[output]) for scores in accuracy.values()]
        for error in columns[0]:
            cells = [column[error] for column in columns]
            if set(cells) != {"-"}:
                table.add_row(label, error, *cells)
                label = ""
        table.add_section()
    return table


def _errors(scores: OutputScores) -> dict[str, str]:
    return {
        "largest": f"{scores.max_abs:.2g}",
        "mean %": _percent(scores.mean_rel),
        "99th %": _percent(scores.p99_rel),
        "largest %": _percent(scores.max_rel),
        "target": _bound(scores.target),
        "needed": _bound(scores.need),
    }


def _bound(judged: Judged | None) -> str:
    """Whether an error is within its bound, and what that is."""
    if judged is None:
        return "-"
    color = "green" if judged.held else "red"
    limit = f"{judged.limit:g}" if judged.measure == "max_abs" else f"{100 * judged.limit:g} %"
    measure = " (99th)" if judged.measure == "p99_rel" else ""
    return f"[{color}]{'within' if judged.held else 'beyond'}[/{color}] {limit}{measure}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2g}"


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="", box=SIMPLE_HEAD, pad_edge=False)


def _compiling(speed: Throughput) -> str:
    return f"{speed.compile_seconds:.2f}" + (" warm" if speed.cache == "warm" else "")


def _scores(scores: Scores) -> tuple[str, str]:
    r2 = f"{scores.r2:.5f}" if abs(scores.r2) < 100 else f"{scores.r2:.2g}"
    return r2, f"{scores.rmse:.3g}" if scores.hit_rate is None else f"{scores.hit_rate:.1%}"


def _number(value: float | None) -> str:
    return "-" if value is None else "0" if value == 0 else f"{value:.1e}"


def _mark(rung: Rung) -> str:
    return "[green]held[/green]" if rung.passed else "[red]broke[/red]"
