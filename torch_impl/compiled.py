"""Mode `compile`: network and loss under `torch.compile`, as one adds it to a loop of one's own; the optimizer is PyTorch's."""

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor
from torch.func import functional_call

from torch_impl.compiler import explained, load_compiler
from torch_impl.program import DeviceBatch, Program, Tensors, TrainState
from torch_impl.vectors import PROGRAMS, VectorStep, vector_step

Forward = Callable[[Tensors, DeviceBatch], Tensor]


class CompiledProgram(Program):
    def batch_loss(self, state: TrainState, batch: DeviceBatch) -> Tensor:
        if not state.model.training:
            return super().batch_loss(state, batch)
        loss = compiled_loss(vector_step(self.config, self.dtype))
        with explained():
            return loss(state.parameters | dict(state.model.named_buffers()), batch)


@lru_cache(maxsize=PROGRAMS)
def compiled_loss(step: VectorStep) -> Forward:
    """The loss of a batch in training mode as a function of all tensors of a network: one for all networks of a config."""
    load_compiler()

    def loss(tensors: Tensors, batch: DeviceBatch) -> Tensor:
        return step.loss(functional_call(step.model, tensors, (batch.inputs, batch.masks)), batch.targets)

    # Both as in `compiled_loop`.
    loss.__code__ = loss.__code__.replace()
    return torch.compile(loss, fullgraph=True, dynamic=False)
