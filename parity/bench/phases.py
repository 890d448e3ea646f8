"""What comes before the steady state, and what it means for a whole run."""

from dataclasses import replace
from math import ceil, log2
from pathlib import Path
from tempfile import TemporaryDirectory

from parity import registry
from parity.accuracy import accuracy
from parity.compiled import kept_in
from parity.contender import Contender
from parity.ladder.plan import evaluated_at
from parity.start import Start
from parity.throughput.process import Worker
from parity.throughput.rows import Phases, Row
from parity.throughput.steady import first_steps
from parity.throughput.worker import repeated

TARGET_STEPS, TARGET_SECONDS = 20_000, 20.0
"""Steps, and seconds of them, within which the target accuracy is looked for."""


def phases_of(contender: Contender, start: Start, threads: int) -> Phases:
    """Measured in two fresh processes, the first of which finds nothing compiled, and the second what the first has left."""
    with TemporaryDirectory(prefix="parity-") as folder:
        cold, warm = (_of_a_process(contender, start, threads, folder) for _ in range(2))
    return replace(cold, warm_compile_seconds=warm.compile_seconds)


def with_phases(row: Row, phases: Phases, start: Start, to_target: int | None, reference: Row | None) -> Row:
    """The row with its phases, and the whole run that they and the steady state add up to; so to the target, if reached."""
    assert row.seconds_per_step is not None
    seconds = row.seconds_per_step
    before = before_the_first(phases)
    row = replace(
        row,
        phases=phases,
        compile_seconds=phases.compile_seconds,
        whole_seconds=before + start.config.steps * seconds,
        target_seconds=None if to_target is None else before + to_target * seconds,
    )
    if reference is None or reference.phases is None or row.ratio is None:
        return row
    later, saved = before - before_the_first(reference.phases), seconds / row.ratio - seconds
    return replace(row, break_even_steps=max(0, ceil(later / saved))) if saved > 0 else row


def steps_to_target(start: Start, reference: Contender, seconds_per_step: float) -> int | None:
    """Steps to the target accuracy, which all that are equivalent take alike; None where it is not reached soon."""
    trainer = registry.load(reference.backend).trainer(
        start.config, device=reference.device, mode=reference.mode, dtype=reference.dtype
    )
    state, train, held_out = start.cast(reference.dtype)
    trainer.set_state(state)
    # A power of two: how fast the machine is today must not tell how far is looked.
    most = min(TARGET_STEPS, 2 ** round(log2(max(1.0, TARGET_SECONDS / seconds_per_step))))
    order = repeated(start.order, min(start.order.steps, most))
    steps = evaluated_at(order.steps, *held_out.targets.shape)
    history = trainer.fit(train, order, evaluate=held_out.inputs, evaluate_at=steps)
    return accuracy(start, history, steps, start.experiment.target_r2).steps_to_target


def before_the_first(phases: Phases) -> float:
    """Seconds until training begins, nothing having been compiled before."""
    return phases.import_seconds + phases.transfer_seconds + phases.compile_seconds


def _of_a_process(contender: Contender, start: Start, threads: int, folder: str) -> Phases:
    with Worker(contender.backend, start, threads, kept_in(Path(folder))) as worker:
        return worker.phases(contender, first_steps(start))
