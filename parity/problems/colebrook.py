"""The friction factor of turbulent flow in a rough pipe."""

from parity.problems.engineering import column, engineering_recipe
from parity.problems.friction import REYNOLDS_NAME, ROUGHNESS_NAME, colebrook_friction, haaland_friction
from parity.problems.problem import Bound, Floats, Problem, Quantity, Shortcut


def truth(inputs: Floats) -> Floats:
    return column(colebrook_friction(*inputs.T))


def haaland(inputs: Floats) -> Floats:
    return column(haaland_friction(*inputs.T))


COLEBROOK = Problem(
    name="colebrook",
    title="turbulent friction in a pipe",
    family="flow in pipes",
    about=(
        "The equation has the friction factor on both sides, so that every call of it is an iteration; dozens of explicit "
        "formulas were fitted to it, and a network has to be better than they are."
    ),
    used="Pipe networks, pumps, and every pressure drop in turbulent flow.",
    inputs=(
        Quantity("Re", REYNOLDS_NAME, "-", 4e3, 1e8, log=True),
        Quantity("eD", ROUGHNESS_NAME, "-", 1e-6, 0.05, log=True),
    ),
    outputs=(
        Quantity(
            "f",
            "Darcy friction factor",
            "-",
            0.0064,
            0.077,
            log=True,
            need=Bound("max_rel", 1e-2),
            target=Bound("max_rel", 2e-4),
        ),
    ),
    truth=truth,
    source="Colebrook 1939, doi 10.1680/ijoti.1939.13150, solved by the library fluids",
    recipe=engineering_recipe("colebrook"),
    shortcut=Shortcut("Haaland's formula", "Haaland 1983, doi 10.1115/1.3240948", haaland),
    # Computed once; the Moody chart reads 0.0185.
    example=((100000.0, 0.0001), (0.0185138660775,)),
    libraries=("fluids",),
)
