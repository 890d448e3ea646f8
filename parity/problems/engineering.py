"""What the engineering problems have in common: their recipe, and truths that take a row at a time."""

from collections.abc import Callable
from typing import Any

import numpy as np

from parity.contract import MLP, Constant, LevenbergMarquardt
from parity.experiment import Experiment
from parity.problems.problem import Floats


def engineering_recipe(name: str, **changes: Any) -> Experiment:
    """4000 training rows, two layers of 24 tanh units, and Levenberg-Marquardt in float64, which its matrices need."""
    recipe: dict[str, Any] = {
        "problem": name,
        "rows": 4400,
        "held_out": 400 / 4400,
        "model": MLP(hidden=(24, 24), activation="tanh", initializer="lecun_normal"),
        "optimizer": LevenbergMarquardt(),
        "schedule": Constant(),
        "epochs": 400,
        "contender": (":float64",),
    }
    return Experiment(**(recipe | changes))


def row_by_row(function: Callable[..., float], inputs: Floats) -> Floats:
    """(N, 1) values of a function that takes the D numbers of one row."""
    return np.array([function(*row) for row in inputs.tolist()], np.float64).reshape(-1, 1)


def column(values: Floats) -> Floats:
    """(N,) values as the one column of (N, 1) outputs."""
    return np.asarray(values, np.float64).reshape(-1, 1)


def where(holds: Any, values: Any) -> Floats:
    """Values where a textbook says they hold, and NaN elsewhere."""
    return np.where(holds, values, np.nan)
