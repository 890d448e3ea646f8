"""The coefficient of performance of a refrigerator."""

from typing import Any

import numpy as np

from parity.problems.engineering import engineering_recipe
from parity.problems.problem import Bound, Floats, Problem, Quantity, Shortcut
from parity.problems.refrigerant import SOURCE, r134a


def truth(inputs: Floats) -> Floats:
    coolprop, state = r134a()
    return np.array([_cycle(coolprop, state, *row) for row in inputs.tolist()]).reshape(-1, 2)


def _cycle(coolprop: Any, state: Any, evaporator: float, condenser: float, superheat: float, efficiency: float) -> Any:
    """Coefficient of performance and discharge temperature of one cycle."""
    state.update(coolprop.QT_INPUTS, 0.0, condenser)
    high, liquid = state.p(), state.hmass()
    state.update(coolprop.QT_INPUTS, 1.0, evaporator)
    state.update(coolprop.PT_INPUTS, state.p(), evaporator + superheat)
    suction = state.hmass()
    state.update(coolprop.PSmass_INPUTS, high, state.smass())
    discharge = suction + (state.hmass() - suction) / efficiency
    state.update(coolprop.HmassP_INPUTS, discharge, high)
    return (suction - liquid) / (discharge - suction), state.T()


def share_of_carnot(inputs: Floats) -> Floats:
    evaporator, condenser, _, efficiency = inputs.T
    ratio = efficiency * evaporator / (condenser - evaporator)
    return np.column_stack([ratio, np.full(len(inputs), np.nan)])


R134A_COP = Problem(
    name="r134a_cop",
    title="refrigerator with R134a",
    family="cycles",
    about=(
        "A one-stage cycle: saturated vapour, superheated, is compressed with an isentropic efficiency, condensed to saturated "
        "liquid and throttled. Five calls of an equation of state a point."
    ),
    used="Refrigerators, chillers and heat pumps; their control and their yearly energy.",
    inputs=(
        Quantity("Te", "temperature of evaporation", "K", 248.15, 288.15),
        Quantity("Tc", "temperature of condensation", "K", 298.15, 343.15),
        Quantity("dTsh", "superheat before the compressor", "K", 1.0, 25.0),
        Quantity("eta", "isentropic efficiency", "-", 0.5, 0.9),
    ),
    outputs=(
        Quantity(
            "COP",
            "cooling per work",
            "-",
            0.63,
            24.4,
            log=True,
            need=Bound("max_rel", 5e-3),
            target=Bound("max_rel", 1e-3),
        ),
        Quantity(
            "T2",
            "temperature after the compressor",
            "K",
            300.0,
            440.0,
            need=Bound("max_abs", 0.5),
            target=Bound("max_abs", 0.03),
        ),
    ),
    truth=truth,
    source=SOURCE,
    recipe=engineering_recipe("r134a_cop"),
    shortcut=Shortcut(
        "the efficiency's share of Carnot",
        "Carnot 1824, Reflexions sur la puissance motrice du feu",
        share_of_carnot,
    ),
    # Computed once.
    example=((263.15, 313.15, 5.0, 0.7), (2.83336919184, 338.168049196)),
    libraries=("CoolProp",),
)
