"""The effectiveness of a cross-flow heat exchanger with both fluids unmixed."""

from functools import partial

import numpy as np

from parity.problems.engineering import column, engineering_recipe, row_by_row
from parity.problems.libraries import library
from parity.problems.problem import Bound, Floats, Problem, Quantity, Shortcut


def truth(inputs: Floats) -> Floats:
    return row_by_row(partial(library("ht").effectiveness_from_NTU, subtype="crossflow"), inputs)


def incropera(inputs: Floats) -> Floats:
    ntu, ratio = inputs.T
    return column(1.0 - np.exp(ntu**0.22 / ratio * (np.exp(-ratio * ntu**0.78) - 1.0)))


EPS_NTU_CROSSFLOW = Problem(
    name="eps_ntu_crossflow",
    title="cross-flow heat exchanger",
    family="heat exchangers",
    about=(
        "The exact effectiveness is a series, or an integral of Bessel functions; the short formula in most textbooks is off "
        "by up to two points."
    ),
    used="Car radiators, air coolers, and the condensers and evaporators of air conditioners.",
    inputs=(
        Quantity("NTU", "number of transfer units", "-", 0.05, 10.0, log=True),
        Quantity("Cr", "ratio of the heat capacity rates", "-", 0.01, 1.0),
    ),
    outputs=(
        Quantity(
            "eps",
            "effectiveness",
            "-",
            0.047,
            1.0,
            need=Bound("max_abs", 5e-3),
            target=Bound("max_abs", 1e-4),
        ),
    ),
    truth=truth,
    source="Triboix 2009, doi 10.1016/j.icheatmasstransfer.2008.10.012, by the library ht",
    recipe=engineering_recipe("eps_ntu_crossflow"),
    shortcut=Shortcut(
        "the formula of most textbooks",
        "Incropera et al., Fundamentals of Heat and Mass Transfer, 7th ed., eq. 11.32",
        incropera,
    ),
    # The example in ht's documentation has 0.8444821799748551.
    example=((5.0, 0.7), (0.844482179975,)),
    libraries=("ht",),
)
