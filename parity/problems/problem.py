"""What a problem is: its quantities, its truth, and the recipe that solves it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from parity.contract import Data
from parity.experiment import Experiment

Floats = NDArray[np.float64]
Measure = Literal["max_abs", "max_rel", "p99_rel"]


@dataclass(frozen=True)
class Bound:
    """How large an error may be."""

    measure: Measure
    """The largest absolute error, the largest relative one, or the 99th percentile of the relative ones."""
    value: float
    """In the quantity's own unit, or as a share of its true value."""


@dataclass(frozen=True)
class Quantity:
    """A column of inputs or outputs."""

    symbol: str
    meaning: str
    unit: str
    low: float
    high: float
    log: bool = False
    """The network sees ln of it; an input is then also sampled uniformly in ln."""
    need: Bound | None = None
    """Of an output: what a practitioner needs, by engineering judgement."""
    target: Bound | None = None
    """Of an output: what the recipe reaches on an independent set of rows."""

    @property
    def has_relative_error(self) -> bool:
        """Whether its range excludes 0, where a share of the true value means nothing."""
        return self.low > 0.0 or self.high < 0.0


@dataclass(frozen=True)
class Shortcut:
    """What a textbook takes instead of the truth."""

    name: str
    source: str
    compute: Callable[[Floats], Floats]
    """(N, D) inputs to (N, K) outputs, in the units of the quantities; NaN outside the range that the textbook states."""


@dataclass(frozen=True)
class Problem:
    """A function to be learned: drawn over the ranges of its inputs, or a table of rows that somebody measured."""

    name: str
    title: str
    about: str
    inputs: tuple[Quantity, ...]
    outputs: tuple[Quantity, ...]
    truth: Callable[[Floats], Floats] | None
    """(N, D) inputs to (N, K) outputs, in the units of the quantities; for classes a row of probabilities. None of a table."""
    source: str
    """Where the function comes from."""
    recipe: Experiment
    """The experiment that solves it."""
    task: Literal["regression", "classification"] = "regression"
    family: str = "your own"
    """What it stands together with in lists."""
    used: str = ""
    """Where engineers meet it."""
    drawn: tuple[Quantity, ...] = ()
    """What is drawn in place of the inputs, where their ranges depend on one another."""
    inputs_from_drawn: Callable[[Floats], Floats] | None = None
    """(N, M) drawn quantities to (N, D) inputs."""
    shortcut: Shortcut | None = None
    example: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    """Inputs and the outputs that the truth must give there."""
    libraries: tuple[str, ...] = ()
    """Packages that the truth needs, of the extra `engineering`."""
    table: Data | None = None
    """(N, D) inputs and (N, K) outputs that were measured."""
    given_split: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None
    """Of a table: rows held out and rows to train on, where whoever made it has said so."""

    @property
    def metric(self) -> str:
        """How the share of the targets' spread that is explained is called: R2, and for classes the Brier skill score."""
        return "R2" if self.task == "regression" else "Brier skill score"
