"""Subject: a contender on the ladder, and what was observed of it, each observation made once."""

import time
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.conforming import Conforming
from parity.contender import Contender
from parity.contract import Backend, BatchOrder, Data, History, Trainer, TrainingConfig
from parity.ladder.calibration import Calibration
from parity.ladder.cloud import Cloud, clouds
from parity.ladder.gap import Gap, identical
from parity.ladder.path import Path, path
from parity.ladder.plan import FIRST_SEED, checkpoints_at, compared_steps, evaluated_at
from parity.ladder.replicas import Given, disturb
from parity.ladder.view import View
from parity.progress import Watcher
from parity.start import Start, reseeded

FIRST_STEPS = 5
"""Steps of the rung `step`: with one alone, bias correction hides a wrong decay of a moment."""
SEEDS = 3
"""Independently seeded runs beside the replicas, to say how far apart runs are that share nothing."""


@dataclass
class Subject:
    """A trainer with the start it was given."""

    contender: Contender
    backend: Backend
    trainer: Trainer
    start: Start
    watcher: Watcher
    calibration: Calibration
    seconds: float | None = None
    """Wall time of the whole run, compiling with it; None before it."""

    @cached_property
    def given(self) -> Given:
        """What it starts from, in its own dtype."""
        return Given(*self.start.cast(self.contender.dtype), self.start.order)

    @cached_property
    def misreceived(self) -> Gap:
        """No gap where the backend gives back, bit for bit, what it was handed."""
        return identical(self.handed, self.received)

    @property
    def received(self) -> dict[str, NDArray[Any]]:
        """All that it gives back of what it was handed, under one name each."""
        self.trainer.set_state(self.given.state)
        return self.trainer.get_state().named() | _fed(*self.trainer.read_back(self.given.train, self.start.order))

    @cached_property
    def handed(self) -> dict[str, NDArray[Any]]:
        """All arrays that it is handed, under one name each."""
        return self.given.state.named() | _fed(self.given.train, self.start.order)

    @cached_property
    def first(self) -> View:
        """What is seen at the start: predictions, loss, gradients, the first few steps."""
        return View(self.trainer, self.given, min(FIRST_STEPS, self.start.order.steps))

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
        self.trainer.set_state(self.given.state)
        begin = time.perf_counter()
        with self.watcher.task(f"training {self.contender}", self.start.order.steps) as done:
            history = self.trainer.fit(
                self.given.train,
                self.start.order,
                evaluate=self.given.held_out.inputs,
                evaluate_at=self.evaluated_at,
                checkpoints_at=self.checkpoints_at,
                progress=done,
            )
        self.seconds = time.perf_counter() - begin
        return history

    def predict(self, inputs: NDArray[np.float64]) -> NDArray[Any]:
        """What it has learned says of (V, D) inputs in network units."""
        self.trainer.set_state(self.history.final)
        return self.trainer.predict(inputs.astype(self.contender.dtype))

    @property
    def is_trained(self) -> bool:
        """Whether the whole run was done already."""
        return "history" in vars(self)

    @cached_property
    def beginning(self) -> History:
        """The run as far as it is compared step by step; its checkpoints are the first of `checkpoints_at`."""
        if self.is_trained or self.compared == self.start.order.steps:
            return self.history
        self.trainer.set_state(self.given.state)
        given, at = self.given.part(0, self.compared), self.compared_at
        return self.trainer.fit(given.train, given.order, checkpoints_at=at)

    @property
    def compared(self) -> int:
        """How many steps are compared one by one."""
        return compared_steps(self.start.config)

    @property
    def compared_at(self) -> tuple[int, ...]:
        """The checkpoints among them."""
        return tuple(step for step in self.checkpoints_at if step <= self.compared)

    @cached_property
    def otherwise(self) -> Trainer | None:
        """The same backend in the other dtype; None where it has none."""
        dtype = "float32" if self.contender.dtype == "float64" else "float64"
        if dtype not in self.backend.dtypes:
            return None
        return trainer_of(self.backend, replace(self.contender, dtype=dtype), self.start.config)

    def in_other_dtype(self, view: View) -> View | None:
        """What a view shows in the other dtype, from the same numbers."""
        dtype = "float32" if self.contender.dtype == "float64" else "float64"
        return None if self.otherwise is None else View(self.otherwise, view.given.cast(dtype), view.steps)

    @cached_property
    def clouds(self) -> tuple[Cloud, Cloud]:
        """Replicas of what is seen at the start, and those of a second look; all that it is compared with share them."""
        return clouds(self.first, self.start.config, self.calibration.replicas)

    @cached_property
    def path(self) -> Path:
        """Replicas of the run."""
        given, config, dtype = self.given.part(0, self.compared), self.start.config, self.contender.dtype

        def stranger(k: int) -> Given:
            start = reseeded(self.start, self.start.experiment.seed + k)
            # A copy of the steps that are compared lets go of the others.
            return Given(*start.cast(dtype), deepcopy(start.order.part(0, self.compared)))

        replicas = [partial(disturb, given, config, FIRST_SEED + r) for r in range(self.calibration.replicas)]
        seeded = [partial(stranger, k) for k in range(1, SEEDS + 1)]
        total = (1 + len(replicas) + len(seeded)) * self.compared
        with self.watcher.task(f"replicas of {self.contender}", total) as done:
            return path(self.trainer, config, given, replicas, seeded, self.compared_at, done)

    @cached_property
    def diverged_at(self) -> int | None:
        """The first step, counted from 1, whose loss or kept parameters were not finite; None where all were."""
        losses = np.isfinite(self.history.losses)
        steps = [] if losses.all() else [int(np.argmin(losses)) + 1]
        for i, step in enumerate(self.checkpoints_at):
            if not all(np.isfinite(kept[i]).all() for kept in self.history.parameters.values()):
                steps.append(max(step, 1))
        return min(steps, default=None)


def trainer_of(backend: Backend, contender: Contender, config: TrainingConfig) -> Trainer:
    """The trainer of a contender; whatever it answers has the contract's form, or is refused."""
    made = backend.trainer(config, device=contender.device, mode=contender.mode, dtype=contender.dtype)
    return Conforming(made, str(contender))


def _fed(data: Data, order: BatchOrder) -> dict[str, NDArray[Any]]:
    """What training is fed with, under one name each."""
    return {"inputs": data.inputs, "targets": data.targets, **order.named()}
