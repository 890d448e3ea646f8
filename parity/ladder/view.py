"""View: a trainer put at a state before a batch, and what can be seen of it there; each thing is looked at once.

At the start of a run it is what the first rungs compare, in the middle of one it shows in which part of a step two runs part.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract import Arrays, Batch, BatchOrder, Data, State, Trainer
from parity.ladder.replicas import Given

PREDICTIONS = EVALUATED, IN_TRAINING = "predictions", "training-mode predictions"
LOSS_OF_STEP = "loss that the step tells"


@dataclass
class View:
    """A trainer, what it is given, and how many steps are looked at; the trainer is set anew for each look."""

    trainer: Trainer
    given: Given
    steps: int

    @cached_property
    def evaluated(self) -> dict[str, NDArray[Any]]:
        """(N, K) predictions of the rows in evaluation mode."""
        self.trainer.set_state(self.given.state)
        return {EVALUATED: self.trainer.predict(self.given.train.inputs)}

    @cached_property
    def in_training(self) -> NDArray[Any]:
        """(B, K) predictions of the first batch in training mode."""
        self.trainer.set_state(self.given.state)
        batch = self.given.batch(0)
        return self.trainer.predict(batch.inputs, training=True, masks=batch.masks)

    @property
    def predictions(self) -> Arrays:
        """Those in both modes."""
        return {**self.evaluated, IN_TRAINING: self.in_training}

    @cached_property
    def loss_and_grads(self) -> tuple[float, Arrays]:
        """Of the first batch, in training mode."""
        self.trainer.set_state(self.given.state)
        return self.trainer.loss_and_grads(self.given.batch(0))

    @property
    def losses(self) -> Arrays:
        """Of the first batch, by itself and as the first step tells it."""
        return {**self.loss, LOSS_OF_STEP: np.array(self._walked[1])}

    @property
    def loss(self) -> Arrays:
        """Of the first batch, under its name."""
        return {"loss": np.array(self.loss_and_grads[0])}

    @property
    def gradients(self) -> Arrays:
        """Of the first batch."""
        return self.loss_and_grads[1]

    @property
    def stepped(self) -> list[State]:
        """The states behind each step, as far as they are finite."""
        return self._walked[0]

    @cached_property
    def _walked(self) -> tuple[list[State], float]:
        """The same, and the loss that the first step tells."""
        self.trainer.set_state(self.given.state)
        states: list[State] = []
        first = self.trainer.step(self.given.batch(0))
        for i in range(1, self.steps + 1):
            state = self.trainer.get_state()
            if not is_finite(state.named()):
                break
            states.append(state)
            if i < self.steps:
                self.trainer.step(self.given.batch(i))
        return states, first

    def behind(self, k: int) -> Arrays:
        """The whole state behind step k, counted from 0, or at -1 in front of them; nothing where it is not finite."""
        states = [self.given.state, *self.stepped]
        return states[k + 1].named() if k + 1 < len(states) else {}

    @property
    def from_its_start(self) -> "View":
        """The same with steps that are taken from the state it is given."""
        return self


@dataclass
class Taken(View):
    """A step in the middle of a run, as it was taken there."""

    after: State
    told: float | None = None
    """The loss that was told of it, where that is known."""

    @property
    def stepped(self) -> list[State]:
        """The state that it left."""
        return [self.after]

    @property
    def losses(self) -> Arrays:
        """The loss as it was told, where that is known."""
        return super().losses if self.told is None else {**self.loss, LOSS_OF_STEP: np.array(self.told)}

    @property
    def from_its_start(self) -> View:
        """The same step, taken anew."""
        return View(self.trainer, self.given, self.steps)


def before_batch(given: Given, state: State, step: int) -> Given:
    """What a trainer is given to take one step of a run from a state: the rows of its batch are all the data there is."""
    return of_batch(given.batch(step), state)


def of_batch(batch: Batch, state: State) -> Given:
    """What a trainer is given to take one step from a state."""
    data = Data(batch.inputs, batch.targets)
    return Given(state, data, data, BatchOrder(1, None, {name: mask[None] for name, mask in batch.masks.items()}))


def is_finite(arrays: Arrays) -> bool:
    """Whether every element is."""
    return all(bool(np.isfinite(array).all()) for array in arrays.values())
