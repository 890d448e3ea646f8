"""One training program: what is computed in a step and in a run, on tensors of one device and dtype.

The state is changed in place, and what is done is done at once: PyTorch is eager.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from parity.contract import TrainingConfig, pauses
from torch_impl.losses import build_loss
from torch_impl.model import build_model
from torch_impl.optimizers import Scalars, build_optimizer, clip_by_global_norm

Tensors = dict[str, Tensor]


class TrainState(NamedTuple):
    model: nn.Module
    optimizer: torch.optim.Optimizer


class DeviceBatch(NamedTuple):
    inputs: Tensor  # (B, D)
    targets: Tensor  # (B, K)
    masks: Mapping[str, Tensor]  # (B, H)


class Feed(NamedTuple):
    inputs: Tensor  # (N, D)
    targets: Tensor  # (N, K)
    rows: Tensor | None  # (S, B)
    masks: Mapping[str, Tensor]  # (S, B, H)

    def batch(self, i: int) -> DeviceBatch:
        masks = {name: mask[i] for name, mask in self.masks.items()}
        if self.rows is None:
            return DeviceBatch(self.inputs, self.targets, masks)
        rows = self.rows[i]
        return DeviceBatch(self.inputs.index_select(0, rows), self.targets.index_select(0, rows), masks)


class Watch(NamedTuple):
    evaluate: Tensor  # (V, D)
    evaluate_at: Sequence[int]  # E steps
    checkpoints_at: Sequence[int]  # C steps
    progress: Callable[[int], None] | None


class Record(NamedTuple):
    losses: Tensor  # (S,)
    predictions: Tensor  # (E, V, K)
    parameters: Tensors  # by native name (C, ...)
    buffers: Tensors  # by native name (C, ...)


class Program:
    def __init__(self, config: TrainingConfig, device: str, dtype: str) -> None:
        self.config = config
        self.device = device
        self.dtype = dtype
        self.loss = build_loss(config.loss)

    def initial_state(self) -> TrainState:
        with torch.device(self.device):
            model = build_model(self.config.model, self.config.inputs, self.config.outputs, self.dtype)
        return TrainState(model, build_optimizer(self.config.optimizer, list(model.parameters())))

    @torch.no_grad()
    def predict(self, state: TrainState, inputs: Tensor, masks: Mapping[str, Tensor], training: bool) -> Tensor:
        state.model.train(training)
        buffers = copies(state.model.named_buffers())
        predictions = state.model(inputs, masks)
        restore(state.model, buffers)
        return predictions

    def loss_and_grads(self, state: TrainState, batch: DeviceBatch, training: bool) -> tuple[Tensor, Tensors]:
        state.model.train(training)
        buffers = copies(state.model.named_buffers())
        loss = self.loss(state.model(batch.inputs, batch.masks), batch.targets)
        names, parameters = zip(*state.model.named_parameters(), strict=True)
        gradients = torch.autograd.grad(loss, parameters)
        restore(state.model, buffers)
        return loss, dict(zip(names, gradients, strict=True))

    def step(self, state: TrainState, batch: DeviceBatch, scalars: Mapping[str, float]) -> Tensor:
        state.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(state.model(batch.inputs, batch.masks), batch.targets)
        loss.backward()
        group = state.optimizer.param_groups[0]
        clip_by_global_norm(group["params"], self.config.clip_norm)
        group.update(scalars)
        state.optimizer.step()
        return loss.detach()

    def fit_by_steps(self, state: TrainState, feed: Feed, scalars: Scalars, watch: Watch) -> Record:
        losses, predictions, parameters, buffers = [], [], [], []
        stops = pauses(len(scalars["lr"]), watch.evaluate_at, watch.checkpoints_at)
        for start, stop in pairwise([0, *stops]):
            state.model.train()
            for i, values in enumerate(scalar_rows(scalars, start, stop), start):
                losses.append(self.step(state, feed.batch(i), values))
            if stop in watch.evaluate_at:
                predictions.append(self.predict(state, watch.evaluate, {}, training=False))
            if stop in watch.checkpoints_at:
                parameters.append(copies(state.model.named_parameters()))
                buffers.append(copies(state.model.named_buffers()))
            if watch.progress:
                watch.progress(stop)
        return Record(torch.stack(losses), stack(predictions), stack_named(parameters), stack_named(buffers))


def scalar_rows(scalars: Scalars, start: int, stop: int) -> list[dict[str, float]]:
    columns = (values[start:stop].tolist() for values in scalars.values())
    return [dict(zip(scalars, row, strict=True)) for row in zip(*columns, strict=True)]


def copies(named: Iterable[tuple[str, Tensor]]) -> Tensors:
    return {name: tensor.detach().clone() for name, tensor in named}


def restore(model: nn.Module, buffers: Tensors) -> None:
    # A forward pass in training mode moves the running statistics; a look at the state must not change it.
    for name, buffer in model.named_buffers():
        buffer.copy_(buffers[name])


def stack(arrays: list[Tensor]) -> Tensor:
    return torch.stack(arrays) if arrays else torch.empty(0)


def stack_named(checkpoints: list[Tensors]) -> Tensors:
    return {name: torch.stack([each[name] for each in checkpoints]) for name in checkpoints[0]} if checkpoints else {}
