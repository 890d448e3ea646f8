"""Heat transfer of a cylinder in cross-flow."""

import numpy as np

from parity.problems.engineering import column, engineering_recipe, where
from parity.problems.friction import REYNOLDS_NAME
from parity.problems.libraries import library
from parity.problems.problem import Bound, Floats, Problem, Quantity, Shortcut

HILPERT = ((4e1, 0.683, 0.466), (4e3, 0.193, 0.618), (4e4, 0.027, 0.805))
"""Reynolds number from which a piece holds, its factor and its exponent, as Incropera et al., table 7.2, give them."""
HILPERT_UP_TO = 4e5


def truth(inputs: Floats) -> Floats:
    return column(library("ht").Nu_cylinder_Churchill_Bernstein(*inputs.T))


def hilpert(inputs: Floats) -> Floats:
    reynolds, prandtl = inputs.T
    starts, factors, exponents = np.array(HILPERT).T
    piece = np.searchsorted(starts, reynolds, side="right") - 1
    stated = (reynolds <= HILPERT_UP_TO) & (prandtl >= 0.7)
    return column(where(stated, factors[piece] * reynolds ** exponents[piece] * np.cbrt(prandtl)))


CHURCHILL_BERNSTEIN = Problem(
    name="churchill_bernstein",
    title="heat transfer of a cylinder",
    family="heat transfer",
    about=(
        "One formula for the mean Nusselt number of a cylinder across a stream, from creeping to supercritical flow, where "
        "handbooks used to give a table of power laws."
    ),
    used="Tubes in cross-flow, hot wires and thermowells.",
    inputs=(
        Quantity("Re", REYNOLDS_NAME, "-", 1e2, 1e7, log=True),
        Quantity("Pr", "Prandtl number", "-", 0.5, 1000.0, log=True),
    ),
    outputs=(
        Quantity(
            "Nu",
            "Nusselt number of the diameter",
            "-",
            4.5,
            1.27e5,
            log=True,
            need=Bound("max_rel", 1e-2),
            target=Bound("max_rel", 5e-4),
        ),
    ),
    truth=truth,
    source="Churchill and Bernstein 1977, doi 10.1115/1.3450685, by the library ht",
    recipe=engineering_recipe("churchill_bernstein"),
    shortcut=Shortcut("Hilpert's power laws", "Hilpert 1933, doi 10.1007/BF02719754", hilpert),
    # Incropera et al., 7th ed., example 7.4, has 40.6.
    example=((6071.0, 0.7), (40.6370859412,)),
    libraries=("ht",),
)
