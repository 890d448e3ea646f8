"""Polar to Cartesian coordinates: two outputs, in small batches, with batch normalisation and dropout."""

import numpy as np
from numpy.typing import NDArray

from parity.contract import Adam, RegularizedMLP
from parity.experiment import Experiment
from parity.problems.problem import Problem, Quantity


def truth(inputs: NDArray[np.float64]) -> NDArray[np.float64]:
    radius, angle = inputs.T
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


POLAR = Problem(
    name="polar",
    title="(r, phi) to (x, y)",
    family="first steps",
    about=(
        "Two outputs, because a loss averaged wrongly over them looks right with one; learned with batch normalisation and "
        "dropout in batches of 32, because a comparison must also cover state that no gradient moves, and random draws."
    ),
    inputs=(Quantity("r", "radius", "m", 0.5, 1.0), Quantity("phi", "angle", "rad", 0.0, np.pi)),
    outputs=(Quantity("x", "abscissa", "m", -1.0, 1.0), Quantity("y", "ordinate", "m", 0.0, 1.0)),
    truth=truth,
    source="elementary geometry",
    recipe=Experiment(
        problem="polar",
        model=RegularizedMLP(),
        optimizer=Adam(learning_rate=1e-2),
        epochs=100,
        batch_size=32,
        target_r2=0.95,
    ),
    example=((1.0, 0.5), (0.87758256189, 0.479425538604)),
)
