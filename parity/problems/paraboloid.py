"""z = x^2 + y^2: where the project began."""

import numpy as np
from numpy.typing import NDArray

from parity.experiment import Experiment
from parity.problems.problem import Problem, Quantity


def truth(inputs: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y = inputs.T
    return np.stack([x**2 + y**2], axis=1)


PARABOLOID = Problem(
    name="paraboloid",
    title="z = x^2 + y^2",
    family="first steps",
    about=(
        "The function a lecturer's first network would not learn, with the network and the split he asked about: 2-10-5-1, "
        "relu, 1000 rows, 15 % held out. Standardised data and Adam with a cosine schedule make it converge."
    ),
    inputs=(Quantity("x", "first coordinate", "-", 0.0, 1.0), Quantity("y", "second coordinate", "-", 0.0, 1.0)),
    outputs=(Quantity("z", "height of the paraboloid", "-", 0.0, 2.0),),
    truth=truth,
    source="elementary geometry",
    recipe=Experiment(problem="paraboloid"),
    example=((0.5, 0.25), (0.3125,)),
)
