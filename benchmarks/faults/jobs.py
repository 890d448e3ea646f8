"""Long work in many small jobs: each in a process of its own, under a limit of time and memory, resumable.

A job that crashes, hangs or eats the memory ends itself and nobody else, and what a framework keeps goes with its process. The
processes are forked from a server that has the frameworks imported already, which takes milliseconds.
"""

import json
import os
import resource
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

PATIENCE = 20.0
"""How many times its CPU seconds a job may take by the clock: on a busy machine it waits, and is none the worse for it."""
MEMORY = 24 * 2**30
"""Of addresses, which a framework reserves more of than it uses."""
IMPORTED = [
    "jax_impl.backend",
    "torch_impl.backend",
    "torch._dynamo",  # which the first optimizer would import, in a second
    "parity.conformance",
    "parity.runner",
    "benchmarks.faults.catalogue",
]

TOO_LONG = "no end within the time limit"
DIED = "the process died with status"
ENDED = {-signal.SIGXCPU: TOO_LONG, -signal.SIGKILL: TOO_LONG}

Job = tuple[Any, ...]
Row = dict[str, Any]


@dataclass
class Running:
    """A job and its process."""

    job: Job
    process: BaseProcess
    ear: Connection
    until: float

    def end(self) -> Row:
        """What came of it."""
        try:
            row: Row = self.ear.recv() if self.ear.poll() else {"error": TOO_LONG}
        except EOFError:
            self.process.join()
            row = {"error": ENDED.get(self.process.exitcode, f"{DIED} {self.process.exitcode}")}
        self.process.kill()
        self.process.join()
        self.ear.close()
        return row


def rows_of(
    work: Callable[[Job], Row],
    jobs: Sequence[Job],
    part: Path,
    *,
    processes: int = 2,
    seconds: int = 600,
    keep_errors: bool = False,
    told: Callable[[int], None] = lambda done: None,
) -> Iterator[tuple[Job, Row]]:
    """The row of every job, in the order they end; `work` is a function of a module.

    A job that did not end well, or not within `seconds` of CPU time, has the one field `error`. Rows are kept in `part` on
    the way, and what stands there is not done again; an error is, unless `keep_errors` says that it is what was to be
    found out. `told` hears how many jobs are done.
    """
    done = {job: row for job, row in _kept(part).items() if keep_errors or "error" not in row}
    waiting = [job for job in jobs if json.dumps(job) not in done]
    yield from ((job, done[json.dumps(job)]) for job in jobs if json.dumps(job) in done)
    ended = len(jobs) - len(waiting)
    told(ended)
    part.parent.mkdir(parents=True, exist_ok=True)
    with part.open("a", encoding="utf-8") as file:
        for job, row in _run(work, waiting, processes, seconds):
            file.write(json.dumps([json.dumps(job), row]) + "\n")
            file.flush()
            ended += 1
            told(ended)
            yield job, row


def _kept(part: Path) -> dict[str, Row]:
    """Finished rows by job; a line that an interrupt cut short is left out."""
    rows = {}
    for line in part.read_text(encoding="utf-8").splitlines() if part.exists() else []:
        try:
            job, row = json.loads(line)
        except ValueError:
            continue
        rows[job] = row
    return rows


def _run(work: Callable[[Job], Row], waiting: list[Job], processes: int, seconds: int) -> Iterator[tuple[Job, Row]]:
    context = get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    queue, running = list(reversed(waiting)), list[Running]()
    try:
        while queue or running:
            while queue and len(running) < processes:
                job = queue.pop()
                ear, mouth = context.Pipe(duplex=False)
                process = context.Process(target=_work, args=(mouth, work, job, seconds), daemon=True)
                process.start()
                mouth.close()
                running.append(Running(job, process, ear, time.monotonic() + PATIENCE * seconds))
            soonest = min(one.until for one in running)
            heard = wait([one.ear for one in running], max(0.0, soonest - time.monotonic()))
            ready = [one for one in running if one.ear in heard or one.until <= time.monotonic()]
            running = [one for one in running if one not in ready]
            yield from [(one.job, one.end()) for one in ready]
    finally:
        for one in running:
            one.end()


def _work(mouth: Connection, work: Callable[[Job], Row], job: Job, seconds: int) -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    try:
        row = work(job)
    except BaseException as error:
        row = {"error": f"{type(error).__name__}: {str(error)[:300]}"}
    mouth.send(row)
    mouth.close()
