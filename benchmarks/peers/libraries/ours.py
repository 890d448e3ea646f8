"""Our twins, by the same measure."""

from collections.abc import Sequence

from benchmarks.peers.job import DTYPE, Job
from benchmarks.peers.peer import Peer, Stopwatch
from parity import registry


class Ours(Peer):
    """A backend in one of its modes, through the contract's `fit`, which takes NumPy and gives NumPy back."""

    def __init__(self, job: Job, backend: str, mode: str) -> None:
        super().__init__(job)
        self.trainer = registry.load(backend).trainer(job.start.config, device="cpu", mode=mode, dtype=DTYPE)
        self.state, self.train_rows, _ = job.start.cast(DTYPE)

    def losses(self, steps: int) -> Sequence[float]:
        self.trainer.set_state(self.state)
        return self.trainer.fit(self.train_rows, self.job.order(steps)).losses.tolist()

    def train(self, steps: int, watch: Stopwatch) -> None:
        order = self.job.order(steps)
        self.trainer.set_state(self.state)
        with watch:
            self.trainer.fit(self.train_rows, order)
