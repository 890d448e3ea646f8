"""A mutant of the PyTorch twin: shown equivalent in float64, or climbed until something catches it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from itertools import cycle
from math import inf
from traceback import walk_tb
from typing import Any, get_args

from benchmarks.faults import parts
from benchmarks.faults.copies import ROOT, copied, oracle, package_of
from benchmarks.faults.effect import ROUNDING, Groups, computed, further, receives
from benchmarks.faults.experiments import small, told
from benchmarks.faults.jobs import DIED, TOO_LONG
from benchmarks.faults.mutate import Mutant, mutants
from benchmarks.faults.planted import broken_rung, climb
from parity import registry
from parity.conformance import CHECKS, cases
from parity.contract import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Constant,
    Cosine,
    Exponential,
    InputError,
    Lion,
    Loss,
    NAdam,
    OneCycle,
    RAdam,
    RMSprop,
    Step,
    WarmupCosine,
)
from parity.contract.models import Activation
from parity.experiment import Experiment
from parity.start import Start, draw

FILES = ("model", "losses", "optimizers", "schedules", "program", "convert", "trainer")
NAME = "mutant"
REPLICAS = 3
"""More than one, so that what trains a stack of them is seen too."""

OPTIMIZERS = (
    Adam(1e-2, b1=0.85, b2=0.98, eps=1e-6),
    SGD(0.05, momentum=0.8, nesterov=True, weight_decay=0.01),
    AdamW(1e-2, b1=0.8, b2=0.97, eps=1e-5, weight_decay=0.05),
    RMSprop(3e-3, decay=0.95, eps=1e-6, momentum=0.5),
    Adagrad(0.05, eps=1e-6),
    NAdam(5e-3, b1=0.8, b2=0.98, eps=1e-6, momentum_decay=0.01),
    RAdam(1e-2, b1=0.85, b2=0.95, eps=1e-5),
    Adamax(5e-3, b1=0.8, b2=0.98, eps=1e-5),
    Adadelta(0.5, decay=0.8, eps=1e-5),
    Lion(2e-3, b1=0.8, b2=0.95, weight_decay=0.1),
    SGD(0.1),
    RMSprop(5e-3),
    Adam(1e-2),
    SGD(0.05, momentum=0.5),
)
SCHEDULES = (
    Cosine(end=0.1),
    Exponential(0.97),
    OneCycle(rise=0.37, div=10.0, final_div=100.0),
    WarmupCosine(warmup=0.22, start=0.2, end=0.1),
    Step(every=7, decay=0.7),
    Constant(),
    OneCycle(rise=0.02),
)
"""Warming up and rising for no whole number of the steps; and for less than one."""
LOSSES = tuple(
    Loss(kind, reduction, huber_delta=delta)
    for reduction, delta in (("mean", 0.5), ("sum", 0.3))
    for kind in ("mse", "huber", "cross_entropy", "log_cosh", "mae")
)
HIDDEN = ((6, 6), (5,), (4, 3, 4), (7, 2), (5, 5))
LINEAR = 12
"""The number of the experiment without a hidden layer; each activation is in another one."""


@cache
def coverage() -> tuple[Experiment, ...]:
    """Small experiments that take every choice of activation, loss, optimizer and schedule, all constants unlike the defaults.

    Batch normalisation with dropout, clipping and batches of all rows are in some of them. How weights are drawn and rows are
    put into batches is the harness's work.
    """
    activations, schedules, losses = cycle(get_args(Activation)), cycle(SCHEDULES), cycle(LOSSES)
    return tuple(
        small(
            problem="rings" if loss.kind == "cross_entropy" else "polar" if i % 2 else "paraboloid",
            hidden=() if i == LINEAR else HIDDEN[i % len(HIDDEN)],
            regularized=i % 3 == 1,
            **({"dropout": 0.2, "momentum": 0.2, "epsilon": 1e-3} if i % 3 == 1 else {}),
            activation=next(activations),
            loss=loss,
            optimizer=optimizer,
            schedule=next(schedules),
            clip_norm=0.2 if i % 4 == 1 else None,
            batch_size=None if i % 5 == 3 else 16,
            steps=40,
            seed=i,
        )
        for i, (optimizer, loss) in enumerate(zip(OPTIMIZERS, losses, strict=False))
    )


@cache
def all_mutants() -> list[tuple[str, Mutant]]:
    """Every mutant with its file, in the order of their lines."""
    return parts.once("mutants", _all_mutants)


def _all_mutants() -> list[tuple[str, Mutant]]:
    sources = {f"{file}.py": (ROOT / "torch_impl" / f"{file}.py").read_text(encoding="utf-8") for file in FILES}
    return [
        (file, mutant)
        for file, source in sources.items()
        for mutant in sorted(mutants(source), key=lambda mutant: mutant.line)
    ]


def jobs() -> list[tuple[int]]:
    """Every mutant by its number."""
    return [(number,) for number in range(len(all_mutants()))]


@dataclass(frozen=True)
class Fate:
    """What became of a mutant."""

    outcome: str = "equivalent"
    """caught, equivalent, survived, or error where Parity itself raised one, which catches nothing."""
    by: str = ""
    """The rung that broke, `crash`, what was refused, or a check of the conformance suite; the text of an error."""
    experiment: str = ""
    """Where it was caught, or the last where it changed something."""
    effect: float | None = 0.0
    """How many times further from the oracle it is there than the twin; None where it is not even received as given."""


def row_of(job: tuple[int]) -> dict[str, Any]:
    """A mutant, by its number, and what became of it."""
    file, mutant = all_mutants()[job[0]]
    with copied("torch", NAME, {file: mutant.source}):
        return _row(job, fate_of(NAME))


def ended(job: tuple[int], error: str) -> dict[str, Any]:
    """The row of a mutant that left no other: its process died or would not end, which is a crash, or raised an error."""
    if error.startswith((DIED, TOO_LONG)):
        return _row(job, Fate("caught", f"crash, {error}", effect=None))
    return _row(job, Fate("error", error, effect=None))


def _row(job: tuple[int], fate: Fate) -> dict[str, Any]:
    file, mutant = all_mutants()[job[0]]
    place = {name: getattr(mutant, name) for name in ("line", "operator", "before", "after")}
    return {"file": file, **place, **asdict(fate)}


def fate_of(backend: str) -> Fate:
    """Climb where the oracle sees a change, until a rung breaks; where none does, ask the conformance suite."""
    fate = Fate()
    try:
        for experiment, size in changed_in(backend):
            fate = Fate("survived", "", told(experiment), size if size < inf else None)
            rung = broken_rung(climb(backend, experiment, "float64"))
            if rung is not None:
                return Fate("caught", rung, fate.experiment, fate.effect)
    except Exception as error:
        if raised_in(package_of(backend), error):
            return Fate("caught", f"crash, {type(error).__name__}", fate.experiment, None)
        if isinstance(error, InputError):
            return Fate("caught", f"refused, {str(error).split(';')[0][:100]}", fate.experiment, None)
        return Fate("error", f"{type(error).__name__}: {str(error)[:300]}", fate.experiment, None)
    check = failed_check(backend) if fate.outcome == "survived" else ""
    return Fate("caught", f"conformance, {check}", fate.experiment, fate.effect) if check else fate


def raised_in(package: str, error: BaseException | None) -> bool:
    """Whether an error, or one that it came from, was raised in a package or in what the package called."""
    if error is None:
        return False
    modules = [frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__)]
    within = any(module.split(".")[0] == package for module in modules)
    return within or raised_in(package, error.__cause__ or error.__context__)


def changed_in(backend: str) -> Iterator[tuple[Experiment, float]]:
    """The experiments in which a backend is not the PyTorch twin, and by how much."""
    for experiment, (clean, truth) in zip(coverage(), references(), strict=True):
        start = draw(experiment)
        given_back = receives(backend, start, "float64")
        size = further(_computed(backend, start), clean, truth, "float64") if given_back else inf
        if size > ROUNDING:
            yield experiment, size


def failed_check(backend: str) -> str:
    """The first check of the conformance suite that a backend fails in float64."""
    for case in cases(registry.load(backend)):
        for check in CHECKS if case.dtype == "float64" else ():
            try:
                check(case)
            except Exception:
                return check.__name__
    return ""


def references() -> list[tuple[Groups, Groups]]:
    """What the PyTorch twin and the oracle compute in each experiment: every mutant needs them."""
    return parts.once("references", _references)


def _references() -> list[tuple[Groups, Groups]]:
    with oracle():
        starts = [draw(experiment) for experiment in coverage()]
        return [(_computed("torch", start), _computed("numpy", start)) for start in starts]


def _computed(backend: str, start: Start) -> Groups:
    return computed(backend, start, "float64", REPLICAS)
