"""One framework in a process of its own: trains its contenders for so many steps whenever it is told to.

Lines of JSON: first the experiment and the core, then `{"contender": [...], "steps": n}` for each training; each is answered
with a line.
"""

import json
import os
import sys
import time
from functools import cache
from typing import Any

import numpy as np

from parity import registry
from parity.compiled import files_kept, is_kept
from parity.contender import Contender
from parity.contract import BatchOrder, Data, State, Trainer
from parity.records import experiment_from
from parity.start import Start, draw


class Runner:
    """Trains n steps, always from the start of the run and with nothing recorded."""

    def __init__(self, start: Start) -> None:
        self._start = start
        self._prepare = cache(self._prepared)

    def seconds(self, contender: Contender, steps: int) -> float:
        """Wall seconds of one training of so many steps; the trainer returns when all is done."""
        trainer, state, train = self._prepare(contender)
        trainer.set_state(state)
        order = repeated(self._start.order, steps)
        begin = time.perf_counter()
        trainer.fit(train, order)
        return time.perf_counter() - begin

    def _prepared(self, contender: Contender) -> tuple[Trainer, State, Data]:
        state, train, _ = self._start.cast(contender.dtype)
        trainer = registry.load(contender.backend).trainer(
            self._start.config, device=contender.device, mode=contender.mode, dtype=contender.dtype
        )
        return trainer, state, train


def repeated(order: BatchOrder, steps: int) -> BatchOrder:
    """So many steps of an order, from its front again behind its end: a short run would show little but its beginning."""
    at = np.arange(steps) % order.steps
    rows = None if order.rows is None else order.rows[at]
    return BatchOrder(steps, rows, {name: mask[at] for name, mask in order.masks.items()})


def main() -> None:
    """Serve trainings until the input ends."""
    # What a framework prints must not mix with the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def answer(reply: dict[str, Any]) -> None:
        print(json.dumps(reply), file=answers, flush=True)

    job = json.loads(sys.stdin.readline())
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {job["core"]})
    start = draw(experiment_from(job["experiment"], "the experiment"))
    runner = Runner(start)
    answer({"hashes": dict(start.hashes)})
    for line in sys.stdin:
        request = json.loads(line)
        before = files_kept()
        seconds = runner.seconds(Contender(*request["contender"]), request["steps"])
        answer({"seconds": seconds, "warm": is_kept() and files_kept() == before})


if __name__ == "__main__":
    main()
