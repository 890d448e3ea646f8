"""The hooks: which calls of PyTorch are seen, and when a step is looked at closely."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import reduce, wraps
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from parity.contract import InputError, Recording, Replay, Replayed
from parity.contract.places import user_frame, user_place, user_stack
from torch_impl.watch.networks import Forward, Networks, watched_optimizer
from torch_impl.watch.record import Record
from torch_impl.watch.replay import replay
from torch_impl.watch.tracer import Tracer

CLOSELY = 32  # The first steps, all of which are looked at; then the gaps grow by this factor:
RARER = 1.15
EVALUATIONS = 4  # How often evaluations on rows of one shape are traced, to see what they are compared with.
BLOCKS = 64  # Blocks without gradients that are traced, where the network is made of functions.
FORWARDS = 64  # Forward passes that may wait for a backward pass.


class Watcher:
    framework = "torch"

    def __init__(self) -> None:
        self.tracer = Tracer(self.failed)
        self.networks = Networks(self.failed)
        self.records: list[Record] = []
        self.unseen: dict[str, str] = {}
        self.pending: list[Forward] = []  # Forward passes that neither a backward pass nor another one has followed.
        self.compared: tuple[Forward, int] | None = None
        self.evaluated: dict[tuple[int, ...], int] = {}
        self.blocks = 0
        self.depth = 0
        self.passed = 0  # Operations that were traced before the last backward pass ended.
        self.inside = False  # A backward pass calls itself by another name.
        self.entered = False
        self.step, self.next_look, self.begun = 0, 0, 0
        self.undo: list[Callable[[], Any]] = []

    def start(self) -> None:
        self._patch(nn.Module, "__call__", self._module_called)
        self._patch(nn.Module, "load_state_dict", self._state_loaded)
        self._patch(Tensor, "backward", self._backward)
        self._patch(torch.autograd, "backward", self._backward)
        self._patch(torch.autograd, "grad", self._gradients)
        self._patch(Optimizer, "__init__", self._optimizer_made)
        self._patch(torch.no_grad, "__enter__", self._without_gradients_begun)
        self._patch(torch.no_grad, "__exit__", self._without_gradients_ended)
        self.undo.append(register_optimizer_step_pre_hook(self._before_update).remove)
        self.undo.append(register_optimizer_step_post_hook(self._after_update).remove)
        self._trace(True)

    def stop(self) -> Recording:
        with self._unharmed("the end"):
            self._close_comparison()
            if self.looking:
                self._close_step()
            for forward in self.pending:
                self._evaluated(forward)
        self._trace(False)
        while self.undo:
            self.undo.pop()()
        trainings = []
        # What was only evaluated has not been trained; `replay` counts as these do.
        self.records = [record for record in self.records if record.backwards or record.updates]
        for record in self.records:
            with self._unharmed("a network that was trained"):
                trainings.append(record.training(self.networks, self.records))
        return Recording(self.framework, tuple(trainings), tuple(self.unseen.values()))

    def replay(self, training: int, plan: Replay) -> Replayed:
        networks = self.records[training].networks
        initial = self.networks.initial(networks)
        network = networks[0] if plan.trained and initial is not None else initial
        if network is None:
            raise InputError(f"The network of training {training} was not captured, so it can't be trained again.")
        return replay(network, plan)

    def failed(self, what: str, error: Exception) -> None:
        """Note once that something could not be watched."""
        self.unseen.setdefault(what, f"{what} could not be watched: {type(error).__name__}: {error}.")

    @contextmanager
    def _unharmed(self, what: str) -> Iterator[None]:
        """The user's program goes on whatever happens in here, and nothing of it is taken for the user's."""
        before, self.tracer.paused = self.tracer.paused, True
        try:
            yield
        except Exception as error:
            self.failed(what, error)
        finally:
            self.tracer.paused = before

    def _patch(self, owner: Any, name: str, make: Callable[[Callable], Callable]) -> None:
        original = getattr(owner, name)
        setattr(owner, name, wraps(original)(make(original)))
        self.undo.append(lambda: setattr(owner, name, original))

    # When a step is looked at closely.

    @property
    def looking(self) -> bool:
        return self.step >= self.next_look

    def _step_over(self, begun: bool = False) -> None:
        """A step ends; where the next one has begun already, what was traced since the last backward pass is its own."""
        traced = self.tracer.on
        if self.looking:
            self._close_step()
            self.next_look = self.step + 1 if self.step - self.begun < CLOSELY else int((self.step + 1) * RARER)
        self.step += 1
        if begun and traced and self.looking:
            self.tracer.forget(self.passed)
        else:
            self._trace(self.looking)

    def _close_step(self) -> None:
        forwards = [forward for forward in self.pending if forward.for_gradients]
        if not any(record.opened for record in self.records) and any(f.network.training for f in forwards):
            # No backward pass: what the step computed last is taken for its loss.
            loss = self.tracer.last_number()
            if loss is not None:
                self._record(forwards).open_step(self.step, loss, forwards, self.tracer)
        for record in self.records:
            record.close_step(self.tracer)

    def _look_again(self) -> None:
        """Another network or optimizer appears: its first steps are looked at, too."""
        self.begun = self.next_look = self.step
        if not self.tracer.on:
            self._trace(True)

    def _trace(self, on: bool) -> None:
        # Modes are a stack: ours is taken away only where it lies on top, and else falls silent where it is.
        self.tracer.clear()
        self.tracer.on = on
        if on and not self.entered:
            self.tracer.__enter__()
            self.entered = True
        elif not on and self.entered and torch.overrides._get_current_function_mode() is self.tracer:
            self.tracer.__exit__(None, None, None)
            self.entered = False

    # Forward passes.

    def _module_called(self, original: Callable) -> Callable:
        def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            if self.tracer.paused or self.depth or not (self.tracer.on or id(module) in self.networks.known):
                return original(module, *args, **kwargs)
            if next(module.parameters(), None) is None:  # A loss, which compares what a network answered.
                return original(module, *args, **kwargs)
            self.tracer.updating = False  # Also where an update was given up half-way.
            with self._unharmed("a forward pass"):
                self._close_comparison()
                if self.networks.meet(module):
                    self._look_again()
            self.depth += 1
            try:
                result = original(module, *args, **kwargs)
            finally:
                self.depth -= 1
            if id(module) in self.networks.known:
                with self._unharmed("a forward pass"):
                    self._after_forward(module, [*args, *kwargs.values()], result)
            return result

        return call

    def _after_forward(self, module: nn.Module, given: list[Any], result: Any) -> None:
        answers = [result] if isinstance(result, Tensor) else [r for r in result if isinstance(r, Tensor)]
        tensors = [value for value in given if isinstance(value, Tensor)]
        if not answers or not tensors:
            return
        inputs = tensors[0] if len(tensors) == 1 else beside_each_other(tensors)
        self.networks.take_several |= {id(module)} if len(tensors) > 1 else set()
        forward = Forward(module, inputs, answers[0], module.training, torch.is_grad_enabled(), user_stack(), self.step)
        if self.pending and not self.pending[-1].for_gradients:
            self._evaluated(self.pending.pop())
        self.pending = [*self.pending, forward][-FORWARDS:]
        shape = (id(module), *inputs.shape)
        if not forward.for_gradients or not any(inputs.shape in record.shapes for record in self.records):
            times = self.evaluated[shape] = self.evaluated.get(shape, 0) + 1
            if times <= EVALUATIONS or self.tracer.on:
                if not self.tracer.on:
                    self._trace(True)
                self.compared = forward, len(self.tracer.operations)

    def _close_comparison(self) -> None:
        """What came behind an evaluation is seen: with what its answer was compared."""
        if self.compared is None:
            return
        (forward, first), self.compared = self.compared, None
        forward.compare(self.tracer, first)
        if not self.looking:
            self._trace(False)

    def _settle_pending(self) -> None:
        """The forward passes that wait belong to the step that is being made, or were evaluations."""
        for forward in self.pending:
            if not forward.for_gradients:
                self._evaluated(forward)
        self.pending = []

    def _evaluated(self, forward: Forward) -> None:
        record = next((r for r in self.records if any(forward.network is network for network in r.networks)), None)
        if record is None:
            record = self._record([forward])
        record.add_evaluation(forward)

    # Networks that are functions: what they compute without gradients is an evaluation.

    def _without_gradients_begun(self, original: Callable) -> Callable:
        def enter(block: Any) -> Any:
            result = original(block)
            by_functions = self.records and not self.records[-1].networks and not self.tracer.silent
            if by_functions and not self.tracer.on and self.blocks < BLOCKS:
                self.blocks += 1
                self._trace(True)
            return result

        return enter

    def _without_gradients_ended(self, original: Callable) -> Callable:
        def leave(block: Any, *error: Any) -> Any:
            if self.tracer.on and not self.tracer.silent and self.records and not self.records[-1].networks:
                with self._unharmed("an evaluation"):
                    self.records[-1].add_block(self.tracer, self.step, user_stack())
                    if not self.looking:
                        self._trace(False)
            return original(block, *error)

        return leave

    def _state_loaded(self, original: Callable) -> Callable:
        def load_state_dict(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            self.networks.loaded.update(id(parameter) for parameter in module.parameters())
            return original(module, *args, **kwargs)

        return load_state_dict

    # Backward passes.

    def _backward(self, original: Callable) -> Callable:
        def backward(*args: Any, **kwargs: Any) -> Any:
            given = args[0] if args else kwargs.get("tensors")
            loss = given[0] if isinstance(given, tuple | list) and given else given
            if self.inside or not isinstance(loss, Tensor):
                return original(*args, **kwargs)
            return self._pass_back(loss, lambda: original(*args, **kwargs))

        return backward

    def _gradients(self, original: Callable) -> Callable:
        def grad(outputs: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
            inputs = inputs if isinstance(inputs, Tensor) else tuple(inputs)  # It may be a generator, to be read once.
            of = [inputs] if isinstance(inputs, Tensor) else list(inputs)
            loss = outputs[0] if isinstance(outputs, tuple | list) and outputs else outputs
            trained = all(isinstance(tensor, Tensor) and tensor.is_leaf for tensor in of) and isinstance(loss, Tensor)
            if self.inside or not trained or loss.numel() != 1 or kwargs.get("create_graph"):
                return original(outputs, inputs, *args, **kwargs)
            return self._pass_back(loss, lambda: original(outputs, inputs, *args, **kwargs), of)

        return grad

    def _pass_back(self, loss: Tensor, run: Callable[[], Any], of: list[Tensor] | None = None) -> Any:
        record = None
        with self._unharmed("a backward pass"):
            record = self._before_backward(loss)
        self.inside = True
        try:
            result = run()
        finally:
            self.inside = False
        if not self.networks.optimizers and not self.tracer.on and self.step + 1 >= self.next_look:
            self._trace(True)  # By hand, a step ends with the next backward pass, and its forward pass begins here.
        self.passed = len(self.tracer.operations)
        if record is not None and record.opened:
            with self._unharmed("gradients"):
                record.note_gradients(None if of is None else dict(zip(map(id, of), result, strict=True)))
        return result

    def _before_backward(self, loss: Tensor) -> Record:
        self._close_comparison()
        before = self.records[-1] if self.records else None
        if before is not None and any(record.passed_back for record in self.records):
            # Two backward passes without an optimizer's step between them: accumulated, or used by hand.
            self._step_over(begun=True)
            for record in self.records:
                record.fresh = record.fresh or not self.networks.optimizers
        through = [forward for forward in self.pending if forward.for_gradients]
        self._settle_pending()
        record = self._record(through)
        record.count_backward(loss, user_place())
        if self.looking:
            record.open_step(self.step, loss, through, self.tracer, user_frame())
        return record

    def _record(self, forwards: list[Forward]) -> Record:
        """The training that these forward passes are a part of; without any, the one before or that of functions."""
        networks = list({id(forward.network): forward.network for forward in forwards}.values())
        for record in self.records:
            if any(network is own for network in networks for own in record.networks):
                record.join(networks)
                return record
        if not networks and self.records:
            return self.records[-1]
        self.records.append(Record(networks))
        return self.records[-1]

    # Updates.

    def _optimizer_made(self, original: Callable) -> Callable:
        def made(optimizer: Optimizer, *args: Any, **kwargs: Any) -> None:
            original(optimizer, *args, **kwargs)
            with self._unharmed("an optimizer"):
                self.networks.optimizers.append((optimizer, watched_optimizer(optimizer, user_place())))
                self._look_again()

        return made

    def _before_update(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        with self._unharmed("an update"):
            self._close_comparison()
            record = self._updated_record(optimizer)
            if record is not None and self.looking:
                if not record.opened:
                    loss = self.tracer.last_number()
                    if loss is not None:
                        record.open_step(self.step, loss, self.pending, self.tracer, user_frame())
                record.before_update(optimizer)
        self.tracer.updating = not any(callable(value) for value in (*args[1:], *kwargs.values()))

    def _after_update(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        self.tracer.updating = False
        with self._unharmed("an update"):
            record = self._updated_record(optimizer)
            if record is not None:
                record.count_update(optimizer, user_place())
            self._settle_pending()
            self._step_over()

    def _updated_record(self, optimizer: Optimizer) -> Record | None:
        passed = [record for record in self.records if record.passed_back]
        if passed:
            return passed[-1]
        if self.pending:
            return self._record(self.pending)
        return self.records[-1] if self.records else None


def beside_each_other(tensors: list[Tensor]) -> Tensor:
    """What a network is given in several tensors, as columns of one, where they have a row each for every row."""
    rows = len(tensors[0]) if tensors[0].ndim else 0
    fit = [tensor.detach().reshape(rows, -1) for tensor in tensors if rows and tensor.ndim and len(tensor) == rows]
    kind = reduce(torch.promote_types, (tensor.dtype for tensor in fit), torch.uint8)
    return torch.cat([tensor.to(kind) for tensor in fit], 1) if fit else tensors[0]
