"""The modes of execution: how a run and a step are done, and what each cannot do."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from parity.contract import Solver, TrainingConfig, require
from torch_impl.compiled import CompiledProgram
from torch_impl.cuda_graph import fit_by_graphs, step_by_graphs
from torch_impl.flat import fit_flat, require_compiler, step_flat
from torch_impl.idiomatic import fit_as_documented, step_as_documented
from torch_impl.program import Program, Record


class Mode(NamedTuple):
    fit: Callable[..., Record]
    step: Callable[..., Tensor]
    stack: int  # How many numbers a stack of replicas holds at most; benchmarks/replica_cost.py shows what it costs.
    form: str = "fused"  # Of PyTorch's optimizers.
    program: type[Program] = Program
    devices: tuple[str, ...] = ("cpu", "cuda")
    solves: bool = False  # Whether it runs solvers.
    compiles: bool = False  # Whether it needs a C++ compiler.


MODES = {
    "eager": Mode(Program.fit_by_steps, Program.step, stack=2**18, solves=True),
    "foreach": Mode(Program.fit_by_steps, Program.step, stack=2**18, form="foreach"),
    "loop": Mode(Program.fit_by_steps, Program.step, stack=2**18, form="loop"),
    "compile": Mode(
        Program.fit_by_steps, Program.step, stack=0, program=CompiledProgram, devices=("cpu",), compiles=True
    ),
    "idiomatic": Mode(fit_as_documented, step_as_documented, stack=0, form="default"),
    "flat": Mode(fit_flat, step_flat, stack=0, devices=("cpu",), compiles=True),
    "cuda_graph": Mode(fit_by_graphs, step_by_graphs, stack=0, devices=("cuda",)),
}


def require_able(mode: str, config: TrainingConfig, device: str) -> None:
    """Raise InputError where a mode can't run a config on a device, or here."""
    can = MODES[mode]
    require(
        device in can.devices,
        f"The mode of torch is {mode!r} and the device {device!r}; it runs on {' and '.join(can.devices)}. On {device} "
        f"there are {', '.join(name for name, other in MODES.items() if device in other.devices)}.",
    )
    optimizer = type(config.optimizer).__name__
    require(
        can.solves or not isinstance(config.optimizer, Solver),
        f"The mode of torch is {mode!r} and the optimizer {optimizer}, which looks at the loss several times in a step; it "
        f"runs optimizers that take one gradient a step (Adam, SGD, ...). With {optimizer} use the mode "
        f"{', '.join(name for name, other in MODES.items() if other.solves)}.",
    )
    if can.compiles:
        require_compiler(mode)
