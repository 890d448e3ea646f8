"""What the catalogue reaches: a table for the terminal, and the same as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from parity.catalogue.entry import Entry, Training
from parity.numbers import short
from parity.problems import Quantity, find
from parity.problems.errors import measure_of, told, told_bound
from parity.problems.problem import Measure
from parity.result import Judged, OutputScores

COLUMNS = ("problem", "output", "needed", "target", "torch", "jax", "Adam", "ladder", "seconds", "against its truth")
SHORT = ("problem", "needed", "target", "torch", "jax", "Adam", "ladder", "s", "speed")


@dataclass(frozen=True)
class Row:
    """One output of a problem, in words."""

    problem: str
    output: str
    needed: str
    target: str
    reached: dict[str, str]
    """By backend, behind the recipe; in the measure of the target."""
    adam: str
    """The better of the two backends, behind Adam."""
    ladder: str
    seconds: str
    speed: str
    held: bool


def rows_of(entry: Entry) -> list[Row]:
    """A row an output."""
    problem = find(entry.problem)
    return [_row(entry, quantity, first=quantity == problem.outputs[0]) for quantity in problem.outputs]


def _row(entry: Entry, quantity: Quantity, first: bool) -> Row:
    scores = {name.split(":")[0]: each[quantity.symbol] for name, each in entry.recipe.outputs.items()}
    adam = [each[quantity.symbol] for each in entry.adam.outputs.values()]
    return Row(
        problem=entry.problem if first else "",
        output=quantity.symbol,
        needed=told_bound(quantity.need, quantity.unit) + _met([score.need for score in scores.values()]),
        target=told_bound(quantity.target, quantity.unit),
        reached={name: _told(score, quantity) for name, score in scores.items()},
        adam=_told(min(adam, key=lambda score: _error(score, quantity)), quantity) if adam else "diverged",
        ladder=_ladder(entry.recipe, entry.adam) if first else "",
        seconds=" / ".join(f"{entry.recipe.seconds[name]:.0f}" for name in sorted(entry.recipe.seconds, reverse=True))
        if first
        else "",
        speed=_speed(entry) if first else "",
        held=all(score.target is None or score.target.held for score in scores.values()),
    )


def _met(judged: Sequence[Judged | None]) -> str:
    """A mark where the need is not met by both."""
    return "" if all(each is None or each.held for each in judged) else " (not met)"


def _told(scores: OutputScores, quantity: Quantity) -> str:
    return told(_measure(quantity), _error(scores, quantity), quantity.unit)


def _error(scores: OutputScores, quantity: Quantity) -> float:
    """In the measure of the target; infinite where it is no number."""
    error: float | None = getattr(scores, _measure(quantity))
    return inf if error is None else error


def _measure(quantity: Quantity) -> Measure:
    return quantity.target.measure if quantity.target is not None else measure_of(quantity)


def _ladder(recipe: Training, adam: Training) -> str:
    return recipe.verdict if recipe.verdict == adam.verdict else f"{recipe.verdict}, Adam {adam.verdict}"


def _speed(entry: Entry) -> str:
    ratio = entry.speed.ratio
    return f"{short(ratio)} times faster" if ratio >= 1 else f"{short(1 / ratio)} times slower"


def show_entries(entries: Sequence[Entry], console: Console) -> None:
    """Print a row an output."""
    table = Table(*SHORT, box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.columns[0].no_wrap = True
    for row in (row for entry in entries for row in rows_of(entry)):
        color = "green" if row.held else "red"
        reached = [f"[{color}]{escape(row.reached.get(name, '-'))}[/{color}]" for name in ("torch", "jax")]
        name = f"{row.problem} {row.output}".strip() if row.problem else f"  {row.output}"
        table.add_row(
            name, escape(row.needed), escape(row.target), *reached, escape(row.adam), row.ladder, row.seconds, row.speed
        )
    console.print(table)


def markdown(entries: Sequence[Entry]) -> str:
    """The table as Markdown, with what its columns mean."""
    lines = [
        "| " + " | ".join(COLUMNS) + " |",
        "|" + "---|" * len(COLUMNS),
    ]
    for row in (row for entry in entries for row in rows_of(entry)):
        reached = [row.reached.get(name, "-") + ("" if row.held else " (missed)") for name in ("torch", "jax")]
        cells = (
            row.problem,
            row.output,
            row.needed,
            row.target,
            *reached,
            row.adam,
            row.ladder,
            row.seconds,
            row.speed,
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([_head(entries), *lines, ""])


def _head(entries: Sequence[Entry]) -> str:
    first, compared = entries[0], sorted({entry.recipe.compared_steps for entry in entries})
    over = str(compared[0]) if len(compared) == 1 else f"{compared[0]} to {compared[-1]}"
    facts = [f"{name} {first.environment[name]}" for name in ("torch", "jax", "numpy", "python")]
    return HEAD.format(
        iterations=first.recipe.steps,
        over=over,
        adam_over=f"{first.adam.compared_steps:,}",
        machine=f"{first.environment['processor']}, {first.environment['cores']} cores",
        versions=", ".join(facts),
    )


HEAD = """\
# The catalogue, trained

Made by `parity catalogue`, which goes on where it was ended. Each error is over 10,000 rows that no training saw, the largest
one unless another is named, in the output's own unit or in percent of its true value.

- **torch, jax**: behind the recipe, {iterations} iterations of Levenberg-Marquardt on 4000 rows in float64.
- **Adam**: the better of the two backends behind as many passes over the same rows, in batches of 100.
- **ladder**: the verdict on both paths, held against each other step by step over the first {over} iterations of
  Levenberg-Marquardt and the first {adam_over} steps of Adam.
- **seconds**: of the recipe, torch / jax, compiling with it.
- **against its truth**: rows a second of CPU time on one core, the network in NumPy over what it was trained on.

On {machine}; {versions}.
"""
