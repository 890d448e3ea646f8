"""Pages about what there is: problems and backends."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from parity import registry
from parity.problems import Problem


def show_problems(problems: Iterable[Problem], console: Console) -> None:
    """A line a problem."""
    table = Table("problem", "what is learned", "inputs", "outputs", "task")
    for problem in problems:
        symbols = [", ".join(quantity.symbol for quantity in side) for side in (problem.inputs, problem.outputs)]
        table.add_row(problem.name, problem.title, *symbols, problem.task)
    console.print(table)
    console.print("`parity problems NAME` shows one; `parity run NAME` trains it.", highlight=False)


def show_problem(problem: Problem, console: Console) -> None:
    """One problem: what it is, its quantities and its recipe."""
    console.print(f"[bold]{problem.name}[/bold]: {problem.title}", highlight=False)
    console.print(f"{problem.about}\nSource: {problem.source}.", highlight=False)
    table = Table("", "symbol", "meaning", "unit", "range")
    for role, side in (("input", problem.inputs), ("output", problem.outputs)):
        for quantity in side:
            span = f"{quantity.low:g} to {quantity.high:g}"
            table.add_row(role, quantity.symbol, quantity.meaning, quantity.unit, span)
    console.print(table)
    recipe = problem.recipe
    batch = f"batches of {recipe.batch_size}" if recipe.batch_size else "the full batch"
    console.print(
        f"Recipe: {recipe.model}, {recipe.optimizer}, {recipe.schedule}, {recipe.epochs} epochs of {batch}.",
        highlight=False,
    )


def show_backends(console: Console) -> None:
    """A line a backend, with the reason where it can't be used."""
    table = Table("backend", "devices", "modes, the default first", "dtypes", "versions")
    reasons = []
    for name in registry.names():
        reason = registry.missing(name)
        if reason is None:
            backend = registry.load(name)
            versions = ", ".join(
                f"{key} {value}" for key, value in backend.environment().items() if value[:1].isdigit()
            )
            table.add_row(
                name, *(", ".join(part) for part in (backend.devices(), backend.modes, backend.dtypes)), versions
            )
        else:
            table.add_row(name, "-", "-", "-", "not installed")
            reasons.append(reason)
    console.print(table)
    for reason in reasons:
        console.print(reason, highlight=False, markup=False)
