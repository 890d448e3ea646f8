"""A training step over vectors: all parameters in one vector x of P numbers, each slot of the optimizer in another.

PyTorch's own optimizers are objects that hold tensors; here their arithmetic is written out, to be compiled or captured.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import functional_call

from parity.contract import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Constant,
    Lion,
    NAdam,
    RAdam,
    RMSprop,
    TrainingConfig,
)
from torch_impl.losses import build_loss
from torch_impl.model import build_model
from torch_impl.objective import ravelled
from torch_impl.optimizers import slot_names
from torch_impl.program import DeviceBatch, Feed, Program, Scalars, Tensors, TrainState, picked

Slots = dict[str, Tensor]  # by the contract's name (P,)
PROGRAMS = 16  # How many are kept: compiled code takes memory.


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

    def unflatten(self, x: Tensor) -> Tensors:
        parts = x.split([shape.numel() for shape in self.shapes.values()])
        return {name: part.view(shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=True)}

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
        for name, part in self.unflatten(vectors.x).items():
            state.parameters[name].copy_(part)
        for name, buffer in state.model.named_buffers():
            buffer.copy_(vectors.buffers[name])

    @torch.no_grad()
    def give_back(self, vectors: Vectors, state: TrainState, steps: int) -> None:
        """Put all of it where a state has it, the count of steps too."""
        self.show(vectors, state)
        names = slot_names(self.config.optimizer)
        for slot, vector in vectors.slots.items():
            for name, part in self.unflatten(vector).items():
                state.optimizer.state[state.parameters[name]][names[slot]].copy_(part)
        for parameter in state.parameters.values():
            state.optimizer.state[parameter]["step"] += steps

    def step(self, vectors: Vectors, batch: DeviceBatch, scalars: Mapping[str, Tensor]) -> Tensor:
        """Train on one batch; the loss before the update."""
        x = vectors.x.detach().requires_grad_()
        with torch.enable_grad():
            tensors = {**self.unflatten(x), **vectors.buffers}
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


def sgd(config: SGD, x: Tensor, g: Tensor, slots: Slots, scalars: Mapping[str, Tensor]) -> Tensor:
    g = g + config.weight_decay * x if config.weight_decay else g
    if not config.momentum:
        return scalars["lr"] * g
    velocity = slots["momentum"].mul_(config.momentum).add_(g)
    return scalars["lr"] * (g + config.momentum * velocity if config.nesterov else velocity)


def adam(config: Adam | AdamW, x: Tensor, g: Tensor, slots: Slots, scalars: Mapping[str, Tensor]) -> Tensor:
    m, v = moments(config, g, slots)
    return scalars["corrected_rate"] * m / (v.sqrt() / scalars["root_correction"] + config.eps)


def adamw(config: AdamW, x: Tensor, g: Tensor, slots: Slots, scalars: Mapping[str, Tensor]) -> Tensor:
    return adam(config, x, g, slots, scalars) + scalars["lr"] * config.weight_decay * x


def rmsprop(config: RMSprop, x: Tensor, g: Tensor, slots: Slots, scalars: Mapping[str, Tensor]) -> Tensor:
    v = slots["mean_square"].mul_(config.decay).addcmul_(g, g, value=1.0 - config.decay)
    step = g / (v.sqrt() + config.eps)
    return scalars["lr"] * (slots["momentum"].mul_(config.momentum).add_(step) if config.momentum else step)


def adagrad(config: Adagrad, x: Tensor, g: Tensor, slots: Slots, scalars: Mapping[str, Tensor]) -> Tensor:
    return scalars["lr"] * g / (slots["sum_of_squares"].addcmul_(g, g).sqrt() + config.eps)


def nadam(config: NAdam, x: Tensor, g: Tensor, slots: Slots, scalars: Mapping[str, Tensor]) -> Tensor:
    m, v = moments(config, g, slots)
    root = v.sqrt() / scalars["root_correction"] + config.eps
    return (scalars["gradient_rate"] * g + scalars["momentum_rate"] * m) / root


def radam(config: RAdam, x: Tensor, g: Tensor, slots: Slots, scalars: Mapping[str, Tensor]) -> Tensor:
    m, v = moments(config, g, slots)
    rectification = scalars["rectification"]
    return scalars["corrected_rate"] * m * torch.where(rectification > 0, rectification / (v.sqrt() + config.eps), 1.0)


def adamax(config: Adamax, x: Tensor, g: Tensor, slots: Slots, scalars: Mapping[str, Tensor]) -> Tensor:
    m, u = slots["first_moment"].lerp_(g, 1.0 - config.b1), slots["infinity_norm"]
    u.copy_(torch.maximum(u * config.b2, g.abs() + config.eps))
    return scalars["corrected_rate"] * m / u


def adadelta(config: Adadelta, x: Tensor, g: Tensor, slots: Slots, scalars: Mapping[str, Tensor]) -> Tensor:
    v = slots["mean_square"].mul_(config.decay).addcmul_(g, g, value=1.0 - config.decay)
    w = slots["mean_square_update"]
    step = (w + config.eps).sqrt() / (v + config.eps).sqrt() * g
    w.mul_(config.decay).addcmul_(step, step, value=1.0 - config.decay)
    return scalars["lr"] * step


def lion(config: Lion, x: Tensor, g: Tensor, slots: Slots, scalars: Mapping[str, Tensor]) -> Tensor:
    m = slots["momentum"]
    step = (config.b1 * m + (1.0 - config.b1) * g).sign() + config.weight_decay * x
    m.lerp_(g, 1.0 - config.b2)
    return scalars["lr"] * step


def moments(config: Adam | AdamW | NAdam | RAdam, g: Tensor, slots: Slots) -> tuple[Tensor, Tensor]:
    """Both moments with the gradient in them."""
    m = slots["first_moment"].lerp_(g, 1.0 - config.b1)
    v = slots["second_moment"].mul_(config.b2).addcmul_(g, g, value=1.0 - config.b2)
    return m, v


# By optimizer the step (P,) that is subtracted from x; the formulas are those of the contract.
UPDATES: dict[type, Callable[..., Tensor]] = {
    SGD: sgd,
    Adam: adam,
    AdamW: adamw,
    RMSprop: rmsprop,
    Adagrad: adagrad,
    NAdam: nadam,
    RAdam: radam,
    Adamax: adamax,
    Adadelta: adadelta,
    Lion: lion,
}


def flat_scalars(program: Program, scalars: Scalars, first: int) -> Tensors:
    """By name (S,): what the update needs at each step from step `first` on; corrections in float64 before they are rounded."""
    config, given = program.config.optimizer, {name: np.array(values) for name, values in scalars.items()}
    needed = given | corrections(config, given["lr"], np.arange(first + 1.0, first + 1.0 + len(given["lr"])))
    with np.errstate(over="ignore"):
        return {
            name: torch.from_numpy(values.astype(program.dtype)).to(program.device) for name, values in needed.items()
        }


def corrections(config: Any, lr: NDArray[np.float64], t: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """What PyTorch's own optimizers compute for themselves: bias corrections at the steps t, counted from 1."""
    if isinstance(config, Adam | AdamW):
        return {"corrected_rate": lr / (1.0 - config.b1**t), "root_correction": np.sqrt(1.0 - config.b2**t)}
    if isinstance(config, Adamax):
        return {"corrected_rate": lr / (1.0 - config.b1**t)}
    if isinstance(config, RAdam):
        last, correction = 2.0 / (1.0 - config.b2) - 1.0, 1.0 - config.b2**t
        length = last - 2.0 * t * config.b2**t / correction
        longer = np.maximum(length, 5.0)
        squared = (longer - 4.0) * (longer - 2.0) * last / ((last - 4.0) * (last - 2.0) * longer)
        rectification = np.where(length > 5.0, np.sqrt(squared * correction), 0.0)
        return {"corrected_rate": lr / (1.0 - config.b1**t), "rectification": rectification}
    return {}


def vector_step(config: TrainingConfig, dtype: str) -> VectorStep:
    """The one step of all configs that compute alike: rates and the number of steps are data."""
    optimizer = replace(config.optimizer, learning_rate=1.0)
    return vector_step_of(replace(config, optimizer=optimizer, schedule=Constant(), steps=1), dtype)


@lru_cache(maxsize=PROGRAMS)
def vector_step_of(config: TrainingConfig, dtype: str) -> VectorStep:
    return VectorStep(config, dtype)
