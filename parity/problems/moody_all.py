"""The friction factor of laminar, transitional and turbulent flow in a pipe, in one formula."""

import numpy as np

from parity.problems.engineering import column, engineering_recipe
from parity.problems.friction import (
    LAMINAR_UP_TO,
    REYNOLDS_NAME,
    ROUGHNESS_NAME,
    TURBULENT_FROM,
    haaland_friction,
)
from parity.problems.libraries import library
from parity.problems.problem import Bound, Floats, Problem, Quantity, Shortcut


def truth(inputs: Floats) -> Floats:
    return column(library("fluids.vectorized").Churchill_1977(*inputs.T))


def by_regime(inputs: Floats) -> Floats:
    reynolds, roughness = inputs.T
    laminar, turbulent = 64.0 / reynolds, haaland_friction(reynolds, roughness)
    regimes = [reynolds <= LAMINAR_UP_TO, reynolds >= TURBULENT_FROM]
    return column(np.select(regimes, [laminar, turbulent], np.nan))


MOODY_ALL = Problem(
    name="moody_all",
    title="pipe friction in all regimes",
    family="flow in pipes",
    about=(
        "Churchill joined the laminar line, the transition and the turbulent curves into one formula, so that a solver never "
        "meets a jump. The steep transition between them is what a network finds hard."
    ),
    used="Networks of pipes whose flow may be laminar or turbulent, and start-up and shut-down of a line.",
    inputs=(
        Quantity("Re", REYNOLDS_NAME, "-", 5e2, 1e8, log=True),
        Quantity("eD", ROUGHNESS_NAME, "-", 1e-6, 0.05, log=True),
    ),
    outputs=(
        Quantity(
            "f",
            "Darcy friction factor",
            "-",
            0.0065,
            0.129,
            log=True,
            need=Bound("max_rel", 2e-2),
            target=Bound("max_rel", 1e-2),
        ),
    ),
    truth=truth,
    source="Churchill 1977, Chemical Engineering 84(24), 91-92, by the library fluids",
    recipe=engineering_recipe("moody_all"),
    shortcut=Shortcut("64/Re, and Haaland's formula from 4000 on", "Haaland 1983, doi 10.1115/1.3240948", by_regime),
    # Laminar: 64 / 1000.
    example=((1000.0, 0.001), (0.064,)),
    libraries=("fluids",),
)
