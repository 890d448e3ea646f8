"""Humid air: wet bulb, humidity and enthalpy."""

import numpy as np

from parity.problems.engineering import engineering_recipe
from parity.problems.libraries import library
from parity.problems.problem import Bound, Floats, Problem, Quantity, Shortcut

PROPERTIES = ("B", "W", "H")
"""The outputs, as CoolProp calls them."""


def truth(inputs: Floats) -> Floats:
    temperature, humidity, pressure = np.ascontiguousarray(inputs.T)
    properties = library("CoolProp.CoolProp").HAPropsSI
    columns = [properties(key, "T", temperature, "R", humidity, "P", pressure) for key in PROPERTIES]
    return np.column_stack(columns)


def by_hand(inputs: Floats) -> Floats:
    """Stull's wet bulb; humidity and enthalpy from the Magnus formula (doi 10.1175/1520-0450(1996)035<0601:IMFAOS>2.0.CO;2)."""
    temperature, humidity, pressure = inputs.T
    celsius, percent = temperature - 273.15, 100.0 * humidity
    wet_bulb = (
        celsius * np.arctan(0.151977 * np.sqrt(percent + 8.313659))
        + np.arctan(celsius + percent)
        - np.arctan(percent - 1.676331)
        + 0.00391838 * percent**1.5 * np.arctan(0.023101 * percent)
        - 4.686035
    )
    vapour = humidity * 610.94 * np.exp(17.625 * celsius / (243.04 + celsius))
    ratio = 0.621945 * vapour / (pressure - vapour)
    enthalpy = 1006.0 * celsius + ratio * (2.501e6 + 1860.0 * celsius)
    return np.column_stack([wet_bulb + 273.15, ratio, enthalpy])


HUMID_AIR = Problem(
    name="humid_air",
    title="humid air and its wet bulb",
    family="fluids",
    about=(
        "The wet bulb temperature is the fixed point of an energy balance over real-gas properties: the slowest function of "
        "the catalogue, and the one where a network saves most."
    ),
    used="Cooling towers, air conditioning, drying, and heat stress outdoors.",
    inputs=(
        Quantity("T", "temperature", "K", 283.15, 323.15),
        Quantity("RH", "relative humidity", "-", 0.2, 1.0),
        Quantity("p", "pressure", "Pa", 7e4, 1.05e5),
    ),
    outputs=(
        Quantity(
            "Twb", "wet bulb temperature", "K", 274.0, 323.2, need=Bound("max_abs", 0.1), target=Bound("max_abs", 5e-3)
        ),
        Quantity(
            "W",
            "water per dry air",
            "kg/kg",
            1.46e-3,
            0.134,
            log=True,
            need=Bound("max_rel", 1e-2),
            target=Bound("max_rel", 3e-4),
        ),
        Quantity("h", "enthalpy per dry air", "J/kg", 1.37e4, 3.98e5),
    ),
    truth=truth,
    source="ASHRAE RP-1485 (Herrmann, Kretzschmar and Gatley 2009, doi 10.1080/10789669.2009.10390874), by CoolProp",
    recipe=engineering_recipe("humid_air"),
    shortcut=Shortcut("Stull's wet bulb, made for sea level", "Stull 2011, doi 10.1175/JAMC-D-11-0143.1", by_hand),
    # The ASHRAE chart reads 17.9 C, 9.93 g/kg and 50.4 kJ/kg; CoolProp's documentation has 50423.45039075701 J/kg.
    example=((298.15, 0.5, 101325.0), (291.03348681, 0.00992573929616, 50423.4503908)),
    libraries=("CoolProp",),
)
