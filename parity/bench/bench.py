"""One network after the other: prove, audit, time in turns, and append a row a contender."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from parity import registry
from parity.accuracy import accuracy
from parity.bench.field import network_of, unusable
from parity.bench.phases import phases_of, with_phases
from parity.bench.proof import proven
from parity.contender import Contender
from parity.environment import describe
from parity.experiment import Experiment
from parity.ladder.plan import evaluated_at
from parity.progress import Watcher
from parity.records import table_of
from parity.start import Start, draw
from parity.throughput.audit import FLOOR, Audit, audit, load
from parity.throughput.limit import Limit, limit_of
from parity.throughput.measure import first_steps
from parity.throughput.process import TimingError, Worker
from parity.throughput.rows import SCHEMA, Row, append, read_rows
from parity.throughput.statistics import interval_of, ratio_of
from parity.throughput.steady import Pairs, Warm, clock_of, interleaved, read
from parity.throughput.worker import repeated

IDIOMATIC = "idiomatic"
TARGET_STEPS = 20_000
"""Steps within which the target accuracy is looked for."""


@dataclass(frozen=True)
class Options:
    """How it is timed."""

    threads: int = 1
    """Cores that each process is pinned to."""
    pairs: int = 10
    """Samples of each contender, in turns with as many of the reference."""
    floor: float = FLOOR
    """Noise of the machine above which its figures are marked, as a share."""
    phases: bool = True
    """Measure what comes before the steady state too: import, transfer, compiling cold and warm, memory."""


class Bench:
    """Timings that go on where they were ended: what stands in the file is not measured again."""

    def __init__(self, path: Path, options: Options, watcher: Watcher, again: bool = False) -> None:
        self._path = path
        self._options = options
        self._watcher = watcher
        self._known = {} if again or not path.exists() else {row.key: row for row in read_rows(path)}
        self._audits: dict[Contender, Audit] = {}
        self._steps: dict[Experiment, int | None] = {}

    def rows(self, experiment: Experiment, contenders: Sequence[Contender], reference: Contender) -> list[Row]:
        """A row a contender, the reference in front."""
        start = draw(experiment)
        asked = list(dict.fromkeys([reference, *contenders]))
        environment = describe(contender.backend for contender in asked)
        keys = {contender: self._key(start, contender, reference, environment) for contender in asked}
        missing = [contender for contender in asked if keys[contender] not in self._known]
        if missing:
            for row in self._measured(start, missing, reference, environment, keys):
                append(self._path, [row])
                self._known[row.key] = row
        return [self._known[keys[contender]] for contender in asked if keys[contender] in self._known]

    def _key(self, start: Start, contender: Contender, reference: Contender, environment: dict[str, str]) -> str:
        asked = [str(contender), str(reference), repr(self._options), table_of(start.experiment), environment]
        return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()

    def _measured(
        self,
        start: Start,
        contenders: Sequence[Contender],
        reference: Contender,
        environment: dict[str, str],
        keys: dict[Contender, str],
    ) -> Iterator[Row]:
        """Rows as they are measured; those that can't be are void, each with its reason."""
        reasons = {contender: unusable(contender, start.config) for contender in contenders}
        usable = [contender for contender in contenders if not reasons[contender]]
        reasons |= proven(start.experiment, reference, usable, self._watcher)
        with self._watcher.task("the machine's limit", 1):
            limit = limit_of(start.config, start.experiment.batch_rows, reference.dtype, self._options.threads)
        with self._watcher.task(f"timing {start.experiment.problem} {told(start)}", len(contenders)) as done:
            for number, contender in enumerate(contenders, start=1):
                bare = self._bare(start, contender, environment, keys[contender], reasons[contender])
                yield bare if bare.void else self._timed(bare, start, contender, reference, limit)
                done(number)

    def _bare(self, start: Start, contender: Contender, environment: dict[str, str], key: str, void: str) -> Row:
        config = start.config
        return Row(
            schema=SCHEMA,
            key=key,
            when=datetime.now(UTC).isoformat(timespec="seconds"),
            backend=contender.backend,
            mode=contender.mode,
            class_="idiomatic" if contender.mode == IDIOMATIC else "tuned",
            device=contender.device,
            dtype=contender.dtype,
            threads=self._options.threads,
            network=network_of(start.experiment),
            widths=(config.inputs, *config.model.hidden, config.outputs),
            batch_size=start.experiment.batch_rows,
            void=void,
            environment={**environment, "load": f"{load():.2f}"},
        )

    def _timed(self, row: Row, start: Start, contender: Contender, reference: Contender, limit: Limit | None) -> Row:
        """The row with its figures; void where the process failed or saw other bytes."""
        try:
            noise = self._audit(start, reference)
            pairs, models = self._pairs(start, contender, reference)
            phases = phases_of(contender, start, self._options.threads) if self._options.phases else None
        except TimingError as error:
            return replace(row, void=str(error))
        row = with_steady(row, pairs, clock_of(contender, self._options.threads), reference, contender != reference)
        row = replace(
            with_limit(row, limit),
            models_per_second=models,
            noise=noise.floor,
            unpublishable=tuple(noise.marks(self._options.floor)),
            audit=dict(vars(noise)),
        )
        if phases is None:
            return row
        return with_phases(
            row, phases, start, self._steps_to_target(start, reference), self._reference_row(row, reference)
        )

    def _reference_row(self, row: Row, reference: Contender) -> Row | None:
        """What was measured of the reference on the same network; it is the first to be timed."""
        rows = [known for known in self._known.values() if known.cell == row.cell]
        return next((known for known in reversed(rows) if known.contender == str(reference)), None)

    def _steps_to_target(self, start: Start, reference: Contender) -> int | None:
        """Steps to the target accuracy, which all that are equivalent take alike; None where it is not reached soon."""
        if start.experiment not in self._steps:
            trainer = registry.load(reference.backend).trainer(
                start.config, device=reference.device, mode=reference.mode, dtype=reference.dtype
            )
            state, train, held_out = start.cast(reference.dtype)
            trainer.set_state(state)
            order = repeated(start.order, min(start.order.steps, TARGET_STEPS))
            steps = evaluated_at(order.steps, *held_out.targets.shape)
            history = trainer.fit(train, order, evaluate=held_out.inputs, evaluate_at=steps)
            self._steps[start.experiment] = accuracy(start, history, steps, start.experiment.target_r2).steps_to_target
        return self._steps[start.experiment]

    def _audit(self, start: Start, reference: Contender) -> Audit:
        """Of the reference against itself, once."""
        if reference not in self._audits:
            with self._warm(start, reference) as ours, self._warm(start, reference) as theirs:
                pairs = interleaved(ours.sample, theirs.sample, self._options.pairs)
                self._audits[reference] = audit(pairs, clock_of(reference, self._options.threads), ours.threads())
        return self._audits[reference]

    def _pairs(self, start: Start, contender: Contender, reference: Contender) -> tuple[Pairs, float]:
        """Samples in turns, and how many whole runs a second are trained where several are asked for at once."""
        with self._warm(start, contender) as ours, self._warm(start, reference) as theirs:
            pairs = interleaved(ours.sample, theirs.sample, self._options.pairs)
            return pairs, 1.0 / (start.config.steps * ours.replica_seconds())

    @contextmanager
    def _warm(self, start: Start, contender: Contender) -> Iterator[Warm]:
        with ExitStack() as stack:
            worker = Worker(contender.backend, table_of(start.experiment), threads=self._options.threads)
            stack.callback(worker.close)
            if worker.hashes != dict(start.hashes):
                raise TimingError(f"{contender} started from other bytes in its own process, so its speed is void")
            yield Warm(contender, worker, first_steps(start))


def with_steady(row: Row, pairs: Pairs, clock: str, reference: Contender, compared: bool) -> Row:
    """The row with seconds a step, and the ratio to the reference where it is not the reference itself."""
    ours, theirs = read(pairs.ours, clock), read(pairs.theirs, clock)
    ratio = ratio_of(ours, theirs)
    low, high = interval_of(ours)
    seconds = sorted(ours)[len(ours) // 2]
    row = replace(
        row,
        clock=clock,
        seconds_per_step=seconds,
        interval=(low, high),
        samples=tuple(ours),
        steps_per_second=1.0 / seconds,
        rows_per_second=row.batch_size / seconds,
    )
    if not compared:
        return row
    return replace(
        row,
        reference=str(reference),
        ratio=ratio.value,
        ratio_interval=(ratio.low, ratio.high),
        equal_within=ratio.equal_within,
        pairs=ratio.pairs,
    )


def with_limit(row: Row, limit: Limit | None) -> Row:
    """The row with its distance to the limit of the machine; without where that is another device's, or not known."""
    if row.seconds_per_step is None or row.device != "cpu" or limit is None:
        return row
    return replace(
        row,
        limit=f"{limit.kind} {limit.flags}".strip(),
        limit_seconds=limit.seconds_per_step,
        limit_ratio=row.seconds_per_step / limit.seconds_per_step,
        rate_share=limit.flops / row.seconds_per_step / limit.matmul_rate,
    )


def told(start: Start) -> str:
    """A network's size in few letters."""
    widths = (start.config.inputs, *start.config.model.hidden, start.config.outputs)
    return f"{'-'.join(map(str, widths))}, batch {start.experiment.batch_rows}"
