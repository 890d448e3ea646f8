"""A framework in a process of its own, as seen from outside."""

import os
from collections.abc import Hashable, Mapping
from dataclasses import astuple, dataclass, field

from parity.contender import Contender
from parity.contract import ParityError
from parity.environment import THREAD_VARIABLES
from parity.records import table_of
from parity.start import Start
from parity.throughput.conditions import Conditions
from parity.throughput.conversation import Conversation, EndedError, Told
from parity.throughput.rows import Phases


class TimingError(ParityError):
    """A contender could not be timed."""


@dataclass(frozen=True)
class Seconds:
    """How long something took."""

    wall: float
    cpu: float
    """Of all threads of the process together."""
    warm: bool = True
    """Whether nothing was compiled meanwhile that is not on the disk."""
    conditions: Conditions = field(default_factory=Conditions)
    """What the machine was like meanwhile."""


class Worker:
    """A process with one framework that trains on demand, on the first cores of this machine."""

    def __init__(
        self, backend: str, start: Start, threads: int = 1, environment: Mapping[str, str] | None = None
    ) -> None:
        self.backend = backend
        limits = dict.fromkeys(THREAD_VARIABLES, str(threads))
        self._conversation = Conversation("parity.throughput.worker", {**limits, **(environment or {})})
        self._cores = cores(threads)
        try:
            self.take(start)
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._conversation.pid

    def take(self, start: Start) -> None:
        """Have it train from a start from now on; TimingError where it made other bytes of it."""
        told = self._ask({"experiment": table_of(start.experiment), "cores": self._cores})
        if told["hashes"] != dict(start.hashes):
            raise TimingError(f"{self.backend} started from other bytes in its own process, so its speed is void")

    def seconds(self, contender: Contender, steps: int, delay: float = 0.0, replicas: int = 1) -> Seconds:
        """One training of so many steps, of so many replicas in one call.

        `delay` is a share of its time that the core is kept busy behind it, to prove a detector.
        """
        asked = {"time": astuple(contender), "steps": steps, "delay": delay, "replicas": replicas}
        reply = self._ask(asked)
        return Seconds(**{**reply, "conditions": Conditions(**reply["conditions"])})

    def phases(self, contender: Contender, steps: int) -> Phases:
        """The phases of this process, which must have done nothing yet."""
        return Phases(**self._ask({"phases": astuple(contender), "steps": steps}))

    def close(self) -> None:
        """End the process."""
        self._conversation.close()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, question: Told) -> Told:
        try:
            reply = self._conversation.ask(question)
        except EndedError as error:
            raise TimingError(f"the process of {self.backend} ended while it was timed: {error}") from None
        if "error" in reply:
            raise TimingError(reply["error"])
        return reply


class Workers:
    """Processes that stay from one network to the next, each known by what it trains."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._known: dict[Hashable, Worker] = {}
        self.closed = False

    def of(self, name: Hashable, backend: str, start: Start) -> Worker:
        """The process of that name, for this start; a fresh one where there is none, or it has ended."""
        worker = self._known.get(name)
        if worker is not None:
            try:
                worker.take(start)
            except TimingError:
                self._known.pop(name, worker).close()
                worker = None
        if worker is None:
            worker = self._known[name] = Worker(backend, start, self._threads)
        if self.closed:  # From another thread, meanwhile.
            worker.close()
            raise TimingError(f"the process of {backend} was ended")
        return worker

    def close(self) -> None:
        """End them all, and each that is begun yet."""
        self.closed = True
        while self._known:
            self._known.popitem()[1].close()


def cores(threads: int) -> list[int]:
    """The cores that so many threads are pinned to; none where the system can't pin."""
    return sorted(os.sched_getaffinity(0))[:threads] if hasattr(os, "sched_getaffinity") else []
