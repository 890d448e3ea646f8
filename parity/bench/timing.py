"""One network timed: all contenders in the same turns, each in a process of its own, and the reference in two."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from statistics import median
from uuid import uuid4

from parity.bench.phases import phases_of, steps_to_target, with_phases
from parity.contender import Contender
from parity.start import Start
from parity.throughput.audit import FLOOR, Audit, audit
from parity.throughput.limit import Limit, limit_of
from parity.throughput.process import TimingError, Workers
from parity.throughput.rows import Row
from parity.throughput.statistics import interval_of, ratio_of
from parity.throughput.steady import Samples, Warm, clock_of, first_steps, in_turns, read

Step = Callable[[], None]


@dataclass(frozen=True)
class Options:
    """How it is timed."""

    threads: int = 1
    """Cores that each process is pinned to."""
    pairs: int = 10
    """Samples of each contender, in turns with as many of the reference."""
    most_pairs: int = 10
    """Up to so many, while the noise is above the floor."""
    floor: float = FLOOR
    """Noise of the machine above which its figures are marked, as a share."""
    phases: bool = True
    """Measure what comes before the steady state too, and many models at once: what a whole run is made of."""

    def parts(self, contenders: int) -> int:
        """How many parts of the work `Timing.rows` tells of."""
        return 2 * contenders + self.pairs


@dataclass(frozen=True)
class Turns:
    """Samples that were taken side by side."""

    name: str
    of: Mapping[Contender, Samples]
    reference: Samples
    noise: Audit
    """Of the reference against itself, in a second process."""


class Timing:
    """What is measured of one network, in processes that may have timed others before.

    A process that has compiled in PyTorch runs the rest of PyTorch a few percent slower: no contender shares one.
    """

    def __init__(self, start: Start, reference: Contender, options: Options, workers: Workers) -> None:
        self._start, self._reference, self._options = start, reference, options
        self._workers = workers
        self._warm = cache(self._warmed)
        self._steps_to_target = cache(partial(steps_to_target, start, reference))

    def rows(self, bare: Mapping[Contender, Row], before: Row | None, step: Step) -> Iterator[Row]:
        """The rows with their figures as they are ready; void where a process failed, or saw other bytes.

        `before` is the reference's own row, where that was measured earlier; `step` is called after each part of the work.
        """
        voids: dict[Contender, str] = {}
        for contender in bare:
            try:
                self._warm(contender)
            except TimingError as error:
                voids[contender] = str(error)
            step()
        try:
            turns = self._turns([contender for contender in bare if contender not in voids], step)
        except TimingError as error:
            voids = dict.fromkeys(bare, str(error)) | voids
        for contender, row in bare.items():
            try:
                row = (
                    replace(row, void=voids[contender])
                    if contender in voids
                    else self._row(row, contender, turns, before)
                )
            except TimingError as error:
                row = replace(row, void=str(error))
            yield row
            before = row if contender == self._reference else before
            step()

    def _turns(self, contenders: list[Contender], step: Step) -> Turns:
        """The reference's two processes begin and end a round, so that the noise is that of the largest distance in time."""
        others = [contender for contender in contenders if contender != self._reference]
        warm = [self._warm(self._reference), *map(self._warm, others), self._warm(self._reference, "again")]
        samples = in_turns([each.sample for each in warm], self._options.pairs, lambda round: step())
        # Whether more are taken is told by the reference alone, so that it does not depend on who is ahead.
        while (noise := self._audit(samples, warm[0])).floor > self._options.floor and self._may_go_on(samples):
            more = in_turns([each.sample for each in warm], self._options.pairs)
            samples = [one + other for one, other in zip(samples, more, strict=True)]
        theirs, *ours, _ = samples
        return Turns(uuid4().hex, {self._reference: theirs, **dict(zip(others, ours, strict=True))}, theirs, noise)

    def _audit(self, samples: list[Samples], theirs: Warm) -> Audit:
        return audit(samples[-1], samples[0], clock_of(self._reference, self._options.threads), theirs.threads())

    def _may_go_on(self, samples: list[Samples]) -> bool:
        return len(samples[0]) + self._options.pairs <= self._options.most_pairs

    def _row(self, bare: Row, contender: Contender, turns: Turns, before: Row | None) -> Row:
        row = with_samples(bare, turns.of[contender], clock_of(contender, self._options.threads))
        if contender != self._reference:
            row = with_ratio(replace(row, reference=str(self._reference)), turns.reference)
        row = replace(
            with_limit(row, self._limit),
            turns=turns.name,
            noise=turns.noise.floor,
            unpublishable=tuple(turns.noise.marks(self._options.floor)),
            audit=dict(vars(turns.noise)),
        )
        if not self._options.phases:
            return row
        phases = phases_of(contender, self._start, self._options.threads)
        models = 1.0 / (self._start.config.steps * self._warm(contender).replica_seconds())
        to_target = self._steps_to_target(median(read(turns.reference, row.clock)))
        return with_phases(replace(row, models_per_second=models), phases, self._start, to_target, before)

    def _warmed(self, contender: Contender, role: str = "contender") -> Warm:
        worker = self._workers.of((contender, role), contender.backend, self._start)
        return Warm(contender, worker, first_steps(self._start))

    @cached_property
    def _limit(self) -> Limit | None:
        """What the machine could do."""
        config, rows = self._start.config, self._start.experiment.batch_rows
        return limit_of(config, rows, self._reference.dtype, self._options.threads)


def with_samples(row: Row, samples: Samples, clock: str) -> Row:
    """The row with seconds a step."""
    ours = read(samples, clock)
    seconds = median(ours)
    return replace(
        row,
        clock=clock,
        seconds_per_step=seconds,
        interval=interval_of(ours),
        samples=tuple(ours),
        steps_per_second=1.0 / seconds,
        rows_per_second=row.batch_size / seconds,
    )


def with_ratio(row: Row, reference: Samples) -> Row:
    """The row with the ratio to the reference's samples, by the clock of the row."""
    ratio = ratio_of(row.samples, read(reference, row.clock))
    return replace(
        row,
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
        matmul_rate=limit.matmul_rate,
        copy_rate=limit.copy_rate,
        limit_seconds=limit.seconds_per_step,
        limit_ratio=row.seconds_per_step / limit.seconds_per_step,
        rate_share=limit.flops / row.seconds_per_step / limit.matmul_rate,
    )
