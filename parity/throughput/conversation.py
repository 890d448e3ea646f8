"""A process that is asked in lines of JSON, and answers in lines of JSON: both ends."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from tempfile import TemporaryFile
from typing import Any

Told = dict[str, Any]


class EndedError(Exception):
    """The process has ended, with the last line that it wrote."""


class Conversation:
    """The process as seen from outside: a module that is run, with some more in its environment."""

    def __init__(self, module: str, environment: Mapping[str, str]) -> None:
        # A file, because a pipe that nobody reads fills up and holds the process.
        self._errors = TemporaryFile("w+")  # noqa: SIM115 (it lives as long as the process, and `close` closes it)
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**os.environ, **environment},
            start_new_session=True,  # Ctrl-C is for the process that asks; it ends this one.
        )
        self.pid = self._process.pid

    def ask(self, question: Told) -> Told:
        """The answer to a question; EndedError where there is none."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if self._process.stdin.closed:
            raise EndedError("it was told to end")
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        except BaseException:
            self.close()  # An answer that nobody waits for would be taken for the next one's.
            raise
        if not answer:
            self._process.wait()
            self._errors.seek(0)
            raise EndedError((self._errors.read().strip().splitlines() or ["it said nothing"])[-1])
        told: Told = json.loads(answer)
        return told

    def close(self) -> None:
        """End the process."""
        if self._process.poll() is None:
            self._end()
        self._process.wait()
        for file in (self._process.stdin, self._process.stdout, self._errors):
            assert file is not None
            with suppress(BrokenPipeError):  # what it was still to be told
                file.close()

    def _end(self) -> None:
        """With what it has begun itself, a compiler for one, where the system knows sessions."""
        if hasattr(os, "killpg"):
            os.killpg(self.pid, signal.SIGKILL)
        else:
            self._process.kill()


def questions() -> tuple[Iterator[Told], Callable[[Told], None]]:
    """The process's own end: what it is asked, and a function that answers; what else is printed goes to standard error."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def answer(told: Told) -> None:
        print(json.dumps(told), file=answers, flush=True)

    return map(json.loads, sys.stdin), answer


def pin(cores: list[int]) -> None:
    """Keep this process on some cores, where the system can; before a library counts those that its threads may have."""
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
