"""One network timed: the reference warm in a process of its own, and each contender in turns with it."""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import median

from parity.bench.phases import phases_of, steps_to_target, with_phases
from parity.contender import Contender
from parity.records import table_of
from parity.start import Start
from parity.throughput.audit import FLOOR, Audit, audit
from parity.throughput.limit import Limit, limit_of
from parity.throughput.process import TimingError, Worker
from parity.throughput.rows import Row
from parity.throughput.statistics import interval_of, ratio_of
from parity.throughput.steady import Pairs, Warm, clock_of, first_steps, interleaved, read


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


class Timing:
    """What is measured once for all contenders of a network, each when it is first asked for."""

    def __init__(self, start: Start, reference: Contender, options: Options) -> None:
        self._start, self._reference, self._options = start, reference, options
        self._open = ExitStack()
        self._workers: dict[str, Worker] = {}
        self._row_of_reference: Row | None = None

    def __enter__(self) -> "Timing":
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @cached_property
    def limit(self) -> Limit | None:
        """What the machine could do."""
        config, rows = self._start.config, self._start.experiment.batch_rows
        return limit_of(config, rows, self._reference.dtype, self._options.threads)

    @cached_property
    def noise(self) -> Audit:
        """Of the reference against itself, in a second process."""
        again = self._warm(self._reference)
        pairs = interleaved(again.sample, self._theirs.sample, self._options.pairs)
        return audit(pairs, clock_of(self._reference, self._options.threads), again.threads())

    def row(self, bare: Row, contender: Contender, before: Row | None) -> Row:
        """The row with its figures; void where the process failed, or saw other bytes.

        `before` is the reference's own row, where that was measured earlier.
        """
        try:
            row = self._steady(bare, contender)
            if self._options.phases:
                phases = phases_of(contender, self._start, self._options.threads)
                row = with_phases(row, phases, self._start, self._to_target, self._row_of_reference or before)
        except TimingError as error:
            return replace(bare, void=str(error))
        if contender == self._reference:
            self._row_of_reference = row
        return row

    def _steady(self, bare: Row, contender: Contender) -> Row:
        noise, ours = self.noise, self._warm(contender)
        pairs = interleaved(ours.sample, self._theirs.sample, self._options.pairs)
        models = 1.0 / (self._start.config.steps * ours.replica_seconds())
        row = with_pairs(bare, pairs, clock_of(contender, self._options.threads))
        if contender == self._reference:
            row = replace(row, ratio=None, ratio_interval=None, equal_within=None, pairs=0)
        else:
            row = replace(row, reference=str(self._reference))
        return replace(
            with_limit(row, self.limit),
            models_per_second=models,
            noise=noise.floor,
            unpublishable=tuple(noise.marks(self._options.floor)),
            audit=dict(vars(noise)),
        )

    @cached_property
    def _theirs(self) -> Warm:
        """The reference, in a process that times nothing else."""
        return Warm(self._reference, self._started(self._reference.backend), first_steps(self._start))

    def _warm(self, contender: Contender) -> Warm:
        """A contender, in the process of its framework."""
        if contender.backend not in self._workers:
            self._workers[contender.backend] = self._started(contender.backend)
        return Warm(contender, self._workers[contender.backend], first_steps(self._start))

    def _started(self, backend: str) -> Worker:
        worker = Worker(backend, table_of(self._start.experiment), threads=self._options.threads)
        self._open.callback(worker.close)
        if worker.hashes != dict(self._start.hashes):
            raise TimingError(f"{backend} started from other bytes in its own process, so its speed is void")
        return worker

    @cached_property
    def _to_target(self) -> int | None:
        return steps_to_target(self._start, self._reference)


def with_pairs(row: Row, pairs: Pairs, clock: str) -> Row:
    """The row with seconds a step, and the ratio to the reference."""
    ours, theirs = read(pairs.ours, clock), read(pairs.theirs, clock)
    ratio = ratio_of(ours, theirs)
    seconds = median(ours)
    return replace(
        row,
        clock=clock,
        seconds_per_step=seconds,
        interval=interval_of(ours),
        samples=tuple(ours),
        steps_per_second=1.0 / seconds,
        rows_per_second=row.batch_size / seconds,
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
