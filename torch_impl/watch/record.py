"""What is known of one network that a program trains."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from parity.contract import Evaluation, Operation, Parameter, Place, Trace, Training, WatchedOptimizer, WatchedStep
from parity.contract.places import user_place
from torch_impl.watch.tracer import Tracer

LARGEST = 4_000_000  # Numbers of one array that are kept.
SHAPES = 64  # Shapes of which evaluations are kept.
KEPT = 3  # Evaluations of each shape that are kept from the beginning, and as many from the end.
BOUNDED = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}
NEAR_END = 1e-3
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
    place: Place | None
    step: int
    target: Tensor | None = None
    compared: Tensor | None = None

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


@dataclass
class Open:
    """A step that is being looked at."""

    number: int
    loss: Tensor
    forwards: list[Forward]
    leftover: bool
    weights: dict[int, Tensor]
    gradients: dict[int, float]
    learning_rate: float | None = None


class Record:
    def __init__(self, networks: list[nn.Module]) -> None:
        self.networks = networks
        self.losses: list[float] = []
        self.backwards = self.updates = 0
        self.backward_place: Place | None = None
        self.update_place: Place | None = None
        self.forward_place: Place | None = None
        self.optimizers: list[Optimizer] = []
        self.steps: list[WatchedStep] = []
        self.first_evaluations: dict[tuple[int, ...], list[Evaluation]] = {}
        self.last_evaluations: dict[tuple[int, ...], list[Evaluation]] = {}
        self.shapes: set[torch.Size] = set()
        self.opened: Open | None = None
        self.passed_back = False
        self.fresh = True  # No backward pass yet since the last update.
        self.names: dict[int, str] = {}
        self.leaves: dict[int, Tensor] = {}
        self.initials: dict[int, NDArray[Any]] = {}
        self.last: tuple[int, dict[str, Tensor]] | None = None
        self.replaced: dict[int, Place | None] = {}
        self.reached: set[int] = set()
        # What a loss was seen to depend on, or the network's own forward pass to take; the rest has no part in it.
        self.used: set[int] = set()
        self.facts: dict[str, Place | None] = {}

    def join(self, networks: list[nn.Module]) -> None:
        """More networks that are trained together with these."""
        self.networks += [network for network in networks if not any(network is own for own in self.networks)]

    # One step.

    def count_backward(self, loss: Tensor, place: Place | None) -> None:
        self.backwards += 1
        self.passed_back = True
        self.backward_place = place
        if loss.numel() == 1:
            self.losses.append(loss.item())
        if not loss.requires_grad:
            self.facts.setdefault("detached-graph", place)

    def count_update(self, optimizer: Optimizer, place: Place | None) -> None:
        self.updates += 1
        self.fresh = True
        self.update_place = place
        if not any(optimizer is known for known in self.optimizers):
            self.optimizers.append(optimizer)
        self.passed_back = False

    def open_step(
        self, number: int, loss: Tensor, forwards: list[Forward], tracer: Tracer, frame: FrameType | None = None
    ) -> None:
        self._learn_names(tracer, frame)
        for forward in forwards:
            self.forward_place = forward.place
            self.shapes.add(forward.inputs.shape)
        old = self.fresh and any(leaf.grad is not None and bool(leaf.grad.any()) for leaf in self.leaves.values())
        self.fresh = False
        weights = {key: leaf.detach().clone() for key, leaf in self.leaves.items()}
        self._note_moves(number, weights)
        for key, value in weights.items():
            self.initials.setdefault(key, value.cpu().numpy())
        self.opened = Open(number, loss, forwards, old, weights, {})

    def _note_moves(self, number: int, weights: Mapping[int, Tensor]) -> None:
        """What the step before moved, told by what the names hold now: a program may have put new tensors there."""
        named = {self.names[key]: value for key, value in weights.items()}
        before, self.last = self.last, (number, named)
        if before is not None and before[0] == number - 1 and self.steps and self.steps[-1].number == before[0]:
            moves = {
                name: float((value - before[1][name]).norm())
                for name, value in named.items()
                if name in before[1] and before[1][name].shape == value.shape
            }
            self.steps[-1] = replace(self.steps[-1], moves=moves)

    def _rate_by_hand(self) -> dict[str, float]:
        """The learning rate of p - rate * gradient, as far as moves and gradients tell."""
        rates = [
            step.moves[name] / norm
            for step in self.steps
            for name, norm in step.gradients.items()
            if norm > 0 and step.moves.get(name, 0.0) > 0
        ]
        return {"learning_rate": float(np.median(rates))} if rates else {}

    def note_gradients(self, given: Mapping[int, Tensor | None] | None = None) -> None:
        if self.opened is None:
            return
        self.opened.leftover = self.opened.leftover and given is None
        for key, leaf in self.leaves.items():
            gradient = leaf.grad if given is None else given.get(key)
            if gradient is not None:
                self.reached.add(key)
                self.opened.gradients[key] = float(gradient.norm())

    def before_update(self, optimizer: Optimizer) -> None:
        if self.opened is not None:
            self.opened.learning_rate = float(optimizer.param_groups[0]["lr"])

    def close_step(self, tracer: Tracer) -> None:
        opened, self.opened = self.opened, None
        self.passed_back = False
        if opened is None:
            return
        keys = {tracer.key(leaf): self.names[key] for key, leaf in self.leaves.items()}
        made = {operation.result for operation in tracer.operations}
        earlier = [key for key, tensor in tracer.tensors.items() if key not in made and tensor.grad_fn is not None]
        trace = Trace(tuple(tracer.operations), keys, earlier)
        meeting = trace.meeting(tracer.key(opened.loss))
        used = trace.used(tracer.key(opened.loss))
        # Before the first step everything was made, and what drew the first values is no use of them.
        forward = bool(self.steps)
        own = {id(parameter) for network in self.networks for parameter in network.parameters() if forward}
        self.used |= {
            key
            for key, leaf in self.leaves.items()
            if tracer.key(leaf) in used or (key in own and tracer.key(leaf) in tracer.leaves)
        }
        operations: tuple[Operation, ...] = ()
        inputs = prediction = target = None
        # A loss, or a prediction, that no operation of this step has made.
        stale = tracer.key(opened.loss) not in made and opened.loss.grad_fn is not None
        if meeting is not None:
            prediction, target = tracer.tensors[meeting.prediction], tracer.tensors[meeting.target]
            way, results, source = trace.chain(meeting.prediction)
            stale = stale or trace.end(meeting.prediction) in earlier
            operations = tuple(
                measured(operation, tracer.tensors[result], before)
                for operation, result, before in zip(way, results, self._befores(trace, tracer, results), strict=True)
            )
            inputs = tracer.tensors.get(source) if source is not None else None
        elif opened.forwards:
            prediction = opened.forwards[-1].answer
        if opened.forwards:
            inputs = opened.forwards[0].inputs
        self.steps.append(
            WatchedStep(
                number=opened.number,
                loss=float(opened.loss.detach()) if opened.loss.numel() == 1 else float("nan"),
                loss_place=meeting.place if meeting else None,
                loss_function=meeting.function if meeting else "",
                inputs=kept(inputs),
                predictions=kept(prediction),
                targets=kept(target),
                operations=operations,
                learning_rate=opened.learning_rate,
                training=opened.forwards[-1].training if opened.forwards else None,
                leftover=opened.leftover,
                gradients={self.names[key]: norm for key, norm in opened.gradients.items()},
                weights={self.names[key]: float(value.norm()) for key, value in opened.weights.items()},
                moves={
                    self.names[key]: float((self.leaves[key].detach() - value).norm())
                    for key, value in opened.weights.items()
                    if self.leaves[key].shape == value.shape
                },
                stale=stale,
            )
        )

    @staticmethod
    def _befores(trace: Trace, tracer: Tracer, results: Sequence[Any]) -> list[Tensor | None]:
        """What each operation of the way was given."""
        return [
            next((tracer.tensors.get(a) for a in trace.makers[r].arguments if a not in trace.parameters), None)
            for r in results
        ]

    # Names and values.

    def _learn_names(self, tracer: Tracer, frame: FrameType | None) -> None:
        prefixed = len(self.networks) > 1
        for i, network in enumerate(self.networks):
            for name, parameter in network.named_parameters():
                self._learn(parameter, f"{type(network).__name__}{i}.{name}" if prefixed else name, frame)
        for leaf in tracer.leaves.values():
            # Of a network, tensors that it uses and has not registered; of functions, all that ask for gradients.
            own = not self.networks or isinstance(leaf, nn.Parameter)
            mine = own and leaf.requires_grad and leaf.is_floating_point()
            if mine and id(leaf) not in self.names:
                self._learn(leaf, variable_name(leaf, frame) or f"parameter {len(self.names)}", frame)

    def _learn(self, leaf: Tensor, name: str, frame: FrameType | None) -> None:
        """A tensor under the name of another has taken its place."""
        if id(leaf) in self.names:
            return
        for old in [key for key, known in self.names.items() if known == name and key in self.leaves]:
            self.replaced[old] = user_place(frame)
            self.leaves.pop(old)
            self.names.pop(old)  # Once it is gone, another tensor may take over its identity.
            if old in self.initials:
                self.initials[id(leaf)] = self.initials.pop(old)
        self.leaves[id(leaf)], self.names[id(leaf)] = leaf, name

    def add_evaluation(self, forward: Forward) -> None:
        """Keep copies: the program may use the same memory for something else."""
        shape = tuple(forward.inputs.shape)
        answer = forward.answer if forward.compared is None else forward.compared
        predictions = kept(answer)
        if predictions is None or (shape not in self.first_evaluations and len(self.first_evaluations) >= SHAPES):
            return
        told = Evaluation(
            forward.step, kept(forward.inputs), predictions, kept(forward.target), forward.training, forward.place
        )
        first = self.first_evaluations.setdefault(shape, [])
        if len(first) < KEPT:
            first.append(told)
        else:
            last = self.last_evaluations.setdefault(shape, [])
            last.append(told)
            del last[:-KEPT]

    def add_block(self, tracer: Tracer, step: int, place: Place | None) -> None:
        """What functions computed without gradients, where it was compared with something."""
        keys = {tracer.key(leaf): self.names[key] for key, leaf in self.leaves.items()}
        trace = Trace(tuple(o for o in tracer.operations if o.result not in tracer.leaves), keys)
        meeting = trace.first_meeting()
        if meeting is None:
            return
        _, _, source = trace.chain(meeting.prediction)
        inputs = tracer.tensors.get(source) if source is not None else None
        if inputs is not None and inputs.ndim:
            prediction = tracer.tensors[meeting.prediction]
            forward = Forward(
                None, inputs, prediction, None, False, place, step, tracer.tensors[meeting.target], prediction
            )
            self.add_evaluation(forward)

    def training(self, networks: Networks, records: Sequence["Record"]) -> Training:
        """All of it, in the contract's terms."""
        held = networks.held()
        optimizer = next((told for made, told in networks.optimizers if any(made is o for o in self.optimizers)), None)
        if optimizer is None:
            mine = [
                told
                for made, told in networks.optimizers
                if any(id(p) in self.leaves for g in made.param_groups for p in g["params"])
            ]
            optimizer = mine[-1] if mine else None
        by_hand = not self.updates and bool(self.moved())
        for key, place in self.replaced.items():
            if key in held:
                self.facts.setdefault("graph-not-rebuilt", place)
        if by_hand and not self.optimizers:
            optimizer = WatchedOptimizer("by hand", self._rate_by_hand())
        others = {key for record in records if record is not self for key in record.moved()}
        parameters = tuple(
            Parameter(
                name=self.names[key],
                initial=self.initials.get(key, leaf.detach().cpu().numpy()),
                final=leaf.detach().cpu().numpy().copy(),
                trainable=leaf.requires_grad,
                held=key in held or by_hand,
                reached=key in self.reached,
                trained_before=key in networks.loaded or key in others,
            )
            for key, leaf in self.leaves.items()
            if key in self.used or not self.used or key in self.reached
        )
        evaluations = [
            told
            for by_shape in (self.first_evaluations, self.last_evaluations)
            for one_shape in by_shape.values()
            for told in one_shape
        ]
        return Training(
            network=type(self.networks[-1]).__name__ if self.networks else "functions",
            optimizer=optimizer,
            losses=np.array(self.losses),
            backwards=self.backwards,
            updates=self.updates or (self.backwards if by_hand else 0),
            parameters=parameters,
            steps=tuple(self.steps),
            evaluations=tuple(sorted(evaluations, key=lambda evaluation: evaluation.after)),
            backward_place=self.backward_place,
            update_place=self.update_place,
            forward_place=self.forward_place,
            replayable=networks.initial(self.networks) is not None,
            facts=self.facts,
        )

    def moved(self) -> set[int]:
        """The tensors that this training changed."""
        return {
            key
            for key, leaf in self.leaves.items()
            if key in self.initials
            and not np.array_equal(self.initials[key], leaf.detach().cpu().numpy(), equal_nan=True)
        }


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


def measured(operation: Operation, result: Tensor, before: Tensor | None) -> Operation:
    """An operation with what its units did for the rows of the step."""
    values = result.detach()
    if operation.kind == "activation" and values.is_floating_point() and values.ndim >= 1 and values.numel():
        units = values.reshape(-1, values.shape[-1])
        if operation.name in BOUNDED:
            low, high = BOUNDED[operation.name]
            ends = (units - low < NEAR_END * (high - low)) | (high - units < NEAR_END * (high - low))
            return replace(operation, ends=float(ends.float().mean()))
        return replace(operation, off=float((units == 0).all(0).float().mean()))
    if operation.kind == "batch_norm" and before is not None:
        columns = before.detach().double().transpose(1, -1).reshape(-1, before.shape[1])
        spread = columns.std(0, correction=0).clamp(min=torch.finfo(torch.float32).tiny)
        return replace(operation, shift=float((columns.mean(0).abs() / spread).max()))
    return operation


def kept(tensor: Tensor | None) -> NDArray[Any] | None:
    """The numbers of a tensor, unless they are too many."""
    if tensor is None or tensor.numel() > LARGEST:
        return None
    values = tensor.detach().cpu()
    return (values.float() if values.dtype in (torch.float16, torch.bfloat16) else values).numpy().copy()


def variable_name(tensor: Tensor, frame: FrameType | None) -> str | None:
    """What the program calls a tensor: a variable, an entry of a list or dict, an attribute of `self`."""
    while frame is not None:
        for name, value in [*frame.f_locals.items(), *frame.f_globals.items()]:
            if value is tensor:
                return name
            if isinstance(value, list | tuple | dict):
                for key, item in value.items() if isinstance(value, dict) else enumerate(value):
                    if item is tensor:
                        return f"{name}[{key!r}]"
            elif any(item is tensor for item in getattr(value, "__dict__", {}).values()):
                return f"{name}.{next(key for key, item in vars(value).items() if item is tensor)}"
        frame = frame.f_back
    return None
