"""R134a, as two problems share it."""

from typing import Any

from parity.problems.libraries import library

SOURCE = "the equation of state of Tillner-Roth and Baehr 1994, doi 10.1063/1.555958, by the library CoolProp"
REFERENCE_TEMPERATURE = 273.15
REFERENCE_ENTHALPY = 2e5
"""J/kg of saturated liquid at 273.15 K: the reference state of the International Institute of Refrigeration."""


def r134a() -> tuple[Any, Any]:
    """The module CoolProp, and a state of R134a of one's own."""
    coolprop = library("CoolProp.CoolProp")
    return coolprop, library("CoolProp").AbstractState("HEOS", "R134a")


def enthalpy_shift(coolprop: Any, state: Any) -> float:
    """J/kg that CoolProp's enthalpies lie above those of the reference state.

    CoolProp keeps the reference state of a fluid for the whole process, where others may have set it: so it is neither
    relied on nor changed.
    """
    state.update(coolprop.QT_INPUTS, 0.0, REFERENCE_TEMPERATURE)
    return float(state.hmass()) - REFERENCE_ENTHALPY
