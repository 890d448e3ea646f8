"""One training program: what is computed in a step and in a run, on tensors of one device and dtype.

The state is changed in place, and what is done is done at once: PyTorch is eager.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

from parity.contract import Solver, TrainingConfig, segments
from torch_impl.losses import build_loss
from torch_impl.model import build_model
from torch_impl.objective import Objective
from torch_impl.optimizers import build_optimizer, clip_by_global_norm

Tensors = dict[str, Tensor]
Scalars = dict[str, list[float]]  # by name (S,)


class TrainState(NamedTuple):
    """Of one network, or of a stack of replicas: every tensor then has an axis R in front, and so has what it gives."""

    parameters: Tensors  # the model's own, by native name
    model: nn.Module
    optimizer: torch.optim.Optimizer
    stack: tuple[int, ...]  # (R,), or () of one network


class DeviceBatch(NamedTuple):
    inputs: Tensor  # (B, D)
    targets: Tensor  # (B, K)
    masks: Mapping[str, Tensor]  # (B, H)


class Feed(NamedTuple):
    """What all replicas share, or, with an axis R in front, what is their own."""

    inputs: Tensor  # (N, D)
    targets: Tensor  # (N, K)
    rows: Tensor | None  # (S, B)
    masks: Mapping[str, Tensor]  # (S, B, H)

    def batch(self, i: int) -> DeviceBatch:
        masks = {name: mask.select(-3, i) for name, mask in self.masks.items()}
        if self.rows is None:
            return DeviceBatch(self.inputs, self.targets, masks)
        rows = self.rows.select(-2, i)
        return DeviceBatch(picked(self.inputs, rows), picked(self.targets, rows), masks)


class Watch(NamedTuple):
    evaluate: Tensor  # (V, D)
    evaluate_at: Sequence[int]  # E steps
    checkpoints_at: Sequence[int]  # C steps
    progress: Callable[[int], None] | None


class Record(NamedTuple):
    """What a run leaves behind; of a stack with an axis R behind the first."""

    losses: Tensor  # (S,)
    predictions: Tensor  # (E + 1, V, K); here and below the last row is for what nobody asked to keep
    parameters: Tensors  # by native name (C + 1, ...)
    buffers: Tensors  # by native name (C + 1, ...)


class Program:
    def __init__(self, config: TrainingConfig, device: str, dtype: str, form: str = "built") -> None:
        self.config = config
        self.device = device
        self.dtype = dtype
        self.form = form  # of PyTorch's optimizers
        self.loss = build_loss(config.loss)

    def initial_state(self, stack: tuple[int, ...] = ()) -> TrainState:
        # From shapes alone: all weights come from the contract, and the global random state stays as it was.
        with torch.device("meta"):
            model = build_model(self.config.model, self.config.inputs, self.config.outputs, self.dtype)
        for tensor in (*model.parameters(), *model.buffers()):
            tensor.data = tensor.new_empty((*stack, *tensor.shape))
        model.to_empty(device=self.device)
        parameters = dict(model.named_parameters())
        optimizer = build_optimizer(self.config.optimizer, list(parameters.values()), self.form)
        return TrainState(parameters, model, optimizer, stack)

    @torch.no_grad()
    def predict(self, state: TrainState, inputs: Tensor, masks: Mapping[str, Tensor], training: bool) -> Tensor:
        state.model.train(training)
        return state.model(inputs, masks)

    def loss_and_grads(self, state: TrainState, batch: DeviceBatch, training: bool) -> tuple[Tensor, Tensors]:
        if state.model.training != training:
            state.model.train(training)
        for parameter in state.parameters.values():
            parameter.grad = None
        loss = self.batch_loss(state, batch)
        # Replicas do not meet: the gradient of the sum of their losses is each one's own.
        loss.backward(torch.ones_like(loss) if state.stack else None)
        return loss.detach(), {name: parameter.grad for name, parameter in state.parameters.items()}

    def batch_loss(self, state: TrainState, batch: DeviceBatch) -> Tensor:
        predictions = state.model(batch.inputs, batch.masks)
        if state.stack:
            return torch.vmap(self.loss)(predictions, batch.targets.expand_as(predictions))
        return self.loss(predictions, batch.targets)

    def step(self, state: TrainState, batch: DeviceBatch, scalars: Mapping[str, float]) -> Tensor:
        if isinstance(self.config.optimizer, Solver):
            return state.optimizer.step(self.objective(state, batch))
        loss, gradients = self.loss_and_grads(state, batch, training=True)
        (group,) = state.optimizer.param_groups
        for parameter, gradient in zip(group["params"], gradients.values(), strict=True):
            parameter.grad = gradient
        clip_by_global_norm(group["params"], self.config.clip_norm, stacked=bool(state.stack))
        group.update(scalars)
        state.optimizer.step()
        return loss

    def objective(self, state: TrainState, batch: DeviceBatch) -> Objective:
        def network(parameters: Tensors, inputs: Tensor) -> Tensor:
            return functional_call(state.model, parameters, (inputs, batch.masks))

        return Objective(self.config, network, self.loss, state.parameters, batch.inputs, batch.targets)

    def train(self, state: TrainState, losses: dict[int, Tensor], feed: Feed, scalars: Scalars, i: int) -> None:
        losses[i] = self.step(state, feed.batch(i), {name: values[i] for name, values in scalars.items()})

    def keep(self, state: TrainState, record: Record, evaluate: Tensor, evaluation: int, checkpoint: int) -> None:
        if evaluation < len(record.predictions) - 1:
            record.predictions[evaluation] = self.predict(state, evaluate, {}, training=False)
        for name, tensor in state.parameters.items():
            record.parameters[name][checkpoint] = tensor.detach()
        for name, tensor in state.model.named_buffers():
            record.buffers[name][checkpoint] = tensor

    def fit_by_steps(self, state: TrainState, feed: Feed, scalars: Scalars, watch: Watch) -> Record:
        steps = len(scalars["lr"])
        record = self.empty_record(state, steps, watch)
        for start, stop, *slots in segments(steps, watch.evaluate_at, watch.checkpoints_at):
            losses: dict[int, Tensor] = {}
            for i in range(start, stop):
                self.train(state, losses, feed, scalars, i)
            if losses:
                record.losses[start:stop] = torch.stack(list(losses.values()))  # Row by row they would take longer.
            self.keep(state, record, watch.evaluate, *slots)
            if watch.progress:
                watch.progress(stop)
        return cut(record)

    def empty_record(self, state: TrainState, steps: int, watch: Watch) -> Record:
        evaluations, checkpoints = len(watch.evaluate_at) + 1, len(watch.checkpoints_at) + 1
        shape = (evaluations, *state.stack, len(watch.evaluate), self.config.outputs)
        parameters, buffers = (
            {name: tensor.new_zeros((checkpoints, *tensor.shape)) for name, tensor in named.items()}
            for named in (state.parameters, dict(state.model.named_buffers()))
        )
        return Record(
            watch.evaluate.new_zeros(steps, *state.stack), watch.evaluate.new_zeros(shape), parameters, buffers
        )


def picked(columns: Tensor, rows: Tensor) -> Tensor:
    if rows.dim() == 1:
        return columns.index_select(-2, rows)
    return columns.expand(len(rows), *columns.shape[-2:]).take_along_dim(rows.long().unsqueeze(-1), 1)


def cut(record: Record) -> Record:
    parameters, buffers = (
        {name: rows[:-1] for name, rows in kept.items()} for kept in (record.parameters, record.buffers)
    )
    return Record(record.losses, record.predictions[:-1], parameters, buffers)


@contextmanager
def unmoved(model: nn.Module) -> Iterator[None]:
    """A forward pass in training mode moves the running statistics; a look at the state must not change it."""
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    try:
        yield
    finally:
        with torch.no_grad():
            for name, buffer in model.named_buffers():
                buffer.copy_(before[name])
