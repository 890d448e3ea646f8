"""A fault in an experiment: planted in a copy of a twin, climbed against PyTorch, and set down as a row."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace

import parity
from benchmarks.faults.catalogue import CATALOGUE
from benchmarks.faults.copies import Twin, copied
from benchmarks.faults.effect import ROUNDING, effect
from benchmarks.faults.experiments import told
from benchmarks.faults.fault import Fault
from parity.experiment import Experiment
from parity.result import Pair


@dataclass(frozen=True)
class Row:
    """What the ladder said of a fault in one experiment."""

    fault: str
    text: str
    place: str
    experiment: str
    dtype: str
    detected: bool
    rung: str | None
    """The rung that broke."""
    expected_rung: str
    where: str
    causes: tuple[str, ...]
    """The codes that the ladder gives, the likeliest first."""
    expected_cause: tuple[str, ...]
    """The code that it should give; several where either is right."""
    equivalent: bool
    """Whether the float64 oracle sees no change; such a row is listed and not counted."""
    effect: float | None
    """How many times further from the oracle it is than the healthy twin; None where the start itself is changed."""


@contextmanager
def planted(fault: Fault) -> Iterator[Twin]:
    """A backend with the fault, under the fault's name."""
    with copied(fault.twin, fault.name) as twin:
        fault.plant(twin)
        yield twin


def climbed(fault: Fault, experiment: Experiment) -> Pair:
    """The climb of the fault's backend against PyTorch."""
    return climb(fault.name, experiment, fault.dtype)


def climb(backend: str, experiment: Experiment, dtype: str) -> Pair:
    """The climb of a backend against PyTorch."""
    experiment = replace(experiment, contender=(f"{backend}:cpu:{dtype}",), reference="torch:cpu")
    (pair,) = parity.run(experiment, throughput=False).pairs
    return pair


def broken_rung(pair: Pair) -> str | None:
    """The first rung that did not hold."""
    return next((rung.name for rung in pair.rungs if not rung.passed), None)


def row_of(job: tuple[str, int]) -> dict:
    """The row of a fault, by its name, in one of its experiments, by its number."""
    fault, experiment = CATALOGUE[job[0]], CATALOGUE[job[0]].experiments[job[1]]
    with planted(fault):
        size = effect(fault.name, fault.twin, experiment, fault.dtype)
        pair = climbed(fault, experiment)
    broken = next((rung for rung in pair.rungs if not rung.passed), None)
    row = Row(
        fault=fault.name,
        text=fault.text,
        place=fault.place,
        experiment=told(experiment),
        dtype=fault.dtype,
        detected=broken is not None,
        rung=broken and broken.name,
        expected_rung=fault.rung,
        where=broken.where if broken else "",
        causes=tuple(cause.code for cause in getattr(pair, "causes", ())),
        expected_cause=fault.causes,
        equivalent=size <= ROUNDING,
        effect=size if size < float("inf") else None,
    )
    return asdict(row)


def jobs() -> list[tuple[str, int]]:
    """Every fault in each of its experiments."""
    return [(name, number) for name, fault in CATALOGUE.items() for number in range(len(fault.experiments))]
