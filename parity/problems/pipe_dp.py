"""The pressure that water loses along a pipe."""

import numpy as np

from parity.problems.engineering import column, engineering_recipe, where
from parity.problems.friction import TURBULENT_FROM, colebrook_friction, haaland_friction
from parity.problems.libraries import library
from parity.problems.problem import Bound, Floats, Problem, Quantity, Shortcut

PRESSURE = 1e6
"""Pa, of the water."""
DENSITY_AT_20_C, VISCOSITY_AT_20_C = 998.2, 1.002e-3
"""kg/m3 and Pa s of water, as textbooks print them."""


def truth(inputs: Floats) -> Floats:
    temperature, velocity, diameter, roughness = np.ascontiguousarray(inputs.T)
    properties = library("CoolProp.CoolProp").PropsSI
    density, viscosity = (
        np.asarray(properties(key, "T", temperature, "P", PRESSURE, "IF97::Water")) for key in ("D", "V")
    )
    friction = colebrook_friction(density * velocity * diameter / viscosity, roughness / diameter)
    return column(friction / diameter * density * velocity**2 / 2.0)


def at_20_c(inputs: Floats) -> Floats:
    _, velocity, diameter, roughness = inputs.T
    reynolds = DENSITY_AT_20_C * velocity * diameter / VISCOSITY_AT_20_C
    gradient = haaland_friction(reynolds, roughness / diameter) / diameter * DENSITY_AT_20_C * velocity**2 / 2.0
    return column(where(reynolds >= TURBULENT_FROM, gradient))


PIPE_DP = Problem(
    name="pipe_dp",
    title="pressure loss of water",
    family="flow in pipes",
    about=(
        "Darcy and Weisbach's law with Colebrook's friction and the real density and viscosity of water: what an engineer "
        "computes in three steps, as one function."
    ),
    used="Pipes for heating, cooling and drinking water.",
    inputs=(
        Quantity("T", "temperature of the water", "K", 278.15, 368.15),
        Quantity("V", "mean velocity", "m/s", 0.35, 5.0, log=True),
        Quantity("D", "inner diameter", "m", 0.02, 0.5, log=True),
        Quantity("eps", "roughness of the wall", "m", 1.5e-6, 1e-3, log=True),
    ),
    outputs=(
        Quantity(
            "dpdx",
            "pressure loss per length",
            "Pa/m",
            1.5,
            4.5e4,
            log=True,
            need=Bound("max_rel", 1e-2),
            target=Bound("max_rel", 5e-3),
        ),
    ),
    truth=truth,
    source="Darcy-Weisbach with Colebrook 1939, doi 10.1680/ijoti.1939.13150, and IAPWS-IF97 at 1 MPa, by fluids and CoolProp",
    recipe=engineering_recipe("pipe_dp"),
    shortcut=Shortcut("Haaland's friction, water at 20 C", "Haaland 1983, doi 10.1115/1.3240948", at_20_c),
    # Computed once.
    example=((293.15, 2.0, 0.1, 4.5e-05), (370.78701731,)),
    libraries=("fluids", "CoolProp"),
)
