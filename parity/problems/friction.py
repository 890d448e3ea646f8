"""Friction in pipes, as far as several problems share it."""

import numpy as np

from parity.problems.libraries import library
from parity.problems.problem import Floats

REYNOLDS_NAME = "Reynolds number of the diameter"
ROUGHNESS_NAME = "roughness over diameter"
LAMINAR_UP_TO = 2300.0
TURBULENT_FROM = 4000.0
"""Textbooks give no friction factor between the two."""


def colebrook_friction(reynolds: Floats, roughness: Floats) -> Floats:
    """Darcy friction factor of turbulent flow (Colebrook 1939, doi 10.1680/ijoti.1939.13150), by `fluids`."""
    # Its Lambert W form overflows on rough pipes; it sees so and solves them in another way.
    with np.errstate(over="ignore"):
        return np.asarray(library("fluids.vectorized").Colebrook(reynolds, roughness), np.float64)


def haaland_friction(reynolds: Floats, roughness: Floats) -> Floats:
    """Haaland's explicit friction factor (1983, doi 10.1115/1.3240948)."""
    friction: Floats = (-1.8 * np.log10((roughness / 3.7) ** 1.11 + 6.9 / reynolds)) ** -2
    return friction
