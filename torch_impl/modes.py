"""The ways a training is carried out; all compute the same."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from torch import Tensor

from parity.contract import InputError, Solver, TrainingConfig
from torch_impl import cuda_graph, flat, idiomatic
from torch_impl.compiled import CompiledProgram
from torch_impl.compiler import require_compiler
from torch_impl.program import DeviceBatch, Program, Record, TrainState


def step(program: Program, state: TrainState, batch: DeviceBatch, scalars: Mapping[str, float]) -> Tensor:
    return program.step(state, batch, scalars)


class Mode(NamedTuple):
    fit: Callable[..., Record]  # of program, state, feed, scalars, watch
    step: Callable[..., Tensor]  # of program, state, batch, scalars
    stack: int  # How many numbers a stack of replicas holds at most; benchmarks/replica_cost.py shows what it costs.
    devices: tuple[str, ...] = ("cpu", "cuda")
    solves: bool = True  # It runs solvers too, and not first-order optimizers alone.
    form: str = "built"  # In which PyTorch's optimizers run.
    program: type[Program] = Program
    compiles: bool = False  # It needs a C++ compiler.


MODES = {
    "eager": Mode(Program.fit_by_steps, step, stack=2**18),
    "foreach": Mode(Program.fit_by_steps, step, stack=2**18, form="foreach", solves=False),
    "loop": Mode(Program.fit_by_steps, step, stack=2**18, form="loop", solves=False),
    "compile": Mode(
        Program.fit_by_steps,
        step,
        stack=0,
        devices=("cpu",),
        solves=False,
        program=CompiledProgram,
        compiles=True,
    ),
    "idiomatic": Mode(idiomatic.fit, idiomatic.step, stack=0, form="default"),
    "flat": Mode(flat.fit, flat.step, stack=0, devices=("cpu",), solves=False, compiles=True),
    "cuda_graph": Mode(cuda_graph.fit, cuda_graph.step, stack=0, devices=("cuda",), solves=False),
}


def check_mode(config: TrainingConfig, mode: str, device: str) -> None:
    """Raise InputError where a mode can't run a config, or not on this device, or needs a compiler that is not here."""
    can = MODES[mode]
    if isinstance(config.optimizer, Solver) and not can.solves:
        others = ", ".join(name for name in MODES if MODES[name].solves)
        raise InputError(
            f"The mode {mode!r} of torch can't run {type(config.optimizer).__name__}, which looks at the loss several times in "
            f"a step: it runs those optimizers alone whose step is a function of the gradient. Use one of {others}."
        )
    if device not in can.devices:
        others = ", ".join(name for name in MODES if device in MODES[name].devices)
        raise InputError(
            f"The mode {mode!r} of torch runs on {', '.join(can.devices)}, not on {device}. Use one of {others}."
        )
    if can.compiles:
        require_compiler(mode)
