"""Steps per second of several contenders: a fresh process a framework, one core, rounds interleaved forwards and backwards."""

from collections.abc import Sequence
from contextlib import ExitStack
from statistics import median
from typing import Literal

from parity.contender import Contender
from parity.progress import Done
from parity.records import table_of
from parity.result import Throughput
from parity.start import Start
from parity.throughput.process import TimingError, Worker
from parity.throughput.steady import Warm, first_steps

ROUNDS = 6


class Timed:
    """A contender in its worker, and its rates so far."""

    def __init__(self, contender: Contender, worker: Worker, first_steps: int) -> None:
        self._warm = Warm(contender, worker, first_steps)
        self._rates: list[float] = []

    def sample(self) -> None:
        """Train one round."""
        self._rates.append(1.0 / self._warm.sample().wall)

    def throughput(self) -> Throughput:
        """The rounds so far."""
        spread = min(self._rates), max(self._rates)
        cache: Literal["cold", "warm"] = "warm" if self._warm.was_kept else "cold"
        return Throughput(median(self._rates), spread, self._warm.compile_seconds, cache)


def measure(contenders: Sequence[Contender], start: Start, done: Done) -> dict[str, Throughput]:
    """Throughput by contender; TimingError where one can't be timed or starts from other bytes than `start`."""
    table, hashes = table_of(start.experiment), dict(start.hashes)
    with ExitStack() as open_workers:
        workers: dict[str, Worker] = {}
        for name in dict.fromkeys(contender.backend for contender in contenders):
            workers[name] = Worker(name, table)
            open_workers.callback(workers[name].close)
            if workers[name].hashes != hashes:
                raise TimingError(f"{name} started from other bytes in its own process, so its speed is void")
        timed = []
        for contender in contenders:
            timed.append(Timed(contender, workers[contender.backend], first_steps(start)))
            done(len(timed))
        for number in range(ROUNDS):
            for each in timed if number % 2 == 0 else reversed(timed):
                each.sample()
            done(len(timed) + number + 1)
    return {str(contender): each.throughput() for contender, each in zip(contenders, timed, strict=True)}
