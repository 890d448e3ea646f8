"""One peer in a process of its own, on one core: tells its losses and trains when it is told to.

First it is told the peer's name and the core, and answers with its note; then come `{"losses": S}` and `{"train": S}`.
"""

import os
from typing import Any, Self

from parity.environment import THREAD_VARIABLES
from parity.throughput.conversation import Conversation, EndedError, Told, pin, questions
from parity.throughput.process import Seconds


def last_core() -> int:
    """Of those that this process may use the last, where the least else runs."""
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0


class PeerError(Exception):
    """A peer's process ended, with the last line that it wrote."""

    def __init__(self, name: str, last: str) -> None:
        super().__init__(f"its process ended: {last}")
        self.name = name


class Worker:
    """The process as seen from outside."""

    def __init__(self, name: str, core: int) -> None:
        self.name = name
        self._conversation = Conversation("benchmarks.peers.worker", dict.fromkeys(THREAD_VARIABLES, "1"))
        self.note: str = self._ask({"peer": name, "core": core})["note"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        self._conversation.close()

    def losses(self, steps: int) -> dict[str, Any]:
        """The losses from the start, each the mean over `span` steps."""
        return self._ask({"losses": steps})

    def train(self, steps: int) -> Seconds:
        """How long so many steps take."""
        return Seconds(**self._ask({"train": steps}))

    def _ask(self, question: Told) -> Told:
        try:
            return self._conversation.ask(question)
        except EndedError as error:
            self.close()
            raise PeerError(self.name, str(error)) from None


def main() -> None:
    """Serve until the input ends."""
    asked, answer = questions()
    who = next(asked)
    pin([who["core"]])
    from benchmarks.peers.catalogue import BY_NAME
    from benchmarks.peers.job import job
    from benchmarks.peers.peer import Stopwatch

    peer = BY_NAME[who["peer"]].opened(job())
    answer({"note": peer.note})
    for request in asked:
        if "losses" in request:
            losses = [float(loss) for loss in peer.losses(request["losses"])]
            answer({"losses": losses, "span": peer.span, "formula": peer.formula})
        else:
            watch = Stopwatch()
            peer.train(request["train"], watch)
            answer({"cpu": watch.cpu, "wall": watch.wall})


if __name__ == "__main__":
    main()
