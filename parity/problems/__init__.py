"""The catalogue of problems."""

from dataclasses import replace
from typing import Any

from parity.contract import InputError
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

__all__ = ["CATALOGUE", "Bound", "Problem", "Quantity", "Shortcut", "draw_rows", "find", "recipe", "register"]

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


def recipe(name: str, **changes: Any) -> Experiment:
    """The experiment that solves a problem, with some of its fields changed."""
    return replace(find(name).recipe, **changes)


def register(problem: Problem) -> None:
    """Add a problem of one's own to the catalogue, for this process."""
    CATALOGUE[problem.name] = problem
