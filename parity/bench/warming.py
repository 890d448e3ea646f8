"""Contenders that get warm in the background, while it is still being proven that they do the same."""

import signal
from collections.abc import Container
from concurrent.futures import Future, ThreadPoolExecutor, wait

from parity.contender import Contender
from parity.start import Start
from parity.throughput.process import Workers
from parity.throughput.steady import Warm, clock_of, first_steps


class Warming:
    """Each process of a contender compiled and warm, one after the other, on the core that it is to be timed on."""

    def __init__(self, start: Start, threads: int, workers: Workers) -> None:
        self._start, self._threads, self._workers = start, threads, workers
        self._thread = ThreadPoolExecutor(1, initializer=_leave_interrupts)
        self._begun: dict[tuple[Contender, int], Future[Warm]] = {}

    def begin(self, contender: Contender, number: int = 0) -> None:
        """Have a process of it get warm, after those that were begun before.

        Only where it is told by the core's own time when it is warm: the clock on the wall sees what runs beside it.
        """
        if clock_of(contender, self._threads) == "cpu":
            self._submitted(contender, number)

    def leave(self, needed: Container[Contender]) -> None:
        """Begin none that is not needed any more, and wait for what is under way: nothing may run beside what is timed."""
        left = [future for (contender, _), future in self._begun.items() if contender not in needed]
        wait([future for future in left if not future.cancel()])

    def warm(self, contender: Contender, number: int = 0) -> Warm:
        """It, when it is warm; TimingError where it can't get so."""
        return self._submitted(contender, number).result()

    def __enter__(self) -> "Warming":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
        if kind is not None:
            self._workers.close()  # Who interrupts a long compilation does not want to wait for its end.
        self._thread.shutdown()

    def _submitted(self, contender: Contender, number: int) -> Future[Warm]:
        if (contender, number) not in self._begun:
            self._begun[contender, number] = self._thread.submit(self._warmed, contender, number)
        return self._begun[contender, number]

    def _warmed(self, contender: Contender, number: int) -> Warm:
        worker = self._workers.of((contender, number), contender.backend, self._start)
        return Warm(contender, worker, first_steps(self._start), clock_of(contender, self._threads))


def _leave_interrupts() -> None:
    """Leave Ctrl-C to the main thread, which may have put it off."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
