"""Keras 3: `Model.fit`, on JAX or on PyTorch."""

import os
from collections.abc import Sequence
from typing import Any

from benchmarks.peers.formulas import EARLY_SINGLE
from benchmarks.peers.job import Job
from benchmarks.peers.peer import Peer, Stopwatch


class Keras(Peer):
    """`jit_compile` is left to Keras, which compiles on JAX and runs PyTorch eagerly."""

    formula = EARLY_SINGLE

    def __init__(self, job: Job, backend: str, steps_per_execution: int = 1) -> None:
        super().__init__(job)
        os.environ["KERAS_BACKEND"] = backend
        import keras

        self.span = steps_per_execution
        self.note = "rows lie in our order, shuffle=False"
        if self.span > 1:
            self.note += f"; losses are told as the mean of {self.span} steps"
        of, widths = job.adam, [kernel.shape for kernel, _ in job.layers]
        hidden = [keras.layers.Dense(width, "tanh") for _, width in widths[:-1]]
        self.model = keras.Sequential([keras.Input(widths[0][:1]), *hidden, keras.layers.Dense(widths[-1][1])])
        self.model.set_weights([array for layer in job.layers for array in layer])
        self.model.compile(
            optimizer=keras.optimizers.Adam(of.learning_rate, beta_1=of.b1, beta_2=of.b2, epsilon=of.eps),
            loss="mse",
            steps_per_execution=steps_per_execution,
        )
        self.hooks = keras.callbacks.LambdaCallback

    def losses(self, steps: int) -> Sequence[float]:
        inputs, targets = self.job.batches(steps)
        firsts = range(0, steps, self.span)
        return [self.fit(inputs[i : i + self.span], targets[i : i + self.span]) for i in firsts]

    def train(self, steps: int, watch: Stopwatch) -> None:
        self.fit(*self.job.batches(steps), self.hooks(on_train_begin=watch.start, on_train_end=watch.stop))

    def fit(self, inputs: Any, targets: Any, *callbacks: Any) -> float:
        """Train one epoch of so many batches; the mean of its losses."""
        rows, outputs = (each.reshape(-1, each.shape[-1]) for each in (inputs, targets))
        history = self.model.fit(
            rows, outputs, batch_size=inputs.shape[1], shuffle=False, verbose=0, callbacks=list(callbacks)
        )
        return float(history.history["loss"][0])
