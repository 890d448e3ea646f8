"""The catalogue of problems, and tables beside it."""

from dataclasses import replace
from typing import Any

from parity.columns import Columns
from parity.contract import InputError, require
from parity.experiment import Experiment
from parity.nearest import suggestion
from parity.problems.drawing import draw_rows
from parity.problems.measured import settled_table, table_recipe
from parity.problems.paraboloid import PARABOLOID
from parity.problems.polar import POLAR
from parity.problems.problem import Bound, Problem, Quantity, Shortcut
from parity.problems.rings import RINGS
from parity.tables import is_table

__all__ = [
    "CATALOGUE",
    "Bound",
    "Problem",
    "Quantity",
    "Shortcut",
    "draw_rows",
    "find",
    "is_own",
    "recipe",
    "register",
    "settled",
]

CATALOGUE: dict[str, Problem] = {problem.name: problem for problem in (PARABOLOID, POLAR, RINGS)}


def find(name: str) -> Problem:
    """The problem of that name; InputError with the nearest names where there is none."""
    if name not in CATALOGUE:
        raise InputError(f"There is no problem {name!r}. {suggestion(name, CATALOGUE)}")
    return CATALOGUE[name]


def is_own(name: str) -> bool:
    """Whether a name is the path of a table; the catalogue comes first."""
    return name not in CATALOGUE and is_table(name)


def recipe(name: str, **changes: Any) -> Experiment:
    """The experiment that solves a problem, or that the table at a path starts with, with some of its fields changed.

    >>> recipe("data.csv", columns=Columns(inputs=("a", "b"), target=("z",)))  # doctest: +SKIP
    """
    if not is_own(name):
        return replace(find(name).recipe, **changes)
    base = table_recipe(name, changes.pop("columns", Columns()), changes.pop("table_sha256", ""))
    return replace(base, **changes)


def settled(experiment: Experiment) -> tuple[Experiment, Problem]:
    """An experiment with all that its table says, and its problem; InputError where the two do not fit."""
    if is_own(experiment.problem):
        return settled_table(experiment)
    problem = find(experiment.problem)
    require(
        experiment.columns == Columns(),
        f"inputs, target, log and units are for a table of one's own, and {problem.name} has columns of its own, which `parity "
        f"problems {problem.name}` shows. Leave them out, or name a file in its place.",
    )
    return experiment, problem


def register(problem: Problem) -> None:
    """Add a problem of one's own to the catalogue, for this process."""
    CATALOGUE[problem.name] = problem
