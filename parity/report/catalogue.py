"""Pages about problems: all of them in a list, or one in full."""

from collections.abc import Iterable, Sequence

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from parity.contract import Data, InputError
from parity.problems import Problem, Quantity, Shortcut, draw_rows
from parity.problems.errors import Errors, errors, measure_of, told, told_bound
from parity.problems.problem import Floats
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
        _show_bounds(problem, rows, console)
    _show_recipe(problem, console)
    if problem.example is not None:
        console.print(_example(problem, *problem.example), highlight=False, markup=False)


def _show_bounds(problem: Problem, rows: Data | None, console: Console) -> None:
    """Print what is needed of each output, and what the shortcut reaches."""
    reached: list[Errors | None] = [None] * len(problem.outputs)
    values = None
    if problem.shortcut and rows:
        values = problem.shortcut.compute(rows.inputs)
        reached = _reached(problem, rows.targets, values)
    console.print(_bounds(problem, reached))
    if problem.shortcut:
        console.print(_shortcut(problem.shortcut, values), highlight=False, markup=False)


def _example(problem: Problem, inputs: Sequence[float], outputs: Sequence[float]) -> str:
    known, given = ", ".join(map(_value, problem.inputs, inputs)), ", ".join(map(_value, problem.outputs, outputs))
    return f"Example: {known} gives {given}."


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


def _bounds(problem: Problem, reached: Sequence[Errors | None]) -> Table:
    """A row an output: what is needed, what the recipe aims at, and what the shortcut reaches."""
    table = _table("", "symbol", "needed", "recipe aims at", *(["shortcut", "its mean"] if problem.shortcut else []))
    for quantity, error in zip(problem.outputs, reached, strict=True):
        cells = ["error of", quantity.symbol, told_bound(quantity.need, quantity.unit)]
        cells.append(told_bound(quantity.target, quantity.unit))
        if problem.shortcut:
            cells += _told_errors(error, quantity)
        table.add_row(*map(escape, cells))
    table.caption = "The largest errors, where not told otherwise."
    return table


def _reached(problem: Problem, truth: Floats, values: Floats) -> list[Errors | None]:
    """Errors of the shortcut's values, by output; None where it says nothing of an output."""
    return [
        None if np.isnan(column).all() else errors(measure_of(quantity), true, column)
        for quantity, true, column in zip(problem.outputs, truth.T, values.T, strict=True)
    ]


def _told_errors(error: Errors | None, quantity: Quantity) -> list[str]:
    if error is None:
        return ["-", "-"]
    return [told(error.measure, value, quantity.unit) for value in (error.worst, error.mean)]


def _shortcut(shortcut: Shortcut, values: Floats | None) -> str:
    """Which formula it is, and of how many rows it says something."""
    text = f"Shortcut: {shortcut.name} ({shortcut.source})"
    if values is None:
        return f"{text}."
    stated = (~np.isnan(values).all(axis=1)).sum()
    return f"{text}, over {ROWS:,} rows." if stated == ROWS else f"{text}, stated for {stated:,} of {ROWS:,} rows."


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
    for column in table.columns[:2]:
        column.no_wrap = True
    return table


def _symbols(quantities: Iterable[Quantity]) -> str:
    return ", ".join(quantity.symbol for quantity in quantities)


def _value(quantity: Quantity, value: float) -> str:
    return f"{quantity.symbol} = {value:.6g}" + ("" if quantity.unit == "-" else f" {quantity.unit}")
