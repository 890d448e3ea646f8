"""What is known of one network that a program trains."""

from collections.abc import Collection, Mapping, Sequence
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
from torch_impl.watch.networks import Forward, Networks
from torch_impl.watch.tracer import Tracer
from torch_impl.watch.values import kept, measured, variable_name

SHAPES = 64  # Shapes of which evaluations are kept.
KEPT = 3  # Evaluations of each shape that are kept from the beginning, and as many from the end.


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
        self.changed_in_vain: set[int] = set()
        """Tensors that an optimizer went on with when others had taken their places."""
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
        if self.replaced.keys() - self.changed_in_vain:
            held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
            self.changed_in_vain |= self.replaced.keys() & held
        self.passed_back = False

    def open_step(
        self, number: int, loss: Tensor, forwards: list[Forward], tracer: Tracer, frame: FrameType | None = None
    ) -> None:
        self._learn_names(tracer, frame)
        for forward in forwards:
            self.forward_place = forward.place
            self.shapes.add(forward.inputs.shape)
        # What is frozen by now may keep the gradients of an earlier training.
        trained = [leaf for leaf in self.leaves.values() if leaf.requires_grad and leaf.grad is not None]
        old = self.fresh and any(bool(leaf.grad.any()) for leaf in trained)
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
        self._note_used(tracer, trace.used(tracer.key(opened.loss)))
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
                moves=self._moves(opened.weights),
                stale=stale,
            )
        )

    def _moves(self, weights: Mapping[int, Tensor]) -> dict[str, float]:
        """How far each parameter is from what it was."""
        return {
            self.names[key]: float((self.leaves[key].detach() - value).norm())
            for key, value in weights.items()
            if self.leaves[key].shape == value.shape
        }

    def _note_used(self, tracer: Tracer, by_loss: Collection[Any]) -> None:
        # Before the first step everything was made, and what drew the first values is no use of them.
        networks = self.networks if self.steps else []
        own = {id(parameter) for network in networks for parameter in network.parameters()}
        for key, leaf in self.leaves.items():
            if tracer.key(leaf) in by_loss or (key in own and tracer.key(leaf) in tracer.leaves):
                self.used.add(key)

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
        predictions = kept(forward.answer)
        if predictions is None or (shape not in self.first_evaluations and len(self.first_evaluations) >= SHAPES):
            return
        told = Evaluation(
            forward.step,
            kept(forward.inputs),
            predictions,
            kept(forward.target),
            forward.training,
            forward.stack,
            None if forward.compared is forward.answer else kept(forward.compared),
        )
        first = self.first_evaluations.setdefault(shape, [])
        if len(first) < KEPT:
            first.append(told)
        else:
            last = self.last_evaluations.setdefault(shape, [])
            last.append(told)
            del last[:-KEPT]

    def add_block(self, tracer: Tracer, step: int, stack: tuple[Place, ...]) -> None:
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
            target = tracer.tensors[meeting.target]
            forward = Forward(None, inputs, prediction, None, False, stack, step, target, prediction)
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
            if key in self.changed_in_vain:
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
