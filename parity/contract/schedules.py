"""Schedules: the learning rate at each step, as a multiple of the optimizer's own.

t is the step counted from 0, S the steps of the whole run. Behind the last step the rate stays where it was.
"""

from dataclasses import dataclass

from parity.contract.errors import require, require_fraction, require_not_negative, require_positive


@dataclass(frozen=True)
class Constant:
    """1."""


@dataclass(frozen=True)
class Cosine:
    """end + (1 - end) (1 + cos(pi t/S)) / 2 (arXiv:1608.03983, one cycle)."""

    end: float = 0.0
    """The multiple that it falls to."""

    def __post_init__(self) -> None:
        require_not_negative(self, "end")


@dataclass(frozen=True)
class Exponential:
    """decay^t."""

    decay: float = 0.999
    """Factor of each step (not of each epoch)."""

    def __post_init__(self) -> None:
        require_positive(self, "decay")


@dataclass(frozen=True)
class Step:
    """decay^floor(t/every)."""

    every: int = 1000
    """Steps between two drops."""
    decay: float = 0.5
    """Factor of each drop."""

    def __post_init__(self) -> None:
        require_positive(self, "every", "decay")


@dataclass(frozen=True)
class OneCycle:
    """Cosine from 1/div to 1 at step `rise` S - 1, then cosine to 1/(div final_div) at step S - 1.

    Smith and Topin (arXiv:1708.07120) in PyTorch's form: S - 1 intervals, momentum not cycled.
    """

    rise: float = 0.3
    """Share of the steps that the rate rises."""
    div: float = 25.0
    """Peak over first rate."""
    final_div: float = 1e4
    """First over last rate."""

    def __post_init__(self) -> None:
        require_positive(self, "rise", "div", "final_div")
        require_fraction(self, "rise")


@dataclass(frozen=True)
class WarmupCosine:
    """Linear from `start` to 1 over `warmup` S steps, then `Cosine` over the rest."""

    warmup: float = 0.1
    """Share of the steps that the rate rises."""
    start: float = 0.0
    """The multiple at step 0."""
    end: float = 0.0
    """The multiple that it falls to."""

    def __post_init__(self) -> None:
        require_fraction(self, "warmup")
        require_not_negative(self, "start", "end")
        require(self.start <= 1, f"WarmupCosine.start is {self.start!r}; expected at most 1.")


Schedule = Constant | Cosine | Exponential | Step | OneCycle | WarmupCosine
