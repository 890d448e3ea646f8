"""The catalogue of problems, and tables beside it."""

from dataclasses import replace
from typing import Any

from parity.columns import Columns
from parity.contract import InputError, require
from parity.experiment import Experiment
from parity.nearest import suggestion
from parity.problems.annular_fin import ANNULAR_FIN
from parity.problems.churchill_bernstein import CHURCHILL_BERNSTEIN
from parity.problems.churchill_chu import CHURCHILL_CHU
from parity.problems.colebrook import COLEBROOK
from parity.problems.drawing import draw_rows
from parity.problems.eps_ntu_crossflow import EPS_NTU_CROSSFLOW
from parity.problems.gnielinski import GNIELINSKI
from parity.problems.heisler_wall import HEISLER_WALL
from parity.problems.humid_air import HUMID_AIR
from parity.problems.lmtd_f import LMTD_F
from parity.problems.measured import settled_table, table_recipe, unchecked_table_recipe
from parity.problems.moody_all import MOODY_ALL
from parity.problems.paraboloid import PARABOLOID
from parity.problems.pipe_dp import PIPE_DP
from parity.problems.polar import POLAR
from parity.problems.problem import Bound, Problem, Quantity, Shortcut
from parity.problems.r134a_cop import R134A_COP
from parity.problems.r134a_ph import R134A_PH
from parity.problems.rings import RINGS
from parity.problems.sphere_drag import SPHERE_DRAG
from parity.problems.steam_if97 import STEAM_IF97
from parity.problems.terminal_velocity import TERMINAL_VELOCITY
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
    "unchecked_table_recipe",
]

CATALOGUE: dict[str, Problem] = {
    problem.name: problem
    for problem in (
        PARABOLOID,
        POLAR,
        RINGS,
        COLEBROOK,
        MOODY_ALL,
        PIPE_DP,
        GNIELINSKI,
        CHURCHILL_BERNSTEIN,
        CHURCHILL_CHU,
        ANNULAR_FIN,
        HEISLER_WALL,
        EPS_NTU_CROSSFLOW,
        LMTD_F,
        SPHERE_DRAG,
        TERMINAL_VELOCITY,
        STEAM_IF97,
        R134A_PH,
        HUMID_AIR,
        R134A_COP,
    )
}


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
