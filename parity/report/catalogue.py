"""Pages about problems: all of them in a list, or one in full."""

from collections.abc import Iterable

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from parity.contract import Data, InputError
from parity.problems import Problem, Quantity, draw_rows
from parity.problems.errors import Errors, errors, measure_of, told, told_bound
from parity.report.picture import picture
from parity.start import stream

ROWS = 10_000
"""Rows over which a shortcut is judged: those by which an experiment of seed 0 is."""


def show_problems(problems: Iterable[Problem], console: Console) -> None:
    """A line a problem, by family."""
    table = Table("problem", "what is learned", "from and to", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.columns[0].no_wrap = True
    families: dict[str, list[Problem]] = {}
    for problem in problems:
        families.setdefault(problem.family, []).append(problem)
    for family, members in families.items():
        table.add_row()
        table.add_row(f"[dim]{escape(family)}[/dim]")
        for problem in members:
            columns = f"{_symbols(problem.inputs)} -> {_symbols(problem.outputs)}"
            table.add_row(*map(escape, (problem.name, problem.title, columns)))
    console.print(table)
    console.print("\n`parity problems NAME` shows one; `parity run NAME` trains it.", highlight=False)


def show_problem(problem: Problem, console: Console) -> None:
    """One problem: what it is, its quantities, a picture of its truth, what is needed of it, and the recipe that solves it."""
    console.print(f"[bold]{escape(problem.name)}[/bold]: {escape(problem.title)}\n", highlight=False)
    console.print(escape(problem.about), highlight=False)
    if problem.used:
        console.print(f"Used: {escape(problem.used)}", highlight=False)
    console.print(f"Source: {escape(problem.source)}.", highlight=False)
    console.print(_quantities(problem))
    rows = _show_picture(problem, console)
    if problem.shortcut or any(quantity.need or quantity.target for quantity in problem.outputs):
        console.print(_bounds(problem, rows))
        _show_shortcut(problem, rows, console)
    _show_recipe(problem, console)
    if problem.example is not None:
        inputs, outputs = (
            ", ".join(map(_value, side, values))
            for side, values in zip((problem.inputs, problem.outputs), problem.example, strict=True)
        )
        console.print(f"Example: {inputs} gives {outputs}.", highlight=False, markup=False)


def _quantities(problem: Problem) -> Table:
    """A row a quantity, with its range."""
    table = _table("", "symbol", "meaning", "unit", "range")
    for role, side in (("drawn", problem.drawn), ("input", problem.inputs), ("output", problem.outputs)):
        for quantity in side:
            span = f"{quantity.low:g} to {quantity.high:g}{', ln' if quantity.log else ''}"
            table.add_row(role, *map(escape, (quantity.symbol, quantity.meaning, quantity.unit, span)))
    quantities = (*problem.drawn, *problem.inputs, *problem.outputs)
    if any(quantity.log for quantity in quantities):
        table.caption = "ln: an input is drawn evenly in its logarithm; the network sees the logarithm."
    return table


def _show_picture(problem: Problem, console: Console) -> Data | None:
    """Print the truth, and give rows of it; None, with the reason, where it can't be computed here."""
    if problem.truth is None:
        return None
    try:
        console.print(picture(problem))
        return draw_rows(problem, ROWS, stream("test", 0))
    except InputError as error:
        console.print(f"No picture, and no errors: {escape(str(error))}", highlight=False)
        return None


def _bounds(problem: Problem, rows: Data | None) -> Table:
    """A row an output: what is needed, what the recipe aims at, and what the shortcut reaches."""
    table = _table("", "symbol", "needed", "recipe aims at", *(["shortcut", "its mean"] if problem.shortcut else []))
    reached = _reached(problem, rows) if rows else [None] * len(problem.outputs)
    for quantity, error in zip(problem.outputs, reached, strict=True):
        cells = ["error of", quantity.symbol, told_bound(quantity.need, quantity.unit)]
        cells.append(told_bound(quantity.target, quantity.unit))
        if problem.shortcut:
            cells += _told_errors(error, quantity)
        table.add_row(*map(escape, cells))
    table.caption = "The largest errors, where not told otherwise."
    return table


def _reached(problem: Problem, rows: Data) -> list[Errors | None]:
    """Errors of the shortcut, by output; None where it says nothing of an output."""
    if problem.shortcut is None:
        return [None] * len(problem.outputs)
    values = problem.shortcut.compute(rows.inputs)
    return [
        None if np.isnan(column).all() else errors(measure_of(quantity), truth, column)
        for quantity, truth, column in zip(problem.outputs, rows.targets.T, values.T, strict=True)
    ]


def _told_errors(error: Errors | None, quantity: Quantity) -> list[str]:
    if error is None:
        return ["-", "-"]
    return [told(error.measure, value, quantity.unit) for value in (error.worst, error.mean)]


def _show_shortcut(problem: Problem, rows: Data | None, console: Console) -> None:
    """Which formula it is, and where it holds."""
    if problem.shortcut is None:
        return
    text = f"Shortcut: {problem.shortcut.name} ({problem.shortcut.source})"
    if rows is not None:
        stated = (~np.isnan(problem.shortcut.compute(rows.inputs)).all(axis=1)).sum()
        text += f", over {ROWS:,} rows" if stated == ROWS else f", stated for {stated:,} of {ROWS:,} rows"
    console.print(f"{escape(text)}.", highlight=False)


def _show_recipe(problem: Problem, console: Console) -> None:
    recipe = problem.recipe
    batch = f"batches of {recipe.batch_size}" if recipe.batch_size else "the full batch"
    console.print(
        f"Recipe: {recipe.model}, {recipe.optimizer}, {recipe.schedule}, {recipe.train_rows:,} rows, {recipe.epochs:,} epochs "
        f"of {batch}.",
        highlight=False,
        markup=False,
    )


def _table(*columns: str) -> Table:
    table = Table(*columns, box=SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0), caption_justify="left")
    for column in columns[:2]:
        table.columns[columns.index(column)].no_wrap = True
    return table


def _symbols(quantities: Iterable[Quantity]) -> str:
    return ", ".join(quantity.symbol for quantity in quantities)


def _value(quantity: Quantity, value: float) -> str:
    return f"{quantity.symbol} = {value:.6g}" + ("" if quantity.unit == "-" else f" {quantity.unit}")
