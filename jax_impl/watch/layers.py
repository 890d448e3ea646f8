"""The layers of a captured network, in the order in which they are called: activations behind them, fresh weights in them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from math import prod
from typing import Any
from unittest.mock import patch

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from parity.contract import require

NORMS = (nnx.BatchNorm, nnx.LayerNorm)
SEED = 0  # Of the weights that are drawn anew.
FILLED = {"bias": jnp.zeros, "mean": jnp.zeros, "scale": jnp.ones, "var": jnp.ones}


@contextmanager
def noting_calls() -> Iterator[list[tuple[int, type]]]:
    """Identity and kind of the linear layers and norms that are called inside."""
    called: list[tuple[int, type]] = []

    def noting(original: Callable) -> Callable:
        def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
            called.append((id(layer), type(layer)))
            return original(layer, *args, **kwargs)

        return call

    with ExitStack() as stack:
        for kind in (nnx.Linear, *NORMS):
            stack.enter_context(patch.object(kind, "__call__", noting(kind.__call__)))
        yield called


@contextmanager
def activated(activation: Callable[[Array], Array], count: int) -> Iterator[None]:
    """Inside, what the first linear layers give goes through an activation."""
    original, called = nnx.Linear.__call__, []

    def call(layer: nnx.Linear, *args: Any, **kwargs: Any) -> Array:
        out = original(layer, *args, **kwargs)
        called.append(layer)
        return activation(out) if len(called) <= count else out

    with patch.object(nnx.Linear, "__call__", call):
        yield


def redrawn(state: Mapping[tuple, Any], called: Sequence[tuple[tuple, type]], width: int) -> dict[tuple, Any]:
    """The state with weights drawn anew, normal within 1 over the root of the inputs as Flax does (LeCun et al. 1998).

    Between the first linear layer and the last there are that many times the units.
    """
    linear = [path for path, kind in called if issubclass(kind, nnx.Linear)]
    require(bool(linear), "This network has no nnx.Linear; expected some, to draw their weights anew.")
    behind_first = {path for path, _ in called[[path for path, _ in called].index(linear[0]) :]}
    rng, fresh = np.random.default_rng(SEED), dict(state)
    for (*path, name), value in state.items():
        layer, shape = tuple(path), list(np.shape(value))
        if layer in behind_first and shape and name in ("kernel", *FILLED):
            shape[-1] *= 1 if layer == linear[-1] else width
        if name == "kernel":
            shape[0] *= width if layer in linear[1:] else 1
            fresh[(*path, name)] = jnp.asarray(rng.normal(0, prod(shape[:-1]) ** -0.5, shape), value.dtype)
        elif name in FILLED and shape:
            fresh[(*path, name)] = FILLED[name](shape, value.dtype)
    return fresh
