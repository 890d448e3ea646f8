"""A watched training as a setup, with the faults that were found in it, and what takes each of them away."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from parity.contract import SGD, Adam, Constant, Cosine, Exponential, Loss, Schedule
from parity.diagnose.changes import Change
from parity.diagnose.finding import Finding
from parity.diagnose.network import Floats
from parity.diagnose.program import Program
from parity.diagnose.setup import Setup, optimizer_of


@dataclass(frozen=True)
class Repair:
    """What mends a fault in a setup."""

    name: str
    apply: Callable[[Setup], Setup]


def _updated(setup: Setup) -> Setup:
    return replace(setup, updates=True, still=frozenset())


def _redrawn(setup: Setup) -> Setup:
    return replace(setup, redraw=True)


REPAIRS = {
    "non-finite-data": Repair("rows that are finite", lambda s: replace(s, finite=True)),
    "missing-backward": Repair("backward", _updated),
    "missing-optimizer-step": Repair("the optimizer's step", _updated),
    "optimizer-not-attached": Repair("all parameters in the optimizer", _updated),
    "frozen-parameters": Repair("no frozen parameters", _updated),
    "detached-graph": Repair("an uncut graph", _updated),
    "graph-not-rebuilt": Repair("a graph made anew", _updated),
    "updates-lost-in-jit": Repair("updates that are kept", _updated),
    "target-shape-broadcast": Repair("target shape", lambda s: replace(s, paired=True)),
    "missing-zero-grad": Repair("zero_grad", lambda s: replace(s, accumulate=False)),
    "wrong-loss": Repair("another loss", lambda s: replace(s, misled=False, factor=abs(s.factor))),
    "output-range": Repair("no activation behind the last layer", lambda s: replace(s, bare_output=True)),
    "batch-norm-units": Repair("inputs scaled", lambda s: replace(s, scale_inputs=True)),
    "dead-units": Repair("fresh initial weights", _redrawn),
    "saturated-units": Repair("fresh initial weights", _redrawn),
}
STOPPED = frozenset(code for code, repair in REPAIRS.items() if repair.apply is _updated)
# These may stop some parameters, while the others go on.
OF_PARTS = frozenset({"optimizer-not-attached", "frozen-parameters", "detached-graph"})
# Where another change does as well, or all is well anyhow, these are consequences and no causes.
SOFT = frozenset({"dead-units", "saturated-units", "constant-input", "batch-norm-units", "output-range"})
# What is only worth a look in a program that has learned all that its rows tell: meant so, it seems.
MEANT = frozenset({"frozen-parameters", "detached-graph", "optimizer-not-attached", "graph-not-rebuilt"})
# What no other way of training mends.
BEYOND = frozenset({"inputs-targets-misaligned", "value-frozen-at-trace"})


def repair(finding: Finding) -> Change:
    """The change that mends what was found."""
    mends = REPAIRS[finding.code]
    return Change(mends.name, finding.code, mends.apply)


def captured(program: Program, found: Sequence[Finding]) -> Setup | None:
    """The training as the program does it, with the faults that were found; None where its rows were not seen."""
    rows, codes = program.rows, {finding.code for finding in found}
    if rows is None:
        return None
    loss, factor = _loss(program, misled="wrong-loss" in codes)
    peak = max((step.learning_rate for step in program.steps if step.learning_rate), default=None)
    optimizer = optimizer_of(program.training.optimizer, peak)
    if optimizer is None:
        optimizer = Adam(learning_rate=peak or 1e-3) if program.training.optimizer else SGD(learning_rate=1e-2)
    stopped = codes & STOPPED
    still = frozenset(p.name for p in program.parameters if not p.moved)
    in_part = stopped <= OF_PARTS and 0 < len(still) < len(program.parameters)
    return Setup(
        optimizer,
        loss,
        batch=None if program.batch_rows >= len(rows.inputs) else max(1, program.batch_rows),
        steps=max(1, program.updates),
        paired=not program.broadcast,
        updates=in_part or not stopped,
        still=still if stopped and in_part else frozenset(),
        finite="non-finite-data" not in codes,
        accumulate="missing-zero-grad" in codes,
        misled="wrong-loss" in codes,
        factor=factor,
        schedule=schedule_of(program),
    )


def _loss(program: Program, misled: bool) -> tuple[Loss, float]:
    """The loss and what it is multiplied by; of the usual kind where the program's own is wrong or has no name here."""
    if program.classes and not misled:
        return Loss("cross_entropy"), 1.0
    found = program.loss
    if misled or found is None or found.loss is None:
        return Loss("mse"), 1.0
    return found.loss, found.factor


def schedule_of(program: Program) -> Schedule:
    """The schedule that comes nearest to the rates that were seen."""
    seen = [(step.number, step.learning_rate) for step in program.steps if step.learning_rate]
    if len(seen) < 3 or len({rate for _, rate in seen}) == 1:
        return Constant()
    numbers, rates = np.array(seen, float).T
    multiples, steps = rates / rates.max(), max(program.updates, 2)
    end = float(multiples[-1])
    decay = end ** (1 / max(numbers[-1], 1))
    forms: list[tuple[Schedule, Floats]] = [
        (Constant(), np.ones_like(multiples)),
        (Cosine(end), end + (1 - end) * (1 + np.cos(np.pi * numbers / steps)) / 2),
        (Exponential(decay), decay**numbers),
    ]
    return min(forms, key=lambda form: float(np.abs(np.log(np.maximum(form[1], 1e-9) / multiples)).sum()))[0]
