"""A captured network, trained again from its initial weights as a plan says."""

import copy
import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from parity.contract import Replay, Replayed
from torch_impl.losses import build_loss
from torch_impl.optimizers import build_optimizer, step_scalars
from torch_impl.watch.layers import activate, redraw

SEED = 0  # Of what dropout draws.
STEPS_A_LOOK = 16  # Steps between two looks at the clock.


def replay(initial: nn.Module, plan: Replay) -> Replayed:
    """Train a copy of the network; what it was copied from, and the random state of whoever watches, stay as they are."""
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(SEED)
        return _replay(initial, plan)


def _replay(initial: nn.Module, plan: Replay) -> Replayed:
    network = copy.deepcopy(initial)
    first = next(network.parameters())

    def put(array: NDArray[Any]) -> Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(array)).to(first.device)
        return tensor.to(first.dtype) if tensor.is_floating_point() else tensor

    inputs, targets, evaluate = put(plan.data.inputs), put(plan.data.targets), put(plan.evaluate)
    if plan.redraw:
        redraw(network, inputs[:2], plan.width)
    remove = activate(network, inputs[:2], plan.activate) if plan.activate else []
    network.train()
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name not in plan.still)
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    rows = None if plan.rows is None else put(plan.rows.astype(np.int64))
    optimizer, loss_of = build_optimizer(plan.optimizer, trained), build_loss(plan.loss)
    scalars = {name: values.tolist() for name, values in step_scalars(plan.config, 0, plan.steps).items()}
    end, done = time.monotonic() + plan.seconds, 0
    for step in range(plan.steps):
        if step % STEPS_A_LOOK == 0 and time.monotonic() > end:
            break
        batch = slice(None) if rows is None else rows[step]
        if not plan.accumulate:
            optimizer.zero_grad()
        loss_of(network(inputs[batch]).reshape(targets[batch].shape), targets[batch]).backward()
        for group in optimizer.param_groups:
            group.update({name: values[step] for name, values in scalars.items()})
        optimizer.step()
        done += 1
    with torch.no_grad():
        predictions = network.eval()(evaluate)
    for handle in remove:
        handle.remove()
    return Replayed(predictions.reshape(len(evaluate), -1).cpu().numpy(), done)
