"""Properties of superheated steam."""

import numpy as np

from parity.problems.engineering import engineering_recipe
from parity.problems.libraries import library
from parity.problems.problem import Bound, Floats, Problem, Quantity, Shortcut

PROPERTIES = ("H", "S", "D", "C", "V")
"""The outputs, as CoolProp calls them."""
GAS_CONSTANT = 461.526
"""J/(kg K), of water, as IAPWS-IF97 has it."""


def truth(inputs: Floats) -> Floats:
    pressure, temperature = np.ascontiguousarray(inputs.T)
    properties = library("CoolProp.CoolProp").PropsSI
    columns = [properties(key, "T", temperature, "P", pressure, "IF97::Water") for key in PROPERTIES]
    return np.column_stack(columns)


def inputs_from_drawn(drawn: Floats) -> Floats:
    pressure, superheat = np.ascontiguousarray(drawn.T)
    saturation = library("CoolProp.CoolProp").PropsSI("T", "P", pressure, "Q", 1.0, "IF97::Water")
    return np.column_stack([pressure, saturation + superheat])


def ideal_gas(inputs: Floats) -> Floats:
    pressure, temperature = inputs.T
    enthalpy = 2.501e6 + 1860.0 * (temperature - 273.15)
    none = np.full(len(inputs), np.nan)
    return np.column_stack([enthalpy, none, pressure / (GAS_CONSTANT * temperature), none, none])


STEAM_IF97 = Problem(
    name="steam_if97",
    title="superheated steam",
    family="fluids",
    about=(
        "Five properties of superheated steam at once, up to 100 bar and 300 K above saturation, as the industrial "
        "formulation of the IAPWS gives them."
    ),
    used="Turbines, boilers and process steam; simulations ask for it millions of times.",
    inputs=(
        Quantity("p", "pressure", "Pa", 1e3, 1e7, log=True),
        Quantity("T", "temperature", "K", 281.0, 885.0),
    ),
    drawn=(
        Quantity("p", "pressure", "Pa", 1e3, 1e7, log=True),
        Quantity("superheat", "temperature above saturation", "K", 1.0, 300.0),
    ),
    inputs_from_drawn=inputs_from_drawn,
    outputs=(
        Quantity("h", "enthalpy", "J/kg", 2.51e6, 3.66e6, need=Bound("max_rel", 1e-3), target=Bound("max_rel", 2e-4)),
        Quantity(
            "s", "entropy", "J/(kg K)", 5.62e3, 1.04e4, need=Bound("max_rel", 1e-3), target=Bound("max_rel", 2e-4)
        ),
        Quantity(
            "rho",
            "density",
            "kg/m3",
            3.7e-3,
            55.0,
            log=True,
            need=Bound("max_rel", 1e-3),
            target=Bound("max_rel", 2e-3),
        ),
        Quantity(
            "cp",
            "heat capacity at constant pressure",
            "J/(kg K)",
            1.87e3,
            6.93e3,
            log=True,
            need=Bound("max_rel", 5e-3),
            target=Bound("max_rel", 3e-3),
        ),
        Quantity(
            "mu",
            "viscosity",
            "Pa s",
            9.1e-6,
            3.36e-5,
            log=True,
            need=Bound("max_rel", 1e-2),
            target=Bound("max_rel", 1e-3),
        ),
    ),
    truth=truth,
    source="IAPWS R7-97 (IAPWS-IF97), and IAPWS R12-08 for mu, by the library CoolProp",
    recipe=engineering_recipe("steam_if97"),
    shortcut=Shortcut("ideal gas of constant cp", "ASHRAE Handbook, Fundamentals, chapter Psychrometrics", ideal_gas),
    # IAPWS R7-97, table 15, has h 0.333568375e4 kJ/kg, s 0.101749996e2, v 0.923015898e2, cp 0.208141274e1; mu computed once.
    example=((3500.0, 700.0), (3335683.75373, 10174.9995786, 0.0108340495757, 2081.4127437, 2.55626760812e-05)),
    libraries=("CoolProp",),
)
