"""One framework in a process of its own: trains its contenders whenever it is told to, and says how long that took.

Lines of JSON: first an experiment and the cores, then a request a line, another experiment among them; each is answered with a
line.
"""

import gc
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from parity import registry
from parity.compiled import files_kept, is_kept
from parity.contender import Contender
from parity.contract import BatchOrder, Data, ParityError, State, Trainer
from parity.records import experiment_from
from parity.start import Start, draw
from parity.throughput.conditions import since, throttled
from parity.throughput.conversation import pin, questions


class Runner:
    """Trains n steps, always from the start of the run and with nothing recorded."""

    def __init__(self, start: Start) -> None:
        self._start = start
        self._prepare = cache(self._prepared)

    def time(self, contender: Contender, steps: int, delay: float = 0.0, replicas: int = 1) -> dict[str, Any]:
        """Seconds of one training of so many steps, and what the machine was like; the trainer returns when all is done."""
        trainer, state, train = self._prepare(contender)
        trainer.set_state(state)
        order = repeated(self._start.order, steps)
        kept, slowed = files_kept(), throttled()
        begin = time.perf_counter(), time.process_time()
        if replicas == 1:
            trainer.fit(train, order)
        else:
            trainer.fit_many([state] * replicas, train, order)
        compute(delay * (time.process_time() - begin[1]))
        end = time.perf_counter(), time.process_time()
        return {
            "wall": end[0] - begin[0],
            "cpu": end[1] - begin[1],
            "warm": is_kept() and files_kept() == kept,
            "conditions": vars(since(slowed)),
        }

    def phases(self, contender: Contender, steps: int) -> dict[str, float]:
        """Seconds of what comes before the steady state, one after the other, and the largest memory before and behind."""
        load = elapsed(lambda: registry.load(contender.backend).devices())
        forget_peak()
        idle = peak_bytes()
        build = elapsed(lambda: self._prepare(contender))
        trainer, _, train = self._prepare(contender)
        transfer = elapsed(lambda: trainer.read_back(train, repeated(self._start.order, steps)))
        first, again = (self.time(contender, steps)["wall"] for _ in range(2))
        return {
            "import_seconds": load,
            "transfer_seconds": transfer,
            # As of a run of one step, which is compiled as any other.
            "first_step_seconds": build + again / steps + max(0.0, first - again),
            "compile_seconds": max(0.0, first - again),
            "idle_bytes": idle,
            "peak_bytes": peak_bytes(),
        }

    def _prepared(self, contender: Contender) -> tuple[Trainer, State, Data]:
        state, train, _ = self._start.cast(contender.dtype)
        trainer = registry.load(contender.backend).trainer(
            self._start.config, device=contender.device, mode=contender.mode, dtype=contender.dtype
        )
        trainer.set_state(state)
        return trainer, state, train


def repeated(order: BatchOrder, steps: int) -> BatchOrder:
    """So many steps of an order, from its front again behind its end: a short run would show little but its beginning."""
    at = np.arange(steps) % order.steps
    rows = None if order.rows is None else order.rows[at]
    return BatchOrder(steps, rows, {name: mask[at] for name, mask in order.masks.items()})


def elapsed(work: Callable[[], Any]) -> float:
    """Wall seconds of some work."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def compute(seconds: float) -> None:
    """Keep the core busy for so many seconds of its time, which any clock sees."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def forget_peak() -> None:
    """Have `peak_bytes` begin anew from what is held now, where the system can: Linux (man 5 proc, clear_refs)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_bytes() -> int:
    """The largest memory of this process, since it was last forgotten; 0 where the system does not say."""
    if sys.platform == "win32":
        return 0
    with suppress(OSError):
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        for line in lines:
            if line.startswith("VmHWM"):
                return 1024 * int(line.split()[1])
    import resource

    # macOS counts in bytes, others in KiB.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def answer_to(request: dict[str, Any], runner: Runner) -> dict[str, Any]:
    """What is answered to a request."""
    if "time" in request:
        return runner.time(Contender(*request["time"]), request["steps"], request["delay"], request["replicas"])
    return runner.phases(Contender(*request["phases"]), request["steps"])


def main() -> None:
    """Serve requests until the input ends."""
    asked, answer = questions()
    runner: list[Runner] = []
    for request in asked:
        try:
            if "experiment" in request:
                pin(request["cores"])
                runner.clear()  # What the last experiment took must not stand beside the next.
                gc.collect()
                start = draw(experiment_from(request["experiment"], "the experiment"))
                runner.append(Runner(start))
                answer({"hashes": dict(start.hashes)})
            else:
                answer(answer_to(request, *runner))
        except ParityError as error:
            answer({"error": str(error)})


if __name__ == "__main__":
    main()
