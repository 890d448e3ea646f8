"""Entry: what was measured of one problem."""

from dataclasses import dataclass

from parity.result import OutputScores


@dataclass(frozen=True)
class Training:
    """One experiment, in every contender."""

    optimizer: str
    """The kind, as `--optimizer` spells it."""
    verdict: str
    """Of the ladder."""
    summary: str
    steps: int
    compared_steps: int
    """How many of them were compared one by one."""
    seconds: dict[str, float]
    """Wall time of the whole run by contender, compiling with it."""
    outputs: dict[str, dict[str, OutputScores]]
    """By contender and output, on rows of their own."""


@dataclass(frozen=True)
class Speed:
    """Rows a second of CPU time, on one core."""

    rows: int
    """In one call."""
    network: float
    """The trained network in NumPy, float64."""
    truth: float
    """What it was trained on: the library, or the formula in NumPy."""

    @property
    def ratio(self) -> float:
        """How many times faster the network is; below 1 where it is slower."""
        return self.network / self.truth


@dataclass(frozen=True)
class Entry:
    """A problem, trained by its recipe and by Adam."""

    problem: str
    recipe: Training
    adam: Training
    speed: Speed
    environment: dict[str, str]
    key: str
    """SHA-256 of all that was asked: the two experiments, and the versions of what ran them."""

    @property
    def held(self) -> bool:
        """Whether both backends are equivalent on both paths, and reach every target."""
        reached = [
            scores.target is None or scores.target.held
            for outputs in self.recipe.outputs.values()
            for scores in outputs.values()
        ]
        return all(reached) and {self.recipe.verdict, self.adam.verdict} == {"equivalent"}
