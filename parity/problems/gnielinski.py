"""Heat transfer in turbulent flow through a smooth pipe."""

import numpy as np

from parity.problems.engineering import column, engineering_recipe, where
from parity.problems.friction import REYNOLDS_NAME
from parity.problems.libraries import library
from parity.problems.problem import Bound, Floats, Problem, Quantity, Shortcut


def truth(inputs: Floats) -> Floats:
    reynolds, prandtl = inputs.T
    smooth_friction = (0.790 * np.log(reynolds) - 1.64) ** -2  # Petukhov 1970, doi 10.1016/S0065-2717(08)70153-9
    return column(library("ht").turbulent_Gnielinski(reynolds, prandtl, smooth_friction))


def dittus_boelter(inputs: Floats) -> Floats:
    reynolds, prandtl = inputs.T
    stated = (reynolds >= 1e4) & (prandtl >= 0.6) & (prandtl <= 160.0)
    return column(where(stated, 0.023 * reynolds**0.8 * prandtl**0.4))


GNIELINSKI = Problem(
    name="gnielinski",
    title="heat transfer in a pipe",
    family="heat transfer",
    about=(
        "The standard correlation for the Nusselt number in a smooth pipe, from the transition to five million. It is a closed "
        "form, and NumPy evaluates it faster than any network: learn it to learn how, not to save time."
    ),
    used="Heat exchangers, boilers and the cooling of engines and reactors.",
    inputs=(
        Quantity("Re", REYNOLDS_NAME, "-", 3e3, 5e6, log=True),
        Quantity("Pr", "Prandtl number", "-", 0.5, 2000.0, log=True),
    ),
    outputs=(
        Quantity(
            "Nu",
            "Nusselt number of the diameter",
            "-",
            8.8,
            1.65e5,
            log=True,
            need=Bound("max_rel", 1e-2),
            target=Bound("max_rel", 1e-3),
        ),
    ),
    truth=truth,
    source="Gnielinski 1976, International Chemical Engineering 16(2), 359-368, by the library ht",
    recipe=engineering_recipe("gnielinski"),
    shortcut=Shortcut(
        "Dittus-Boelter, of heating", "Winterton 1998, doi 10.1016/S0017-9310(97)00177-4", dittus_boelter
    ),
    # Computed once.
    example=((100000.0, 1.2), (247.88599552,)),
    libraries=("ht",),
)
