"""The catalogue of problems."""

from dataclasses import replace
from typing import Any

from parity.contract import InputError
from parity.experiment import Experiment
from parity.nearest import suggestion
from parity.problems.drawing import draw_rows
from parity.problems.paraboloid import PARABOLOID
from parity.problems.polar import POLAR
from parity.problems.problem import Bound, Problem, Quantity, Shortcut
from parity.problems.rings import RINGS

__all__ = ["CATALOGUE", "Bound", "Problem", "Quantity", "Shortcut", "draw_rows", "find", "recipe", "register"]

CATALOGUE: dict[str, Problem] = {problem.name: problem for problem in (PARABOLOID, POLAR, RINGS)}


def find(name: str) -> Problem:
    """The problem of that name; InputError with the nearest names where there is none."""
    if name not in CATALOGUE:
        raise InputError(f"There is no problem {name!r}. {suggestion(name, CATALOGUE)}")
    return CATALOGUE[name]


def recipe(name: str, **changes: Any) -> Experiment:
    """The experiment that solves a problem, with some of its fields changed."""
    return replace(find(name).recipe, **changes)


def register(problem: Problem) -> None:
    """Add a problem of one's own to the catalogue, for this process."""
    CATALOGUE[problem.name] = problem
