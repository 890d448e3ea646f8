"""Natural convection at a vertical plate."""

import numpy as np

from parity.problems.engineering import column, engineering_recipe
from parity.problems.libraries import library
from parity.problems.problem import Bound, Floats, Problem, Quantity, Shortcut


def truth(inputs: Floats) -> Floats:
    rayleigh, prandtl = inputs.T
    return column(library("ht").Nu_vertical_plate_Churchill(prandtl, rayleigh / prandtl))


def power_laws(inputs: Floats) -> Floats:
    rayleigh = inputs[:, 0]
    regimes = [rayleigh < 1e4, rayleigh < 1e9]
    return column(np.select(regimes, [np.nan, 0.59 * rayleigh**0.25], 0.10 * np.cbrt(rayleigh)))


CHURCHILL_CHU = Problem(
    name="churchill_chu",
    title="natural convection at a wall",
    family="heat transfer",
    about=(
        "One formula for the mean Nusselt number of a vertical plate, laminar and turbulent, in any fluid from liquid metals "
        "to oils."
    ),
    used="Heat losses of rooms, ovens and electronics that no fan cools.",
    inputs=(
        Quantity("Ra", "Rayleigh number of the height", "-", 0.1, 1e12, log=True),
        Quantity("Pr", "Prandtl number", "-", 0.01, 1000.0, log=True),
    ),
    outputs=(
        Quantity(
            "Nu",
            "Nusselt number of the height",
            "-",
            0.91,
            1560.0,
            log=True,
            need=Bound("max_rel", 1e-2),
            target=Bound("max_rel", 2e-4),
        ),
    ),
    truth=truth,
    source="Churchill and Chu 1975, doi 10.1016/0017-9310(75)90243-4, by the library ht",
    recipe=engineering_recipe("churchill_chu"),
    shortcut=Shortcut(
        "0.59 Ra^(1/4), and 0.10 Ra^(1/3) from 1e9 on",
        "McAdams 1954; Warner and Arpaci 1968, doi 10.1016/0017-9310(68)90084-7",
        power_laws,
    ),
    # Incropera et al., 7th ed., example 9.2, has 147.
    example=((1813000000.0, 0.69), (147.11901036,)),
    libraries=("ht",),
)
