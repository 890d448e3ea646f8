"""A case: a backend on a device, in a mode and dtype, with a small network and data to try it on; and how to compare."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from parity.contract import (
    MLP,
    Adam,
    Arrays,
    Backend,
    Batch,
    BatchOrder,
    Cosine,
    Data,
    History,
    InputError,
    Loss,
    Model,
    RegularizedMLP,
    State,
    Trainer,
    TrainingConfig,
    zero_state,
)
from parity.ladder.calibration import calibrated
from parity.ladder.gap import gaps, identical
from parity.ladder.replicas import Given, disturb

ROWS, BATCH, STEPS, INPUTS, OUTPUTS = 24, 6, 7, 3, 2
REPLICAS = 16


@dataclass(frozen=True)
class Case:
    """A backend on a device, in a mode and dtype, with a small network and data to try it on."""

    backend: Backend
    device: str
    mode: str
    dtype: str
    model: Model

    def __str__(self) -> str:
        return f"{self.backend.name}:{self.device}:{self.mode}:{self.dtype}:{type(self.model).__name__}"

    @property
    def config(self) -> TrainingConfig:
        # One loss takes predictions and targets alike, the other does not.
        loss = Loss("cross_entropy") if isinstance(self.model, RegularizedMLP) else Loss()
        return TrainingConfig(self.model, INPUTS, OUTPUTS, loss, Adam(), Cosine(), clip_norm=1.0, steps=STEPS)

    @property
    def state(self) -> State:
        """A state in which no tensor is zero or one."""
        random = np.random.default_rng(1)

        def draw(arrays: Arrays) -> Arrays:
            return {name: random.uniform(0.1, 0.9, array.shape).astype(self.dtype) for name, array in arrays.items()}

        zero = zero_state(self.config, self.dtype)
        slots = {slot: draw(arrays) for slot, arrays in zero.optimizer.items()}
        return State(draw(zero.parameters), draw(zero.buffers), slots)

    @property
    def data(self) -> Data:
        random = np.random.default_rng(2)
        inputs, targets = random.standard_normal((ROWS, INPUTS)), random.standard_normal((ROWS, OUTPUTS))
        return Data(inputs.astype(self.dtype), targets.astype(self.dtype))

    @property
    def order(self) -> BatchOrder:
        random = np.random.default_rng(3)
        rows = np.stack([random.permutation(ROWS)[:BATCH] for _ in range(STEPS)]).astype(np.int32)
        masks = {name: random.random((STEPS, BATCH, width)) < 0.8 for name, width in self.model.masks().items()}
        return BatchOrder(STEPS, rows, masks)

    @property
    def batch(self) -> Batch:
        return self.order.batch(self.data, 0)

    def trainer(self) -> Trainer:
        """A trainer in the case's state."""
        trainer = self.backend.trainer(self.config, device=self.device, mode=self.mode, dtype=self.dtype)
        trainer.set_state(self.state)
        return trainer

    def close(self, expected: Arrays, found: Arrays, what: str) -> None:
        """Assert that two sets of arrays are no further apart than rounding brings a run of the case."""
        gap = max(gaps(expected, found).values(), key=lambda gap: gap.relative)
        bound = calibrated(REPLICAS, None).path_factor * noise(self)
        assert gap.relative <= bound, f"{what}: {gap.where} differs by {gap.relative:.2g}; expected at most {bound:.2g}"


@cache
def noise(case: Case) -> float:
    """How far rounding brings a run of the case, relative to its tensor: the furthest of its replicas."""
    given = Given(case.state, case.data, case.data, case.order)
    original, furthest = named(case.trainer().fit(given.train, given.order)), 0.0
    for seed in range(REPLICAS):
        replica = disturb(given, case.config, seed)
        trainer = case.trainer()
        trainer.set_state(replica.given.state)
        history = trainer.fit(replica.given.train, replica.given.order)
        restored = named(replace(history, final=replica.restore_state(history.final)))
        furthest = max(furthest, *(gap.relative for gap in gaps(original, restored).values()))
    return furthest


def named(history: History) -> Arrays:
    """Losses and last state of a run, by name."""
    return {"losses": history.losses, **history.final.named()}


def cases(backend: Backend) -> Iterator[Case]:
    """Every device, mode and dtype of a backend, with either network; but not a mode on a device that it refuses."""
    models = (MLP(hidden=(5, 4), activation="tanh"), RegularizedMLP(hidden=(5, 4), activation="tanh", dropout=0.3))
    for device in backend.devices():
        for mode in backend.modes:
            for dtype in backend.dtypes:
                for model in models:
                    case = Case(backend, device, mode, dtype, model)
                    if mode == backend.modes[0] or is_able(case):
                        yield case


def is_able(case: Case) -> bool:
    """Whether the backend makes a trainer in that mode on that device."""
    try:
        case.backend.trainer(case.config, device=case.device, mode=case.mode, dtype=case.dtype)
    except InputError:
        return False
    return True


def fed(data: Data, order: BatchOrder) -> Arrays:
    """What training is fed with, by name."""
    return {"inputs": data.inputs, "targets": data.targets, **order.named()}


def summary(history: History) -> Arrays:
    """What a history holds, by name."""
    arrays = {"losses": history.losses, "predictions": history.predictions, **history.final.named()}
    return {**arrays, **{f"{name} at checkpoints": kept for name, kept in history.parameters.items()}}


def checkpoint(history: History, index: int) -> Arrays:
    """The parameters at one checkpoint."""
    return {name: kept[index] for name, kept in history.parameters.items()}


def same(expected: Arrays, found: Arrays, what: str) -> None:
    """Assert that arrays are the same bit for bit."""
    gap = identical(expected, found)
    assert gap.size == 0, f"{what}: {gap.where} is not what it was"


def same_state(expected: State, found: State, what: str) -> None:
    """Assert that states are the same bit for bit."""
    same(expected.named(), found.named(), what)
    assert expected.step == found.step, f"{what}: the count of steps is {found.step}; expected {expected.step}"
