"""Fault: what is wrong, how it is planted, where it can show, and what the ladder is to say of it."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.faults.copies import Twin
from parity.experiment import Experiment

Plant = Callable[[Twin], None]


@dataclass(frozen=True)
class Fault:
    """One mistake in one twin."""

    name: str
    text: str
    """One sentence."""
    place: str
    """The part of training that it belongs to."""
    plant: Plant
    """Puts it into a copy of the twin."""
    experiments: tuple[Experiment, ...]
    """Where it can show."""
    rung: str
    """The rung that has to catch it."""
    causes: tuple[str, ...]
    """The code of its cause; several where either is right."""
    twin: str = "torch"
    """Whose copy it is planted in."""
    dtype: str = "float64"


CATALOGUE: dict[str, Fault] = {}
"""Faults by name, in the order they were declared."""


def fault(
    rung: str,
    causes: str | tuple[str, ...],
    experiments: tuple[Experiment, ...],
    twin: str = "torch",
    dtype: str = "float64",
    place: str | None = None,
) -> Callable[[Plant], Plant]:
    """Enter the decorated function as a fault; its name, docstring and module say what and where."""

    def entered(plant: Plant) -> Plant:
        name, home = plant.__name__, plant.__module__.rsplit(".", 1)[1]
        if name in CATALOGUE:
            raise ValueError(f"There are two faults named {name}.")
        codes = (causes,) if isinstance(causes, str) else causes
        text = (plant.__doc__ or "").strip()
        CATALOGUE[name] = Fault(name, text, place or home, plant, experiments, rung, codes, twin, dtype)
        return plant

    return entered
