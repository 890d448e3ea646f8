"""One peer in a process of its own, on one core: tells its losses and trains when it is told to.

Lines of JSON: first the peer's name and the core, answered with its note; then `{"losses": S}` and `{"train": S}`.
"""

import json
import os
import subprocess
import sys
from contextlib import suppress
from tempfile import TemporaryFile
from typing import Any, Self

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


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
        # A file, because a pipe that nobody reads fills up and holds the process.
        self._errors = TemporaryFile("w+")  # noqa: SIM115 (it lives as long as the process, and `close` closes it)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.peers.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**os.environ, **dict.fromkeys(THREADS, "1")},
        )
        self.note: str = self._ask({"peer": name, "core": core})["note"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for file in (self._process.stdin, self._process.stdout, self._errors):
            assert file is not None
            with suppress(BrokenPipeError):  # what it was still to be told
                file.close()

    def losses(self, steps: int) -> dict[str, Any]:
        """The losses from the start, each the mean over `span` steps."""
        return self._ask({"losses": steps})

    def train(self, steps: int) -> tuple[float, float]:
        """Seconds of CPU time and by the clock of so many steps."""
        answer = self._ask({"train": steps})
        return answer["cpu"], answer["wall"]

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            self._process.wait()
            self._errors.seek(0)
            last = (self._errors.read().strip().splitlines() or ["it said nothing"])[-1]
            self.close()
            raise PeerError(self.name, last)
        reply: dict[str, Any] = json.loads(answer)
        return reply


def main() -> None:
    """Serve until the input ends."""
    # What a library prints must not mix with the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def answer(reply: dict[str, Any]) -> None:
        print(json.dumps(reply), file=answers, flush=True)

    asked = json.loads(sys.stdin.readline())
    if hasattr(os, "sched_setaffinity"):
        # Before a library counts the cores that its threads may have.
        os.sched_setaffinity(0, {asked["core"]})
    from benchmarks.peers.catalogue import BY_NAME
    from benchmarks.peers.job import job
    from benchmarks.peers.peer import Stopwatch

    peer = BY_NAME[asked["peer"]].opened(job())
    answer({"note": peer.note})
    for line in sys.stdin:
        request = json.loads(line)
        if "losses" in request:
            losses = [float(loss) for loss in peer.losses(request["losses"])]
            answer({"losses": losses, "span": peer.span, "formula": peer.formula})
        else:
            watch = Stopwatch()
            peer.train(request["train"], watch)
            answer({"cpu": watch.cpu, "wall": watch.wall})


if __name__ == "__main__":
    main()
