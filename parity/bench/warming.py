"""Contenders that get warm in the background, while it is still being proven that they do the same."""

import signal
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

from parity.contender import Contender
from parity.start import Start
from parity.throughput.process import Workers
from parity.throughput.steady import Warm, first_steps


class Warming:
    """Each process of a contender compiled and warm, one after the other: they are on one core, the proof is on another."""

    def __init__(self, start: Start, workers: Workers) -> None:
        self._start, self._workers = start, workers
        self._thread = ThreadPoolExecutor(1, initializer=_leave_interrupts)
        self._begun = cache(self._submitted)

    def begin(self, contender: Contender, number: int = 0) -> None:
        """Have a process of it get warm, after those that were begun before."""
        self._begun(contender, number)

    def warm(self, contender: Contender, number: int = 0) -> Warm:
        """It, when it is warm; TimingError where it can't get so."""
        return self._begun(contender, number).result()

    def __enter__(self) -> "Warming":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
        if kind is not None:
            self._workers.close()  # Who interrupts a long compilation does not want to wait for its end.
        self._thread.shutdown()

    def _submitted(self, contender: Contender, number: int) -> Future[Warm]:
        return self._thread.submit(self._warmed, contender, number)

    def _warmed(self, contender: Contender, number: int) -> Warm:
        worker = self._workers.of((contender, number), contender.backend, self._start)
        return Warm(contender, worker, first_steps(self._start))


def _leave_interrupts() -> None:
    """Leave Ctrl-C to the main thread, which may have put it off."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
