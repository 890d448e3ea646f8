"""One contender in a process of its own, trained for so many steps whenever it is told to.

Lines of JSON: first the job, then `{"steps": n}` for each round; each is answered with a line.
"""

import json
import os
import sys
import time
from typing import Any

from parity import registry
from parity.contender import Contender
from parity.records import experiment_from
from parity.start import draw


class Runner:
    """Trains the first n steps of a run, always from its start and with nothing recorded."""

    def __init__(self, job: dict[str, Any]) -> None:
        start = draw(experiment_from(job["experiment"], "the experiment"))
        contender = Contender(*job["contender"])
        self.hashes = dict(start.hashes)
        self.order = start.order
        self.state, self.train, _ = start.cast(contender.dtype)
        self.trainer = registry.load(contender.backend).trainer(
            start.config, device=contender.device, mode=contender.mode, dtype=contender.dtype
        )

    def seconds(self, steps: int) -> float:
        """Wall seconds of one training of so many steps; the trainer returns when all is done."""
        self.trainer.set_state(self.state)
        order = self.order.part(0, steps)
        begin = time.perf_counter()
        self.trainer.fit(self.train, order)
        return time.perf_counter() - begin


def main() -> None:
    """Serve rounds until the input ends."""
    # What a framework prints must not mix with the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    job = json.loads(sys.stdin.readline())
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {job["core"]})
    runner = Runner(job)
    print(json.dumps({"hashes": runner.hashes}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps({"seconds": runner.seconds(json.loads(line)["steps"])}), file=answers, flush=True)


if __name__ == "__main__":
    main()
