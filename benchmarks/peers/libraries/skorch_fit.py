"""skorch: a module as a scikit-learn estimator."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from skorch import NeuralNetRegressor

from benchmarks.peers.job import Job
from benchmarks.peers.libraries.torch_loop import network
from benchmarks.peers.peer import Peer, Stopwatch


class Skorch(Peer):
    note = "rows lie in our order, not shuffled; no validation, nothing printed"

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        of = job.adam
        self.net = NeuralNetRegressor(
            network(job),
            optimizer=torch.optim.Adam,
            optimizer__betas=(of.b1, of.b2),
            optimizer__eps=of.eps,
            lr=of.learning_rate,
            batch_size=self.job.rows(1).shape[1],
            max_epochs=1,
            train_split=None,
            verbose=0,
        )
        self.net.initialize()

    def losses(self, steps: int) -> Sequence[float]:
        self.net.partial_fit(*self.ordered(steps))
        return self.net.history[-1, "batches", :, "train_loss"]

    def train(self, steps: int, watch: Stopwatch) -> None:
        rows = self.ordered(steps)
        with watch:
            self.net.partial_fit(*rows)

    def ordered(self, steps: int) -> tuple[Any, ...]:
        return tuple(np.concatenate(each) for each in self.job.batches(steps))
