"""The efficiency of an annular fin on a tube."""

import numpy as np

from parity.problems.engineering import column, engineering_recipe, row_by_row
from parity.problems.libraries import library
from parity.problems.problem import Bound, Floats, Problem, Quantity, Shortcut


def truth(inputs: Floats) -> Floats:
    kern_kraus = library("ht").fin_efficiency_Kern_Kraus
    return row_by_row(lambda tube, ratio, t, k, h: kern_kraus(tube, ratio * tube, t, k, h), inputs)


def schmidt(inputs: Floats) -> Floats:
    tube, ratio, thickness, conductivity, film = inputs.T
    equivalent_height = tube / 2.0 * (ratio - 1.0) * (1.0 + 0.35 * np.log(ratio))
    product = np.sqrt(2.0 * film / (conductivity * thickness)) * equivalent_height
    return column(np.tanh(product) / product)


ANNULAR_FIN = Problem(
    name="annular_fin",
    title="efficiency of an annular fin",
    family="heat transfer",
    about=(
        "The heat that a round fin gives off, over what it would give off if it were as hot as its root: a ratio of modified "
        "Bessel functions of five variables."
    ),
    used="Finned tubes of air coolers, boilers and air-cooled engines.",
    inputs=(
        Quantity("Do", "outer diameter of the tube", "m", 0.01, 0.05),
        Quantity("rD", "diameter of the fin over that of the tube", "-", 1.2, 4.0),
        Quantity("t", "thickness of the fin", "m", 1e-4, 2e-3, log=True),
        Quantity("k", "thermal conductivity of the fin", "W/(m K)", 15.0, 400.0, log=True),
        Quantity("h", "heat transfer coefficient", "W/(m2 K)", 5.0, 1000.0, log=True),
    ),
    outputs=(
        Quantity(
            "eta",
            "efficiency of the fin",
            "-",
            0.0046,
            1.0,
            log=True,
            need=Bound("max_abs", 1e-2),
            target=Bound("max_abs", 5e-3),
        ),
    ),
    truth=truth,
    source="Kern and Kraus 1972, Extended Surface Heat Transfer, by the library ht",
    recipe=engineering_recipe("annular_fin"),
    shortcut=Shortcut(
        "Schmidt's straight fin of equal height", "Schmidt 1949, Refrigerating Engineering 57, 351-357", schmidt
    ),
    # Computed once.
    example=((0.04, 2.0, 0.001, 200.0, 50.0), (0.914489265257,)),
    libraries=("ht",),
)
