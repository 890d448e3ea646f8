"""A wall that is cooled on both sides: what Heisler's charts show."""

import numpy as np
from numpy.typing import NDArray

from parity.problems.engineering import column, engineering_recipe, where
from parity.problems.problem import Bound, Floats, Problem, Quantity, Shortcut

TERMS = 16
"""At Fo 0.02 the next term is below exp(-16^2 pi^2 0.02), 2e-22."""
BISECTIONS = 60
"""Halve the half-period of the tangent to less than the spacing of float64 numbers at the first root."""
ONE_TERM_FROM = 0.2
"""The Fourier number from which textbooks keep one term."""


def roots(biot: Floats, terms: int) -> Floats:
    """(N, terms) smallest positive roots z of z tan z = Bi, by bisection; Carslaw and Jaeger 1959, appendix IV."""
    start = np.pi * np.arange(terms) * np.ones((len(biot), 1))
    low, high = np.zeros_like(start), np.full_like(start, np.pi / 2.0)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2.0
        # z sin z = Bi cos z has no pole, and z = start + middle shares the signs of sine and cosine.
        below = (start + middle) * np.sin(middle) < biot[:, None] * np.cos(middle)
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return start + (low + high) / 2.0


def series(inputs: Floats, terms: int) -> Floats:
    """(N,) sums of the first terms of the solution by separation of variables."""
    fourier, biot, place = inputs.T
    zeta = roots(biot, terms)
    weights = 4.0 * np.sin(zeta) / (2.0 * zeta + np.sin(2.0 * zeta))
    values: NDArray[np.float64] = (weights * np.exp(-(zeta**2) * fourier[:, None]) * np.cos(zeta * place[:, None])).sum(
        axis=1
    )
    return values


def truth(inputs: Floats) -> Floats:
    return column(series(inputs, TERMS))


def one_term(inputs: Floats) -> Floats:
    return column(where(inputs[:, 0] >= ONE_TERM_FROM, series(inputs, 1)))


HEISLER_WALL = Problem(
    name="heisler_wall",
    title="cooling of a plane wall",
    family="heat transfer",
    about=(
        "The temperature in a wall that starts at one temperature and is cooled by convection on both sides: sixteen terms of "
        "a series, whose roots have no closed form. Charts and hand calculation keep one term, which fails early on."
    ),
    used="Quenching, cooking, sterilising, and the warming-up of thick walls.",
    inputs=(
        Quantity("Fo", "Fourier number of the half thickness", "-", 0.02, 3.0, log=True),
        Quantity("Bi", "Biot number of the half thickness", "-", 0.01, 100.0, log=True),
        Quantity("x", "distance from the middle over the half thickness", "-", 0.0, 1.0),
    ),
    outputs=(
        Quantity(
            "theta",
            "excess temperature over that at the start",
            "-",
            0.0,
            1.0,
            need=Bound("max_abs", 1e-2),
            target=Bound("max_abs", 2e-3),
        ),
    ),
    truth=truth,
    source="Carslaw and Jaeger 1959, Conduction of Heat in Solids, section 3.11; Heisler 1947 drew it",
    recipe=engineering_recipe("heisler_wall"),
    shortcut=Shortcut(
        "one term of the series",
        "Incropera et al., Fundamentals of Heat and Mass Transfer, 7th ed., eq. 5.43",
        one_term,
    ),
    # 1.1191 exp(-0.8603^2) with the root and the weight of Incropera et al., 7th ed., table 5.1.
    example=((1.0, 1.0, 0.0), (0.533859401409,)),
)
