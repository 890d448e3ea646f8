"""Mode `idiomatic`: the training loop as PyTorch's tutorials write it.

https://docs.pytorch.org/tutorials/beginner/basics/optimization_tutorial.html: a DataLoader over a TensorDataset, `backward`
into the parameters, the optimizer in the form it takes by itself, and the loss read as a number at every step. Given are
only the order of the rows, the masks, and a rate for each step, so that it computes what the other modes do.
"""

from collections.abc import Mapping
from itertools import repeat

from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from parity.contract import Solver, segments
from torch_impl.optimizers import clip_by_global_norm
from torch_impl.program import DeviceBatch, Feed, Program, Record, Scalars, TrainState, Watch, cut


def fit(program: Program, state: TrainState, feed: Feed, scalars: Scalars, watch: Watch) -> Record:
    steps = len(scalars["lr"])
    record = program.empty_record(state, steps, watch)
    batches = iter(loader(feed, steps))
    running_loss = 0.0
    for start, stop, *slots in segments(steps, watch.evaluate_at, watch.checkpoints_at):
        for i in range(start, stop):
            inputs, targets = (column.to(program.device) for column in next(batches))
            batch = DeviceBatch(inputs, targets, {name: mask[i] for name, mask in feed.masks.items()})
            loss = step(program, state, batch, {name: values[i] for name, values in scalars.items()})
            running_loss += loss.item()
            record.losses[i] = loss
        program.keep(state, record, watch.evaluate, *slots)
        if watch.progress:
            watch.progress(stop)
    return cut(record)


def loader(feed: Feed, steps: int) -> DataLoader:
    rows = repeat(list(range(len(feed.inputs))), steps) if feed.rows is None else feed.rows.tolist()
    return DataLoader(TensorDataset(feed.inputs.cpu(), feed.targets.cpu()), batch_sampler=rows, num_workers=0)


def step(program: Program, state: TrainState, batch: DeviceBatch, scalars: Mapping[str, float]) -> Tensor:
    if isinstance(program.config.optimizer, Solver):
        return program.step(state, batch, scalars)
    state.model.train()
    state.optimizer.zero_grad()
    predictions = state.model(batch.inputs, batch.masks)
    loss = program.loss(predictions, batch.targets)
    loss.backward()
    clip_by_global_norm(list(state.parameters.values()), program.config.clip_norm, stacked=False)
    for group in state.optimizer.param_groups:
        group.update(scalars)
    state.optimizer.step()
    return loss.detach()
