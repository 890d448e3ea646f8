"""The mode `flat`: all parameters in one vector, each slot of the optimizer in another, and a whole run compiled."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from parity.contract import segments
from torch_impl.compiled_loop import Run, compiled_run
from torch_impl.program import DeviceBatch, Feed, Program, Record, Scalars, TrainState, Watch, cut
from torch_impl.vectors import flat_scalars, vector_step

Runner = Callable[..., Run]  # Of a step, vectors, losses (S,), feed and scalars.


def fit(program: Program, state: TrainState, feed: Feed, scalars: Scalars, watch: Watch) -> Record:
    return fit_in_vectors(compiled_run, program, state, feed, scalars, watch)


def step(program: Program, state: TrainState, batch: DeviceBatch, scalars: Mapping[str, float]) -> Tensor:
    """A run of one step: the same compiled loop."""
    return step_of_run(fit, program, state, batch, scalars)


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
