"""scikit-learn's MLPRegressor: `partial_fit`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.neural_network import MLPRegressor

from benchmarks.peers.formulas import EARLY
from benchmarks.peers.job import Job
from benchmarks.peers.peer import Peer, Stopwatch


class ScikitLearn(Peer):
    """A call of `partial_fit` is one epoch: of all rows in the order of the run, or of one batch."""

    formula = EARLY
    note = (
        "rows lie in our order, shuffle=False; its loss is half the squared error, so that all gradients are half of ours, "
        "and epsilon is half of ours too; weights are set, and its optimizer begun anew, through its attributes"
    )

    def __init__(self, job: Job, at_once: bool) -> None:
        super().__init__(job)
        self.at_once, of = at_once, job.adam
        self.net = MLPRegressor(
            hidden_layer_sizes=[kernel.shape[1] for kernel, _ in job.layers[:-1]],
            activation=job.start.config.model.activation,
            solver="adam",
            alpha=0.0,
            batch_size=job.rows(1).shape[1],
            learning_rate_init=of.learning_rate,
            beta_1=of.b1,
            beta_2=of.b2,
            epsilon=of.eps / 2.0,
            shuffle=False,
        )
        # It makes its arrays in the first step, which is undone.
        self.net.partial_fit(*self.ordered(1))
        for coefs, intercepts, (kernel, bias) in zip(self.net.coefs_, self.net.intercepts_, job.layers, strict=True):
            coefs[...], intercepts[...] = kernel, bias
        del self.net._optimizer

    def losses(self, steps: int) -> Sequence[float]:
        return [2.0 * self.net.partial_fit(*each).loss_ for each in zip(*self.shaped(steps), strict=True)]

    def train(self, steps: int, watch: Stopwatch) -> None:
        calls = [self.ordered(steps)] if self.at_once else list(zip(*self.shaped(steps), strict=True))
        with watch:
            for inputs, targets in calls:
                self.net.partial_fit(inputs, targets)

    def shaped(self, steps: int) -> tuple[Any, Any]:
        """(S, B, D) and (S, B): it wants a single target as a vector."""
        inputs, targets = self.job.batches(steps)
        return inputs, targets[..., 0]

    def ordered(self, steps: int) -> tuple[Any, ...]:
        return tuple(np.concatenate(each) for each in self.shaped(steps))
