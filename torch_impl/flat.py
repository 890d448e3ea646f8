"""Mode `flat`: all parameters in one vector, and a whole run compiled to one loop, which leaves C++ where somebody looks at it.

All that differs between the runs of a network (the rows, the scalars, which steps are done) is data, so that it is compiled
once.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch._higher_order_ops.while_loop import while_loop
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils import _pytree as pytree

from torch_impl.compiler import explained, load_compiler
from torch_impl.program import DeviceBatch, Feed, Program, Record, Scalars, Tensors, TrainState, Watch
from torch_impl.vectors import PROGRAMS, Run, Vectors, VectorStep, fit_in_vectors, step_of_run

SMALL = 2**14  # Products of matrices with at most so many multiplications are written out; a call of BLAS costs more.
MANY_ROWS = 1009  # Stands for any number of rows while a step is traced; a prime, so that no width is taken for it.


def fit(program: Program, state: TrainState, feed: Feed, scalars: Scalars, watch: Watch) -> Record:
    return fit_in_vectors(compiled_run, program, state, feed, scalars, watch)


def step(program: Program, state: TrainState, batch: DeviceBatch, scalars: Mapping[str, float]) -> Tensor:
    """A run of one step: the same compiled loop."""
    return step_of_run(fit, program, state, batch, scalars)


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
    # Else what differs from the last network that was compiled here would be left open, in slower code.
    compiled = torch.compile(loop, fullgraph=True, dynamic=False, options={"cpp_wrapper": True})

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
    return written_out(a, b) if is_small(a, b) else NotImplemented


def small_addmm(c: Tensor, a: Tensor, b: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    return c + written_out(a, b) if is_small(a, b) and beta == alpha == 1 else NotImplemented


def is_small(a: Tensor, b: Tensor) -> bool:
    return a.numel() * b.shape[1] <= SMALL


def written_out(a: Tensor, b: Tensor) -> Tensor:
    """(M, K) by (K, N) as a sum of products, which is compiled into the loops around it."""
    return (a.unsqueeze(2) * b.unsqueeze(0)).sum(1)


SMALL_PRODUCTS = {torch.ops.aten.mm.default: small_mm, torch.ops.aten.addmm.default: small_addmm}
