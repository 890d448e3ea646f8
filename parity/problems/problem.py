"""What a problem is: its quantities, its truth, and the recipe that solves it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

from parity.experiment import Experiment


@dataclass(frozen=True)
class Quantity:
    """A column of inputs or outputs."""

    symbol: str
    meaning: str
    unit: str
    low: float
    high: float


@dataclass(frozen=True)
class Problem:
    """A function to be learned, sampled uniformly over the ranges of its inputs."""

    name: str
    title: str
    about: str
    inputs: tuple[Quantity, ...]
    outputs: tuple[Quantity, ...]
    truth: Callable[[NDArray[Any]], NDArray[Any]]
    """(N, D) inputs to (N, K) outputs, in the units of the quantities; for classes a row of probabilities."""
    source: str
    """Where the function comes from."""
    recipe: Experiment
    """The experiment that solves it."""
    task: Literal["regression", "classification"] = "regression"

    @property
    def metric(self) -> str:
        """How the share of the targets' spread that is explained is called: R2, and for classes the Brier skill score."""
        return "R2" if self.task == "regression" else "Brier skill score"
