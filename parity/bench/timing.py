"""One network timed: all contenders in the same turns, each in a process of its own, and the reference in several."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from statistics import median
from uuid import uuid4

from parity.bench.phases import phases_of, steps_to_target, with_phases
from parity.bench.warming import Warming
from parity.contender import Contender
from parity.start import Start
from parity.throughput.audit import FLOOR, PROCESSES, Audit, audit
from parity.throughput.conditions import together
from parity.throughput.limit import Limit, limit_of
from parity.throughput.process import Seconds, TimingError
from parity.throughput.rows import Row
from parity.throughput.statistics import interval_of, ratio_of, rounds_needed
from parity.throughput.steady import Samples, clock_of, in_turns, mean_of, read

Step = Callable[[], None]
Sampler = Callable[[], Seconds]
CLOCKS = ("cpu", "wall")


@dataclass(frozen=True)
class Options:
    """How it is timed."""

    threads: int = 1
    """Cores that each process is pinned to."""
    pairs: int = 10
    """Rounds, each with a sample of every contender; an even number."""
    most_pairs: int = 0
    """Up to so many, until what is seen to differ by the floor is told."""
    floor: float = FLOOR
    """Noise of the machine above which its figures are marked, as a share."""
    phases: bool = True
    """Measure what comes before the steady state too, and many models at once: what a whole run is made of."""

    def parts(self, contenders: int) -> int:
        """How many parts of the work `Timing.rows` tells of."""
        return 2 * contenders + self.most_rounds

    @property
    def most_rounds(self) -> int:
        """That are taken where none fewer do."""
        return max(self.pairs, 2 * (self.most_pairs // 2))

    def rounds_left(self, references: Sequence[Sequence[float]], others: Sequence[Sequence[float]]) -> int:
        """How many more it takes until what is seen to differ by the floor is told.

        Told once, from how widely the first rounds lie (after Stein 1945, doi 10.1214/aoms/1177731088): whoever looks again and
        again finds what he looks for by luck.
        """
        return rounds_needed(references, others, self.floor, self.most_rounds) - self.pairs


@dataclass(frozen=True)
class Turns:
    """Samples that were taken side by side."""

    name: str
    of: Mapping[Contender, Samples]
    """The reference's are the means of its processes."""
    noise: Mapping[str, Audit]
    """By clock: of the reference against itself."""
    limits: Mapping[str, Limit]
    """By dtype what the machine could do: of a loop in C the better of what it did before and behind."""


class LostError(TimingError):
    """A process of a contender, both of which it names, could not be sampled."""

    def __init__(self, contender: Contender, number: int, why: str) -> None:
        super().__init__(why)
        self.contender, self.number = contender, number


@contextmanager
def naming(contender: Contender, number: int = 0) -> Iterator[None]:
    """What fails inside is of this process of a contender."""
    try:
        yield
    except TimingError as error:
        raise LostError(contender, number, str(error)) from None


class Timing:
    """What is measured of one network, in processes that may have timed others before.

    A process that has compiled in PyTorch runs the rest of PyTorch a few percent slower: no contender shares one.
    """

    def __init__(self, start: Start, reference: Contender, options: Options, warming: Warming) -> None:
        self._start, self._reference, self._options = start, reference, options
        self._warming = warming
        self._processes = list(range(PROCESSES))
        self._steps_to_target = cache(partial(steps_to_target, start, reference))

    def begin(self, contenders: Sequence[Contender]) -> None:
        """Have them get warm in the background, behind the reference, where there are any."""
        for number in self._processes if contenders else ():
            self._warming.begin(self._reference, number)
        for contender in contenders:
            self._warming.begin(contender)

    def rows(self, bare: Mapping[Contender, Row], before: Row | None, step: Step) -> Iterator[Row]:
        """The rows with their figures as they are ready; void where a process failed, or saw other bytes.

        `before` is the reference's own row, where that was measured earlier; `step` is called after each part of the work.
        """
        self._warming.leave({self._reference, *bare})
        voids: dict[Contender, str] = {}
        for contender in bare:
            try:
                self._warming.warm(contender)
            except TimingError as error:
                voids[contender] = str(error)
            step()
        turns = self._turns(bare, voids, step)
        for contender, row in bare.items():
            if contender != self._reference:
                row = replace(row, reference=str(self._reference))
            try:
                timed = None if turns is None or contender in voids else self._row(row, contender, turns, before)
                row = timed or replace(row, void=voids[contender])
            except TimingError as error:
                row = replace(row, void=str(error))
            yield row
            before = row if contender == self._reference else before
            step()

    def _turns(self, bare: Iterable[Contender], voids: dict[Contender, str], step: Step) -> Turns | None:
        """Samples of all that are not void; one that is lost on the way becomes so, and the others begin anew.

        The reference may lose all of its further processes but one: the noise of two can still be told.
        """
        while contenders := [contender for contender in bare if contender not in voids]:
            try:
                return self._sampled(contenders, step)
            except LostError as error:
                if error.number and len(self._processes) > 2:
                    self._processes.remove(error.number)
                else:
                    lost = contenders if error.contender == self._reference else [error.contender]
                    voids |= dict.fromkeys(lost, str(error))
        return None

    def _sampled(self, contenders: list[Contender], step: Step) -> Turns:
        """Samples of each, and of all processes of the reference."""
        reference, options, dtypes = self._reference, self._options, {contender.dtype for contender in contenders}
        others = [contender for contender in contenders if contender != reference]
        references = [self._sampler(reference, number) for number in self._processes]
        before = self._limits(dtypes)
        clocks = {clock_of(contender, options.threads) for contender in (reference, *others)}
        # Where others use the machine the wall's times lie wider: that clock asks for as many rounds as any.
        clock = "wall" if "wall" in clocks else "cpu"
        theirs, ours = sampled(references, [self._sampler(other) for other in others], options, clock, step)
        behind = self._limits(dtypes)
        return Turns(
            name=uuid4().hex,
            of={reference: mean_of(theirs), **dict(zip(others, ours, strict=True))},
            noise={clock: audit(theirs, clock) for clock in CLOCKS},
            limits={name: min(before[name], behind[name], key=lambda limit: limit.seconds_per_step) for name in dtypes},
        )

    def _sampler(self, contender: Contender, number: int = 0) -> Sampler:
        """What takes a sample of it, warm."""
        with naming(contender, number):
            warm = self._warming.warm(contender, number)

        def sample() -> Seconds:
            with naming(contender, number):
                return warm.sample()

        return sample

    def _row(self, bare: Row, contender: Contender, turns: Turns, before: Row | None) -> Row:
        clock, theirs = clock_of(contender, self._options.threads), turns.of[self._reference]
        row, noise = with_samples(bare, turns.of[contender], clock), turns.noise[clock]
        beside = together([each.conditions for one in {contender, self._reference} for each in turns.of[one]])
        if contender != self._reference:
            row = with_ratio(row, theirs)
        row = replace(
            with_limit(row, turns.limits[contender.dtype]),
            turns=turns.name,
            noise=noise.noise,
            unpublishable=(*noise.marks(self._options.floor), *beside.marks()),
            audit=dict(vars(noise)),
        )
        if not self._options.phases:
            return row
        phases = phases_of(contender, self._start, self._options.threads)
        models = 1.0 / (self._start.config.steps * self._warming.warm(contender).replica_seconds())
        to_target = self._steps_to_target(median(read(theirs, clock_of(self._reference, self._options.threads))))
        return with_phases(replace(row, models_per_second=models), phases, self._start, to_target, before)

    def _limits(self, dtypes: Iterable[str]) -> dict[str, Limit]:
        config, rows = self._start.config, self._start.experiment.batch_rows
        return {dtype: limit_of(config, rows, dtype, self._options.threads) for dtype in dtypes}


def sampled(
    references: Sequence[Sampler], others: Sequence[Sampler], options: Options, clock: str, step: Step = lambda: None
) -> tuple[list[Samples], list[Samples]]:
    """Samples of the processes of the reference and of others, in as many rounds as it takes to tell them apart."""
    samplers, processes = [*references, *others], len(references)
    first = in_turns(samplers, options.pairs, lambda number: step())
    seconds = [read(samples, clock) for samples in first]
    left = options.rounds_left(seconds[:processes], seconds[processes:])
    more = in_turns(samplers, left, lambda number: step())
    for _ in range(options.pairs + left, options.most_rounds):
        step()  # A round that it did not take.
    samples = [some + others for some, others in zip(first, more, strict=True)]
    return samples[:processes], samples[processes:]


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
        conditions=tuple(each.conditions for each in samples),
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


def with_limit(row: Row, limit: Limit) -> Row:
    """The row with its distance to the limit of the machine's CPU; without on another device."""
    if row.seconds_per_step is None or row.device != "cpu":
        return row
    return replace(
        row,
        limit=f"{limit.kind}: {limit.flags or limit.reason}",
        matmul_rate=limit.matmul_rate,
        copy_rate=limit.copy_rate,
        limit_seconds=limit.seconds_per_step,
        limit_ratio=row.seconds_per_step / limit.seconds_per_step,
        rate_share=limit.flops / row.seconds_per_step / limit.matmul_rate,
    )
