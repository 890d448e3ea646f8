"""A run over vectors: all parameters in one, x, of P numbers, and each slot of the optimizer in another.

Who does the steps is left open; modes compile them, or capture them.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call

from parity.contract import Constant, TrainingConfig, segments
from torch_impl.losses import build_loss
from torch_impl.model import build_model
from torch_impl.objective import ravelled, unravelled
from torch_impl.optimizers import slot_names
from torch_impl.program import DeviceBatch, Feed, Program, Record, Scalars, Tensors, TrainState, Watch, cut, picked
from torch_impl.updates import UPDATES, Slots, corrections

PROGRAMS = 16  # How many are kept: compiled code takes memory.
Run = Callable[[int, int], None]  # Does the steps from one number up to another, in place.
Runner = Callable[..., Run]  # Of a step, vectors, losses (S,), feed and scalars.


class Vectors(NamedTuple):
    """What a step changes, in place."""

    x: Tensor  # (P,)
    slots: Slots
    buffers: Tensors


class VectorStep:
    """The step of one config, on any device: plain operations on tensors, to be compiled or captured as they are."""

    def __init__(self, config: TrainingConfig, dtype: str) -> None:
        self.config = config
        self.dtype = dtype
        self.loss = build_loss(config.loss)
        with torch.device("meta"):
            self.model = build_model(config.model, config.inputs, config.outputs, dtype).train()
        self.shapes = {name: parameter.shape for name, parameter in self.model.named_parameters()}

    def vectors(self, state: TrainState) -> Vectors:
        """A copy of a state."""

        def slot(key: str) -> Tensor:
            return ravelled(state.optimizer.state[parameter][key] for parameter in state.parameters.values())

        names = slot_names(self.config.optimizer)
        slots = {name: slot(names[name]) for name in self.config.optimizer.slots}
        return Vectors(
            ravelled(state.parameters.values()),
            slots,
            {name: buffer.clone() for name, buffer in state.model.named_buffers()},
        )

    @torch.no_grad()
    def show(self, vectors: Vectors, state: TrainState) -> None:
        """Put parameters and buffers where a state has them."""
        for name, part in unravelled(vectors.x, self.shapes).items():
            state.parameters[name].copy_(part)
        for name, buffer in state.model.named_buffers():
            buffer.copy_(vectors.buffers[name])

    @torch.no_grad()
    def give_back(self, vectors: Vectors, state: TrainState, steps: int) -> None:
        """Put all of it where a state has it, the count of steps too."""
        self.show(vectors, state)
        names = slot_names(self.config.optimizer)
        for slot, vector in vectors.slots.items():
            for name, part in unravelled(vector, self.shapes).items():
                state.optimizer.state[state.parameters[name]][names[slot]].copy_(part)
        for parameter in state.parameters.values():
            state.optimizer.state[parameter]["step"] += steps

    def step(self, vectors: Vectors, batch: DeviceBatch, scalars: Mapping[str, Tensor]) -> Tensor:
        """Train on one batch; the loss before the update."""
        x = vectors.x.detach().requires_grad_()
        with torch.enable_grad():
            tensors = {**unravelled(x, self.shapes), **vectors.buffers}
            loss = self.loss(functional_call(self.model, tensors, (batch.inputs, batch.masks)), batch.targets)
        (gradient,) = torch.autograd.grad(loss, x)
        with torch.no_grad():
            gradient = clipped(gradient, self.config.clip_norm)
            update = UPDATES[type(self.config.optimizer)]
            vectors.x.sub_(update(self.config.optimizer, x.detach(), gradient, vectors.slots, scalars))
        return loss.detach()

    def train(self, vectors: Vectors, losses: Tensor, feed: Feed, scalars: Mapping[str, Tensor], i: Tensor) -> None:
        """Step number i, (1,), of a run."""
        now = {name: values.index_select(0, i) for name, values in scalars.items()}
        losses.index_copy_(0, i, self.step(vectors, batch_at(feed, i), now).view(1))


def batch_at(feed: Feed, i: Tensor) -> DeviceBatch:
    masks = {name: mask.index_select(0, i)[0] for name, mask in feed.masks.items()}
    if feed.rows is None:
        return DeviceBatch(feed.inputs, feed.targets, masks)
    rows = feed.rows.index_select(0, i)[0]
    return DeviceBatch(picked(feed.inputs, rows), picked(feed.targets, rows), masks)


def clipped(gradient: Tensor, largest: float | None) -> Tensor:
    if largest is None:
        return gradient
    return gradient * (largest / (torch.linalg.vector_norm(gradient) + 1e-6)).clamp(max=1.0)


def vector_step(config: TrainingConfig, dtype: str) -> VectorStep:
    """The one step of all configs that compute alike: rates and the number of steps are data."""
    optimizer = replace(config.optimizer, learning_rate=1.0)
    return vector_step_of(replace(config, optimizer=optimizer, schedule=Constant(), steps=1), dtype)


@lru_cache(maxsize=PROGRAMS)
def vector_step_of(config: TrainingConfig, dtype: str) -> VectorStep:
    return VectorStep(config, dtype)


def fit_in_vectors(
    runner: Runner, program: Program, state: TrainState, feed: Feed, scalars: Scalars, watch: Watch
) -> Record:
    steps = len(scalars["lr"])
    record = program.empty_record(state, steps, watch)
    step = vector_step(program.config, program.dtype)
    vectors = step.vectors(state)
    run = runner(step, vectors, record.losses, feed, flat_scalars(program, scalars, steps_done(state)))
    for start, stop, *slots in segments(steps, watch.evaluate_at, watch.checkpoints_at):
        run(start, stop)
        step.show(vectors, state)
        program.keep(state, record, watch.evaluate, *slots)
        if watch.progress:
            watch.progress(stop)
    step.give_back(vectors, state, steps)
    return cut(record)


def step_of_run(
    fit: Callable[..., Record], program: Program, state: TrainState, batch: DeviceBatch, scalars: Mapping[str, float]
) -> Tensor:
    rows = torch.arange(len(batch.inputs), dtype=torch.int32, device=batch.inputs.device).unsqueeze(0)
    feed = Feed(batch.inputs, batch.targets, rows, {name: mask.unsqueeze(0) for name, mask in batch.masks.items()})
    nothing = Watch(batch.inputs[:0], (), (), None)
    return fit(program, state, feed, {name: [value] for name, value in scalars.items()}, nothing).losses[0]


def steps_done(state: TrainState) -> int:
    return int(state.optimizer.state[next(iter(state.parameters.values()))]["step"])


def flat_scalars(program: Program, scalars: Scalars, first: int) -> Tensors:
    """By name (S,): what the update needs at each step from step `first` on; corrections in float64 before they are rounded."""
    config, given = program.config.optimizer, {name: np.array(values) for name, values in scalars.items()}
    needed = given | corrections(config, given["lr"], np.arange(first + 1.0, first + 1.0 + len(given["lr"])))
    with np.errstate(over="ignore"):
        return {
            name: torch.from_numpy(values.astype(program.dtype)).to(program.device) for name, values in needed.items()
        }
