"""Bare PyTorch loops."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.peers.job import Job
from benchmarks.peers.peer import Peer, Stopwatch

TOLD_EVERY = 100
"""Steps between the losses that the tutorial prints."""


class Documented(Peer):
    """The loop of PyTorch's tutorial (docs.pytorch.org/tutorials/beginner/basics/optimization_tutorial.html), with Adam."""

    note = "DataLoader is given our batches in the place of shuffle=True"

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self.model, self.loss = network(job), nn.MSELoss()
        self.optimizer = adam(job, self.model.parameters())

    def losses(self, steps: int) -> Sequence[float]:
        return [self.step(inputs, targets).item() for inputs, targets in loader(self.job, steps)]

    def train(self, steps: int, watch: Stopwatch) -> None:
        batches = loader(self.job, steps)
        with watch:
            for i, (inputs, targets) in enumerate(batches):
                loss = self.step(inputs, targets)
                if i % TOLD_EVERY == 0:
                    loss.item()

    def step(self, inputs: Tensor, targets: Tensor) -> Tensor:
        loss = self.loss(self.model(inputs), targets)
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss


class Fused(Peer):
    """The least that the eager framework needs: all rows in two tensors, batches picked from them, Adam in its fused form."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self.model, self.loss = network(job), nn.MSELoss()
        self.optimizer = adam(job, self.model.parameters(), fused=True)
        self.inputs, self.targets = torch.tensor(job.inputs), torch.tensor(job.targets)

    def losses(self, steps: int) -> Sequence[float]:
        return [self.step(rows).item() for rows in torch.tensor(self.job.rows(steps))]

    def train(self, steps: int, watch: Stopwatch) -> None:
        order = torch.tensor(self.job.rows(steps))
        with watch:
            for rows in order:
                self.step(rows)

    def step(self, rows: Tensor) -> Tensor:
        self.optimizer.zero_grad()
        loss = self.loss(self.model(self.inputs[rows]), self.targets[rows])
        loss.backward()
        self.optimizer.step()
        return loss


def network(job: Job) -> nn.Sequential:
    """The network with the weights that it is given."""
    modules: list[nn.Module] = []
    for kernel, bias in job.layers:
        linear = nn.Linear(*kernel.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(kernel.T))
            linear.bias.copy_(torch.tensor(bias))
        modules += [linear, nn.Tanh()]
    return nn.Sequential(*modules[:-1])


def adam(job: Job, parameters: Iterable[Tensor], **form: bool) -> torch.optim.Adam:
    """The optimizer, in the form that PyTorch takes by itself unless another is asked for."""
    of = job.adam
    return torch.optim.Adam(parameters, lr=of.learning_rate, betas=(of.b1, of.b2), eps=of.eps, **form)


def loader(job: Job, steps: int) -> DataLoader[tuple[Tensor, ...]]:
    """Batches as PyTorch's own loader gives them, in our order."""
    rows = TensorDataset(torch.tensor(job.inputs), torch.tensor(job.targets))
    return DataLoader(rows, batch_sampler=job.rows(steps).tolist())
