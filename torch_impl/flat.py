"""Mode `flat`: all parameters in one vector x of P numbers, each slot of the optimizer in another, and a whole run compiled.

The loop is compiled too: a run leaves C++ where somebody looks at it. All that differs between the runs of a network (the
rows, the scalars, which steps are done) is data, so that it is compiled once.
"""

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, lru_cache
from importlib import import_module
from shutil import which
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch._higher_order_ops.while_loop import while_loop
from torch.func import functional_call
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils import _pytree as pytree

from parity.contract import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Constant,
    InputError,
    Lion,
    NAdam,
    RAdam,
    RMSprop,
    TrainingConfig,
    require,
    segments,
)
from torch_impl.losses import build_loss
from torch_impl.model import build_model
from torch_impl.objective import ravelled
from torch_impl.optimizers import slot_names
from torch_impl.program import DeviceBatch, Feed, Program, Record, Scalars, Tensors, TrainState, Watch, cut, picked

Slots = dict[str, Tensor]  # by the contract's name (P,)
PROGRAMS = 16  # How many are kept: compiled code takes memory.
SMALL = 2**14  # Products of matrices with at most so many multiplications are written out; a call of BLAS costs more.
MANY_ROWS = 1009  # Stands for any number of rows while a step is traced; a prime, so that no width is taken for it.


Run = Callable[[int, int], None]  # Does the steps from one number up to another, in place.
Runner = Callable[..., Run]  # Of a step, vectors, losses (S,), feed and scalars.


class Vectors(NamedTuple):
    """What a step changes, in place."""

    x: Tensor  # (P,)
    slots: Slots
    buffers: Tensors


class VectorStep:
    """The step of one config, on any device: plain operations on tensors, to be compiled or captured as they are."""

    def __init__(self, config: TrainingConfig, dtype: str) -> None:
        self.config = config
        self.dtype = dtype
        self.loss = build_loss(config.loss)
        with torch.device("meta"):
            self.model = build_model(config.model, config.inputs, config.outputs, dtype).train()
        self.shapes = {name: parameter.shape for name, parameter in self.model.named_parameters()}

    def unflatten(self, x: Tensor) -> Tensors:
        parts = x.split([shape.numel() for shape in self.shapes.values()])
        return {name: part.view(shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=True)}

    def vectors(self, state: TrainState) -> Vectors:
        """A copy of a state."""

        def slot(key: str) -> Tensor:
            return ravelled(state.optimizer.state[parameter][key] for parameter in state.parameters.values())

        names = slot_names(self.config.optimizer)
        slots = {name: slot(names[name]) for name in self.config.optimizer.slots}
        return Vectors(
            ravelled(state.parameters.values()),
            slots,
            {name: buffer.clone() for name, buffer in state.model.named_buffers()},
        )

    @torch.no_grad()
    def show(self, vectors: Vectors, state: TrainState) -> None:
        """Put parameters and buffers where a state has them."""
        for name, part in self.unflatten(vectors.x).items():
            state.parameters[name].copy_(part)
        for name, buffer in state.model.named_buffers():
            buffer.copy_(vectors.buffers[name])

    @torch.no_grad()
    def give_back(self, vectors: Vectors, state: TrainState, steps: int) -> None:
        """Put all of it where a state has it, the count of steps too."""
        self.show(vectors, state)
        names = slot_names(self.config.optimizer)
        for slot, vector in vectors.slots.items():
            for name, part in self.unflatten(vector).items():
                state.optimizer.state[state.parameters[name]][names[slot]].copy_(part)
        for parameter in state.parameters.values():
            state.optimizer.state[parameter]["step"] += steps

    def step(self, vectors: Vectors, batch: DeviceBatch, scalars: Mapping[str, Tensor]) -> Tensor:
        """Train on one batch; the loss before the update."""
        x = vectors.x.detach().requires_grad_()
        with torch.enable_grad():
            tensors = {**self.unflatten(x), **vectors.buffers}
            loss = self.loss(functional_call(self.model, tensors, (batch.inputs, batch.masks)), batch.targets)
        (gradient,) = torch.autograd.grad(loss, x)
        with torch.no_grad():
            gradient = clipped(gradient, self.config.clip_norm)
            update = UPDATES[type(self.config.optimizer)]
            vectors.x.sub_(update(self.config.optimizer, x.detach(), gradient, vectors.slots, scalars))
        return loss.detach()

    def train(self, vectors: Vectors, losses: Tensor, feed: Feed, scalars: Mapping[str, Tensor], i: Tensor) -> None:
        """Step number i, (1,), of a run."""
        now = {name: values.index_select(0, i) for name, values in scalars.items()}
        losses.index_copy_(0, i, self.step(vectors, batch_at(feed, i), now).view(1))


def batch_at(feed: Feed, i: Tensor) -> DeviceBatch:
    masks = {name: mask.index_select(0, i)[0] for name, mask in feed.masks.items()}
    if feed.rows is None:
        return DeviceBatch(feed.inputs, feed.targets, masks)
    rows = feed.rows.index_select(0, i)[0]
    return DeviceBatch(picked(feed.inputs, rows), picked(feed.targets, rows), masks)


def clipped(gradient: Tensor, largest: float | None) -> Tensor:
    if largest is None:
        return gradient
    return gradient * (largest / (torch.linalg.vector_norm(gradient) + 1e-6)).clamp(max=1.0)


def sgd(config: SGD, x: Tensor, g: Tensor, slots: Slots, scalars: Mapping[str, Tensor]) -> Tensor:
    g = g + config.weight_decay * x if config.weight_decay else g
    if not config.momentum:
        return scalars["lr"] * g
    velocity = slots["momentum"].mul_(config.momentum).add_(g)
    return scalars["lr"] * (g + config.momentum * velocity if config.nesterov else velocity)


def adam(config: Adam | AdamW, x: Tensor, g: Tensor, slots: Slots, scalars: Mapping[str, Tensor]) -> Tensor:
    m, v = moments(config, g, slots)
    return scalars["corrected_rate"] * m / (v.sqrt() / scalars["root_correction"] + config.eps)


def adamw(config: AdamW, x: Tensor, g: Tensor, slots: Slots, scalars: Mapping[str, Tensor]) -> Tensor:
    return adam(config, x, g, slots, scalars) + scalars["lr"] * config.weight_decay * x


def rmsprop(config: RMSprop, x: Tensor, g: Tensor, slots: Slots, scalars: Mapping[str, Tensor]) -> Tensor:
    v = slots["mean_square"].mul_(config.decay).addcmul_(g, g, value=1.0 - config.decay)
    step = g / (v.sqrt() + config.eps)
    return scalars["lr"] * (slots["momentum"].mul_(config.momentum).add_(step) if config.momentum else step)


def adagrad(config: Adagrad, x: Tensor, g: Tensor, slots: Slots, scalars: Mapping[str, Tensor]) -> Tensor:
    return scalars["lr"] * g / (slots["sum_of_squares"].addcmul_(g, g).sqrt() + config.eps)


def nadam(config: NAdam, x: Tensor, g: Tensor, slots: Slots, scalars: Mapping[str, Tensor]) -> Tensor:
    m, v = moments(config, g, slots)
    root = v.sqrt() / scalars["root_correction"] + config.eps
    return (scalars["gradient_rate"] * g + scalars["momentum_rate"] * m) / root


def radam(config: RAdam, x: Tensor, g: Tensor, slots: Slots, scalars: Mapping[str, Tensor]) -> Tensor:
    m, v = moments(config, g, slots)
    rectification = scalars["rectification"]
    return scalars["corrected_rate"] * m * torch.where(rectification > 0, rectification / (v.sqrt() + config.eps), 1.0)


def adamax(config: Adamax, x: Tensor, g: Tensor, slots: Slots, scalars: Mapping[str, Tensor]) -> Tensor:
    m, u = slots["first_moment"].lerp_(g, 1.0 - config.b1), slots["infinity_norm"]
    u.copy_(torch.maximum(u * config.b2, g.abs() + config.eps))
    return scalars["corrected_rate"] * m / u


def adadelta(config: Adadelta, x: Tensor, g: Tensor, slots: Slots, scalars: Mapping[str, Tensor]) -> Tensor:
    v = slots["mean_square"].mul_(config.decay).addcmul_(g, g, value=1.0 - config.decay)
    w = slots["mean_square_update"]
    step = (w + config.eps).sqrt() / (v + config.eps).sqrt() * g
    w.mul_(config.decay).addcmul_(step, step, value=1.0 - config.decay)
    return scalars["lr"] * step


def lion(config: Lion, x: Tensor, g: Tensor, slots: Slots, scalars: Mapping[str, Tensor]) -> Tensor:
    m = slots["momentum"]
    step = (config.b1 * m + (1.0 - config.b1) * g).sign() + config.weight_decay * x
    m.lerp_(g, 1.0 - config.b2)
    return scalars["lr"] * step


def moments(config: Adam | AdamW | NAdam | RAdam, g: Tensor, slots: Slots) -> tuple[Tensor, Tensor]:
    """Both moments with the gradient in them."""
    m = slots["first_moment"].lerp_(g, 1.0 - config.b1)
    v = slots["second_moment"].mul_(config.b2).addcmul_(g, g, value=1.0 - config.b2)
    return m, v


# By optimizer the step (P,) that is subtracted from x; the formulas are those of the contract.
UPDATES: dict[type, Callable[..., Tensor]] = {
    SGD: sgd,
    Adam: adam,
    AdamW: adamw,
    RMSprop: rmsprop,
    Adagrad: adagrad,
    NAdam: nadam,
    RAdam: radam,
    Adamax: adamax,
    Adadelta: adadelta,
    Lion: lion,
}


def flat_scalars(program: Program, scalars: Scalars, first: int) -> Tensors:
    """By name (S,): what the update needs at each step from step `first` on; corrections in float64 before they are rounded."""
    config, given = program.config.optimizer, {name: np.array(values) for name, values in scalars.items()}
    needed = given | corrections(config, given["lr"], np.arange(first + 1.0, first + 1.0 + len(given["lr"])))
    with np.errstate(over="ignore"):
        return {
            name: torch.from_numpy(values.astype(program.dtype)).to(program.device) for name, values in needed.items()
        }


def corrections(config: Any, lr: NDArray[np.float64], t: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """What PyTorch's own optimizers compute for themselves: bias corrections at the steps t, counted from 1."""
    if isinstance(config, Adam | AdamW):
        return {"corrected_rate": lr / (1.0 - config.b1**t), "root_correction": np.sqrt(1.0 - config.b2**t)}
    if isinstance(config, Adamax):
        return {"corrected_rate": lr / (1.0 - config.b1**t)}
    if isinstance(config, RAdam):
        last, correction = 2.0 / (1.0 - config.b2) - 1.0, 1.0 - config.b2**t
        length = last - 2.0 * t * config.b2**t / correction
        longer = np.maximum(length, 5.0)
        squared = (longer - 4.0) * (longer - 2.0) * last / ((last - 4.0) * (last - 2.0) * longer)
        rectification = np.where(length > 5.0, np.sqrt(squared * correction), 0.0)
        return {"corrected_rate": lr / (1.0 - config.b1**t), "rectification": rectification}
    return {}


def vector_step(config: TrainingConfig, dtype: str) -> VectorStep:
    """The one step of all configs that compute alike: rates and the number of steps are data."""
    optimizer = replace(config.optimizer, learning_rate=1.0)
    return vector_step_of(replace(config, optimizer=optimizer, schedule=Constant(), steps=1), dtype)


@lru_cache(maxsize=PROGRAMS)
def vector_step_of(config: TrainingConfig, dtype: str) -> VectorStep:
    return VectorStep(config, dtype)


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


def compiled_run(step: VectorStep, vectors: Vectors, losses: Tensor, feed: Feed, scalars: Tensors) -> Run:
    if feed.rows is None and len(feed.inputs) == 1:
        feed = feed._replace(rows=torch.zeros(len(losses), 1, dtype=torch.int32))
    kept, given, whole = of_any_length(losses), feed_of_any_length(feed), feed.rows is None
    scalars = {name: of_any_length(values) for name, values in scalars.items()}
    loop = compiled_loop(step, None if whole else feed.rows.shape[1])

    def run(start: int, stop: int) -> None:
        with torch.no_grad(), explained():
            loop(torch.tensor(start), torch.tensor(stop), vectors, kept, given, scalars)
        losses[start:stop] = kept[start:stop]

    return run


def feed_of_any_length(feed: Feed) -> Feed:
    masks = {name: of_any_length(mask) for name, mask in feed.masks.items()}
    if feed.rows is None:
        for mask in masks.values():
            torch._dynamo.mark_dynamic(mask, 1)
    rows = None if feed.rows is None else of_any_length(feed.rows)
    return Feed(of_any_length(feed.inputs), of_any_length(feed.targets), rows, masks)


def of_any_length(tensor: Tensor) -> Tensor:
    """Marked as one of any length along its first axis; a length of 1, which PyTorch compiles apart, is doubled."""
    longer = torch.cat([tensor, tensor]) if len(tensor) == 1 else tensor
    torch._dynamo.mark_dynamic(longer, 0)
    return longer


@lru_cache(maxsize=PROGRAMS)
def compiled_loop(step: VectorStep, batch: int | None) -> Callable[..., Any]:
    """A function of the first step, the step to stop at, and all tensors of a run; compiled where it is first called."""
    load_compiler()
    graphs: list[GraphModule] = []

    def loop(i: Tensor, stop: Tensor, *leaves: Tensor) -> Any:
        return while_loop(lambda i: i < stop, lambda i: (graphs[0](i, *leaves),), (i,))

    # PyTorch keeps what it compiled with the code of a function, eight forms of it at most: this one's is its own.
    loop.__code__ = loop.__code__.replace()
    compiled = torch.compile(loop, fullgraph=True, options={"cpp_wrapper": True})

    def run(i: Tensor, stop: Tensor, *tensors: Any) -> None:
        if not graphs:
            graphs.append(traced(step, *tensors))
        compiled(i, stop, *leaves_of(tensors))

    return run


def traced(step: VectorStep, vectors: Vectors, losses: Tensor, feed: Feed, scalars: Tensors) -> GraphModule:
    """A step of a run as a graph of plain operations, its gradient and small products written out; gives the next number."""
    if feed.rows is None:
        feed = Feed(
            *(columns.new_zeros(MANY_ROWS, columns.shape[1]) for columns in (feed.inputs, feed.targets)),
            None,
            {name: mask.new_zeros(len(mask), MANY_ROWS, mask.shape[2]) for name, mask in feed.masks.items()},
        )
    tensors = vectors, losses, feed, scalars

    def train(i: Tensor, *leaves: Tensor) -> Tensor:
        given = iter(leaves)
        filled = pytree.tree_map(lambda leaf: None if leaf is None else next(given), tensors)
        step.train(*filled, i.view(1))
        return i + 1

    mode = "symbolic" if feed.rows is None else "fake"
    return make_fx(train, decomposition_table=SMALL_PRODUCTS, tracing_mode=mode)(torch.tensor(0), *leaves_of(tensors))


def leaves_of(tensors: Any) -> list[Tensor]:
    return [leaf for leaf in pytree.tree_leaves(tensors) if leaf is not None]


def small_mm(a: Tensor, b: Tensor) -> Tensor:
    if a.shape[0] * a.shape[1] * b.shape[1] > SMALL:
        return NotImplemented
    return (a.unsqueeze(2) * b.unsqueeze(0)).sum(1)


def small_addmm(c: Tensor, a: Tensor, b: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    if a.shape[0] * a.shape[1] * b.shape[1] > SMALL or (beta, alpha) != (1, 1):
        return NotImplemented
    return c + (a.unsqueeze(2) * b.unsqueeze(0)).sum(1)


SMALL_PRODUCTS = {torch.ops.aten.mm.default: small_mm, torch.ops.aten.addmm.default: small_addmm}


@cache
def load_compiler() -> None:
    """PyTorch loads its compiler when it first compiles, and warns then of modules of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import_module("torch._inductor.compile_fx")


@contextmanager
def explained() -> Iterator[None]:
    """What goes wrong in compiling is the machine's, and is told as such."""
    try:
        yield
    except (torch._dynamo.exc.TorchDynamoException, torch._inductor.exc.CppCompileError) as error:
        raise InputError(
            f"torch.compile can't compile this run here: {' '.join(str(error).split())[:300]} Check the C++ compiler "
            f"({compiler()}), or use the mode eager."
        ) from error


def compiler() -> str:
    """The C++ compiler that torch.compile calls."""
    return os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")


def require_compiler(mode: str) -> None:
    """Raise InputError where there is none."""
    require(
        which(compiler()) is not None,
        f"The mode of torch is {mode!r}, which compiles C++, and {compiler()!r} is not installed; install g++, name another "
        "compiler in the environment variable CXX, or use the mode eager.",
    )
