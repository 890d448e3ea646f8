"""The networks of a program, their calls, and the optimizers that were made for them."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn
from torch.optim import Optimizer

from parity.contract import Place, Trace, WatchedOptimizer
from torch_impl.watch.tracer import Tracer

# PyTorch's names of an optimizer's settings, by the contract's.
SETTINGS = {
    "learning_rate": "lr", "momentum": "momentum", "nesterov": "nesterov", "weight_decay": "weight_decay", "eps": "eps",
    "decay": "alpha", "dampening": "dampening",
}  # fmt: skip


class Networks:
    """The networks of a program as they first were, and what optimizers hold of them."""

    def __init__(self, failed: Callable[[str, Exception], None]) -> None:
        self.failed = failed
        self.known: dict[int, tuple[nn.Module, nn.Module | None]] = {}
        self.optimizers: list[tuple[Optimizer, WatchedOptimizer]] = []
        self.loaded: set[int] = set()
        self.take_several: set[int] = set()  # Networks that are given several tensors at a time.

    def meet(self, module: nn.Module) -> bool:
        """Take a copy of a network that was not seen before; says whether it is one."""
        if id(module) in self.known or not any(True for _ in module.parameters()):
            return False
        try:
            initial = copy.deepcopy(module)
        except Exception as error:
            initial = None
            self.failed("the network as it began", error)
        self.known[id(module)] = module, initial
        return True

    def initial(self, networks: Sequence[nn.Module]) -> nn.Module | None:
        """The one network of a training as it began; None where there are several, or none."""
        alone = len(networks) == 1 and id(networks[0]) not in self.take_several
        return self.known[id(networks[0])][1] if alone else None

    def held(self) -> set[int]:
        """All tensors that optimizers hold."""
        return {id(p) for optimizer, _ in self.optimizers for group in optimizer.param_groups for p in group["params"]}


@dataclass
class Forward:
    """A call of a network."""

    network: nn.Module | None
    inputs: Tensor
    answer: Tensor
    training: bool | None
    enabled: bool
    stack: tuple[Place, ...]
    step: int
    target: Tensor | None = None
    compared: Tensor | None = None

    @property
    def place(self) -> Place | None:
        """The line that called it."""
        return self.stack[0] if self.stack else None

    @property
    def for_gradients(self) -> bool:
        """Gradients may be asked for."""
        return self.enabled

    def compare(self, tracer: Tracer, first: int) -> None:
        """Find with what the answer was compared, among the operations behind the forward pass."""
        trace = Trace(tuple(tracer.operations[first:]), {}, (tracer.key(self.answer),))
        meeting = trace.first_meeting()
        if meeting is None:
            return
        target, compared = tracer.tensors[meeting.target], tracer.tensors[meeting.prediction]
        if compared.shape[:1] == self.answer.shape[:1] and target.shape[:1] == self.answer.shape[:1]:
            self.target, self.compared = target, compared


def watched_optimizer(optimizer: Optimizer, place: Place | None) -> WatchedOptimizer:
    """An optimizer's settings by the contract's names."""
    group = optimizer.param_groups[0]
    settings = {
        ours: float(group[theirs]) for ours, theirs in SETTINGS.items() if isinstance(group.get(theirs), int | float)
    }
    if "betas" in group:
        settings["b1"], settings["b2"] = map(float, group["betas"])
    if "rho" in group:
        settings["decay"] = float(group["rho"])
    return WatchedOptimizer(type(optimizer).__name__, settings, place)
