"""The correction factor of the mean temperature difference in a shell-and-tube heat exchanger."""

import numpy as np

from parity.problems.engineering import column, engineering_recipe
from parity.problems.problem import Bound, Floats, Problem, Quantity


def truth(inputs: Floats) -> Floats:
    """Fakheri's expression of one shell, rewritten so that it holds at R = 1 and loses no digits near it.

    His W - 1 is P (1 - R) / (1 - P), which he divides by R - 1: that factor is taken out of both logarithms.
    """
    ratio, effectiveness = inputs.T
    transfer = effectiveness / (1.0 - effectiveness)
    excess = transfer * (1.0 - ratio)
    diagonal = np.hypot(ratio, 1.0) * transfer
    of_one = np.where(excess == 0.0, 1.0, excess)
    with np.errstate(invalid="ignore"):  # beyond the largest P there is no exchanger
        mean = np.where(excess == 0.0, 1.0, np.log1p(of_one) / of_one)
        return column(diagonal * mean / np.log((2.0 + excess + diagonal) / (2.0 + excess - diagonal)))


def inputs_from_drawn(drawn: Floats) -> Floats:
    ratio, share = drawn.T
    return np.stack([ratio, share * 2.0 / (ratio + 1.0 + np.hypot(ratio, 1.0))], axis=1)


LMTD_F = Problem(
    name="lmtd_F",
    title="shell-and-tube correction",
    family="heat exchangers",
    about=(
        "How far one shell pass and two tube passes fall short of counterflow. At every R there is a P that no exchanger of "
        "this kind can reach; the rows are drawn as shares of it, and near it F falls steeply."
    ),
    used="The sizing of shell-and-tube heat exchangers, where it is read off a chart.",
    inputs=(
        Quantity("R", "ratio of the heat capacity rates", "-", 0.1, 10.0, log=True),
        Quantity("P", "temperature effectiveness of the tube side", "-", 0.0019, 0.922),
    ),
    drawn=(
        Quantity("R", "ratio of the heat capacity rates", "-", 0.1, 10.0, log=True),
        Quantity("share", "P as a share of the largest that can be reached", "-", 0.02, 0.97),
    ),
    inputs_from_drawn=inputs_from_drawn,
    outputs=(
        Quantity(
            "F",
            "correction factor of the mean temperature difference",
            "-",
            0.55,
            1.0,
            need=Bound("max_abs", 5e-3),
            target=Bound("max_abs", 2e-3),
        ),
    ),
    truth=truth,
    source="Fakheri 2003, doi 10.1115/1.1571078",
    recipe=engineering_recipe("lmtd_F"),
    # 130 to 110 against 15 to 85: ht's documentation has 0.9438358829645933.
    example=((0.2857142857142857, 0.6086956521739131), (0.943835882965,)),
)
