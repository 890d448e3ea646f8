"""Timings on the terminal: a table a network, and what to take."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from parity.bench.advice import advice, fastest_first
from parity.bench.compare import Change
from parity.numbers import short
from parity.throughput.rows import Row

COLORS = {"faster": "green", "slower": "red", "unclear": "yellow", "void": "dim"}


def show_rows(rows: Sequence[Row], console: Console) -> None:
    """The contenders of one network, the fastest in front, those without a figure below with the reason."""
    timed = fastest_first(rows)
    if timed:
        console.print(_speeds(timed))
    if any(row.phases for row in timed):
        console.print(_whole(timed))
    for row in rows:
        if row.void:
            console.print(f"  [dim]{escape(row.contender)}: void. {escape(row.void)}[/dim]", highlight=False)
    marks = dict.fromkeys(mark for row in timed for mark in row.unpublishable)
    for mark in marks:
        console.print(f"[yellow]not to be published:[/yellow] {escape(mark)}", highlight=False)
    told = advice(rows)
    if told:
        console.print(escape(told), highlight=False)


def _speeds(rows: Sequence[Row]) -> Table:
    """The steady state: a row a contender, against the reference and the limit."""
    first = rows[0]
    held = next((row for row in rows if row.limit_seconds), None)
    widths = "-".join(map(str, first.widths))
    cores = f"{first.threads} core{'s' * (first.threads > 1)}"
    table = _plain(f"[bold]{widths}, batch {first.batch_size}[/bold], {first.dtype}, {cores}")
    table.add_column("contender", overflow="fold")
    table.add_column("class", no_wrap=True)
    for name in ("us a step", "x as fast", "95 %", "of limit"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        limit = "-" if row.limit_ratio is None else f"{short(row.limit_ratio)} x"
        table.add_row(_name(row), row.class_, _microseconds(row), *_faster(row), limit)
    table.caption, table.caption_justify = f"noise {first.noise or 0.0:.1%}", "left"
    if held is not None and held.limit_seconds is not None:
        table.caption = (
            f"limit: {short(1e6 * held.limit_seconds)} us, {held.limit.split(':')[0]}; {held.mode} does {held.rate_share:.0%} "
            f"of the machine's matrix product; {table.caption}"
        )
    return table


def _whole(rows: Sequence[Row]) -> Table:
    """What comes before the steady state, and what it makes of a whole run."""
    table = _plain("Seconds of a whole run")
    table.add_column("contender", overflow="fold")
    for name in ("import", "compile", "warm", "whole", "target", "even", "models/s", "MiB"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        if row.phases is not None:
            seconds = (row.phases.import_seconds, row.compile_seconds, row.phases.warm_compile_seconds)
            table.add_row(
                _name(row),
                *map(_number, (*seconds, row.whole_seconds, row.target_seconds)),
                "-" if row.break_even_steps is None else f"{row.break_even_steps:,}",
                _number(row.models_per_second),
                _number(row.phases.peak_bytes / 2**20),
            )
    table.caption, table.caption_justify = "even: steps after which it is ahead of the reference", "left"
    return table


def _plain(title: str) -> Table:
    # Tight, and a long name folded, so that no number is cut on a terminal of 80 columns.
    return Table(
        title=title, title_justify="left", title_style="", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False
    )


def show_changes(changes: Sequence[Change], console: Console) -> None:
    """A line a contender and network that stands in both files."""
    table = Table("contender", "network", "now / before", "95 %", "", box=SIMPLE_HEAD, pad_edge=False)
    for change in changes:
        row = change.row
        color = COLORS[change.verdict]
        table.add_row(
            escape(row.contender),
            f"{'-'.join(map(str, row.widths))}, batch {row.batch_size}",
            _number(change.ratio),
            "-" if change.interval is None else f"{change.interval[0]:.3f} to {change.interval[1]:.3f}",
            f"[{color}]{change.verdict}[/{color}] {escape(change.why)}".rstrip(),
        )
    console.print(table)


def _microseconds(row: Row) -> str:
    assert row.seconds_per_step is not None
    half = 0.0 if row.interval is None else 1e6 * (row.interval[1] - row.interval[0]) / 2
    return f"{short(1e6 * row.seconds_per_step)} ± {short(half)}"


def _faster(row: Row) -> tuple[str, str]:
    """How many times as fast as the reference, and its interval."""
    if row.ratio is None or row.ratio_interval is None:
        return "reference", ""
    low, high = row.ratio_interval
    # On a noisy machine all would be equal.
    if row.equal_within is not None and row.equal_within <= (row.noise or 0.0) and not row.unpublishable:
        return "equal", f"within {row.equal_within:.1%}"
    return f"{1.0 / row.ratio:.3g}", f"{1.0 / high:.3g} to {1.0 / low:.3g}"


def _name(row: Row) -> str:
    return escape(f"{row.backend}:{row.mode}" if row.device == "cpu" else f"{row.backend}:{row.device}:{row.mode}")


def _number(value: float | None) -> str:
    return "-" if value is None else short(value)
