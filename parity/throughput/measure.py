"""Steps per second of several contenders: a fresh process a framework, one core, rounds interleaved forwards and backwards."""

from collections.abc import Sequence
from contextlib import ExitStack
from statistics import median
from typing import Literal

from parity.contender import Contender
from parity.progress import Done
from parity.result import Throughput
from parity.start import Start
from parity.throughput.process import Worker
from parity.throughput.steady import Samples, Warm, first_steps, in_turns, read

ROUNDS = 6


def measure(contenders: Sequence[Contender], start: Start, done: Done) -> dict[str, Throughput]:
    """Throughput by contender; TimingError where one can't be timed or starts from other bytes than `start`."""
    with ExitStack() as open_workers:
        names = dict.fromkeys(contender.backend for contender in contenders)
        workers = {name: open_workers.enter_context(Worker(name, start)) for name in names}
        warm = []
        for contender in contenders:
            warm.append(Warm(contender, workers[contender.backend], first_steps(start)))
            done(len(warm))
        rounds = in_turns([each.sample for each in warm], ROUNDS, lambda number: done(len(warm) + number))
    return {str(each.contender): _throughput(each, samples) for each, samples in zip(warm, rounds, strict=True)}


def _throughput(contender: Warm, samples: Samples) -> Throughput:
    rates = [1.0 / each for each in read(samples, "wall")]
    cache: Literal["cold", "warm"] = "warm" if contender.was_kept else "cold"
    return Throughput(median(rates), (min(rates), max(rates)), contender.compile_seconds, cache)
