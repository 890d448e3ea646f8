"""Temperature and density of the refrigerant R134a, from what a simulation carries: pressure and enthalpy."""

import numpy as np

from parity.contract import MLP
from parity.problems.engineering import engineering_recipe
from parity.problems.problem import Bound, Floats, Problem, Quantity
from parity.problems.refrigerant import SOURCE, enthalpy_shift, r134a


def truth(inputs: Floats) -> Floats:
    coolprop, state = r134a()
    shift = enthalpy_shift(coolprop, state)
    outputs = np.empty((len(inputs), 2))
    for row, (pressure, enthalpy) in enumerate(inputs.tolist()):
        state.update(coolprop.HmassP_INPUTS, enthalpy + shift, pressure)
        outputs[row] = state.T(), state.rhomass()
    return outputs


R134A_PH = Problem(
    name="r134a_ph",
    title="refrigerant R134a",
    family="fluids",
    about=(
        "Liquid, boiling and vapour in one map: the density falls by two orders, with a kink where boiling begins and where it "
        "ends. Kinks are what smooth networks are worst at: this problem is here to show it."
    ),
    used="Simulations of refrigerators, heat pumps and the air conditioning of cars.",
    inputs=(
        Quantity("p", "pressure", "Pa", 1e5, 3e6, log=True),
        Quantity("h", "enthalpy, 200 kJ/kg in liquid that boils at 0 C", "J/kg", 1.8e5, 4.8e5),
    ),
    outputs=(
        Quantity("T", "temperature", "K", 246.0, 393.0, need=Bound("max_abs", 0.5), target=Bound("max_abs", 0.5)),
        Quantity(
            "rho", "density", "kg/m3", 3.4, 1360.0, log=True, need=Bound("max_rel", 1e-2), target=Bound("p99_rel", 1e-2)
        ),
    ),
    truth=truth,
    source=SOURCE,
    # Behind 200 iterations it follows the kinks more closely, and swings between the rows beside them.
    recipe=engineering_recipe("r134a_ph", epochs=200, model=MLP((24, 24), "tanh", "uniform_fan_in")),
    # Half way between boiling liquid and vapour at 0 C: the ASHRAE table has 273.15 K and 2 / (1/1294.8 + 0.069309).
    example=((292800.0, 299300.0), (273.149700026, 28.5384986632)),
    libraries=("CoolProp",),
)
