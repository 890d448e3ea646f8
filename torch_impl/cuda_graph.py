"""Mode `cuda_graph`: steps captured into CUDA graphs, which a GPU replays without the host.

A graph holds the addresses of its tensors, so that a run copies its state and data into those of the graphs. What differs
from step to step is read on the device at the number of the step, which each step raises.
https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
"""

from collections.abc import Callable, Mapping
from functools import cache, partial

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from torch_impl.program import DeviceBatch, Feed, Program, Record, Scalars, Tensors, TrainState, Watch
from torch_impl.vectors import Run, Vectors, VectorStep, fit_in_vectors, step_of_run

TOGETHER = 32  # Steps in a graph: a call to replay one costs the host some microseconds.


def fit(program: Program, state: TrainState, feed: Feed, scalars: Scalars, watch: Watch) -> Record:
    return fit_in_vectors(graphs_of_run, program, state, feed, scalars, watch)


def step(program: Program, state: TrainState, batch: DeviceBatch, scalars: Mapping[str, float]) -> Tensor:
    """A run of one step: a graph as those of a run are."""
    return step_of_run(fit, program, state, batch, scalars)


def graphs_of_run(step: VectorStep, vectors: Vectors, losses: Tensor, feed: Feed, scalars: Tensors) -> Run:
    i = torch.zeros(1, dtype=torch.int64, device=losses.device)

    def steps(many: int) -> None:
        for _ in range(many):
            step.train(vectors, losses, feed, scalars, i)
            i.add_(1)

    # What PyTorch sets up at a first call can't be captured: one step is done beforehand, and undone.
    before = pytree.tree_map(torch.clone, vectors)
    steps(1)
    pytree.tree_map(Tensor.copy_, vectors, before)

    @cache
    def replay(many: int) -> Callable[[], None]:
        return captured(partial(steps, many))

    def run(start: int, stop: int) -> None:
        i.fill_(start)
        graphs, rest = divmod(stop - start, TOGETHER)
        for many, times in ((TOGETHER, graphs), (1, rest)):
            for _ in range(times):
                replay(many)()

    return run


def captured(work: Callable[[], None]) -> Callable[[], None]:
    """Work on the GPU as one call that does it again; it is not done while it is captured."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay
