"""Three rings around the origin: a problem of classes."""

import numpy as np
from numpy.typing import NDArray

from parity.contract import MLP, AdamW, Loss
from parity.experiment import Experiment
from parity.problems.problem import Problem, Quantity

RADII = (0.5, 0.8)


def truth(inputs: NDArray[np.float64]) -> NDArray[np.float64]:
    ring = np.digitize(np.hypot(*inputs.T), RADII)
    probabilities: NDArray[np.float64] = np.eye(len(RADII) + 1)[ring]
    return probabilities


RINGS = Problem(
    name="rings",
    title="which of three rings it is in",
    family="first steps",
    about="Disc, ring and outside, at radii 0.5 and 0.8: three classes, learned by cross-entropy.",
    inputs=(Quantity("x", "first coordinate", "-", -1.0, 1.0), Quantity("y", "second coordinate", "-", -1.0, 1.0)),
    outputs=(
        Quantity("disc", "inside radius 0.5", "probability", 0.0, 1.0),
        Quantity("ring", "between the radii", "probability", 0.0, 1.0),
        Quantity("outside", "beyond radius 0.8", "probability", 0.0, 1.0),
    ),
    truth=truth,
    source="elementary geometry",
    recipe=Experiment(
        problem="rings",
        model=MLP(hidden=(16, 16), activation="tanh"),
        loss=Loss(kind="cross_entropy"),
        optimizer=AdamW(learning_rate=1e-2),
        epochs=100,
        batch_size=32,
        target_r2=0.8,
    ),
    task="classification",
    example=((0.3, 0.6), (0.0, 1.0, 0.0)),
)
