"""Subject: a contender on the ladder, and what was observed of it, each observation made once."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contender import Contender
from parity.contract import Arrays, Batch, BatchOrder, Data, History, State, Trainer
from parity.ladder.gap import Gap, identical
from parity.ladder.plan import checkpoints_at, evaluated_at
from parity.progress import Watcher
from parity.start import Start

FIRST_STEPS = 5
"""Steps of the rung `step`: with one alone, bias correction hides a wrong decay of a moment."""


@dataclass
class Subject:
    """A trainer with the start it was given."""

    contender: Contender
    trainer: Trainer
    start: Start
    watcher: Watcher

    @cached_property
    def given(self) -> tuple[State, Data, Data]:
        """State, training and held-out data in the contender's dtype."""
        return self.start.cast(self.contender.dtype)

    @cached_property
    def batch(self) -> Batch:
        """The first batch."""
        _, train, _ = self.given
        return self.start.order.batch(train, 0)

    @cached_property
    def misreceived(self) -> Gap:
        """Zero where the backend gives back, bit for bit, what it was handed."""
        state, train, _ = self.given
        self.trainer.set_state(state)
        back = self.trainer.get_state().named() | _fed(*self.trainer.read_back(train, self.start.order))
        return identical(state.named() | _fed(train, self.start.order), back)

    @cached_property
    def predictions(self) -> Arrays:
        """Of the training rows in evaluation mode, and of the first batch in training mode."""
        state, train, _ = self.given
        self.trainer.set_state(state)
        return {
            "predictions": self.trainer.predict(train.inputs),
            "training-mode predictions": self.trainer.predict(self.batch.inputs, training=True, masks=self.batch.masks),
        }

    @cached_property
    def loss_and_grads(self) -> tuple[float, Arrays]:
        """Of the first batch, in training mode."""
        state, _, _ = self.given
        self.trainer.set_state(state)
        return self.trainer.loss_and_grads(self.batch)

    @cached_property
    def stepped(self) -> list[State]:
        """The states behind each of the first few steps, as far as they are finite."""
        state, train, _ = self.given
        self.trainer.set_state(state)
        states: list[State] = []
        for step in range(min(FIRST_STEPS, self.start.order.steps)):
            self.trainer.step(self.start.order.batch(train, step))
            states.append(self.trainer.get_state())
            if not all(np.isfinite(array).all() for array in states[-1].named().values()):
                return states[:-1]
        return states

    @cached_property
    def evaluated_at(self) -> tuple[int, ...]:
        """Steps of the learning curve."""
        return evaluated_at(self.start.order.steps, *self.start.held_out.targets.shape)

    @cached_property
    def checkpoints_at(self) -> tuple[int, ...]:
        """Steps of the trajectory."""
        return checkpoints_at(self.start.config)

    @cached_property
    def history(self) -> History:
        """The whole run."""
        state, train, held_out = self.given
        self.trainer.set_state(state)
        with self.watcher.task(f"training {self.contender}", self.start.order.steps) as done:
            return self.trainer.fit(
                train,
                self.start.order,
                evaluate=held_out.inputs,
                evaluate_at=self.evaluated_at,
                checkpoints_at=self.checkpoints_at,
                progress=done,
            )

    @property
    def is_trained(self) -> bool:
        """Whether the whole run was done already."""
        return "history" in vars(self)

    @cached_property
    def diverged_at(self) -> int | None:
        """The first step, counted from 1, whose loss or kept parameters were not finite; None where all were."""
        losses = np.isfinite(self.history.losses)
        steps = [] if losses.all() else [int(np.argmin(losses)) + 1]
        for i, step in enumerate(self.checkpoints_at):
            if not all(np.isfinite(kept[i]).all() for kept in self.history.parameters.values()):
                steps.append(max(step, 1))
        return min(steps, default=None)


def _fed(data: Data, order: BatchOrder) -> dict[str, NDArray[Any]]:
    """What training is fed with, under one name each."""
    return {"inputs": data.inputs, "targets": data.targets, **order.named()}
