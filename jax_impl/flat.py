"""The mode `flat`: all parameters in one vector of P numbers, and each slot of the optimizer in another.

That is so of small networks, where it is faster; of others the tensors stay as they are, as in the mode `scan`. On a CPU the
whole loop of the smallest is one kernel: XLA otherwise calls a kernel for every few operations, and the calls take most of
the time.
"""

from collections.abc import Callable
from functools import lru_cache
from itertools import accumulate, pairwise
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array, lax
from jax.experimental.xla_metadata import set_xla_metadata

from jax_impl.model import build_model
from jax_impl.program import (
    PROGRAMS,
    DeviceBatch,
    Feed,
    Program,
    Record,
    Scalars,
    Tensors,
    TrainState,
    Watch,
    compiled,
)
from parity.contract import Adamax, NAdam, RAdam, TrainingConfig

MOST_PARAMETERS = 2**12  # For one vector; copying more into it and out of it takes longer than it saves.
MOST_PRODUCTS = 2**14  # In a batch's forward pass, where a loop becomes one kernel; more are faster in XLA's library.
NARROW = 10  # The widest layer whose sums LLVM unrolls, so that they are faster for longer.
MOST_NARROW_PRODUCTS = 2**16
TESTED = "0.10."  # Versions of JAX in which the marks below are known to work; in others the loop calls kernels.
ONE_KERNEL = {"xla_cpu_small_call": "true", "inlineable": "false"}  # XLA's own marks of a call that becomes a kernel.
UNUSED = {NAdam: ("learning_rate",), RAdam: ("learning_rate",), Adamax: ("root_correction",)}
NO_LIBRARY = {"xla_cpu_experimental_ynn_fusion_type": ""}  # A kernel can't call it.


def fit(program: Program, state: TrainState, feed: Feed, scalars: Scalars, watch: Watch) -> tuple[TrainState, Record]:
    if program.config.size > MOST_PARAMETERS:
        return program.fit_in_one_scan(state, feed, scalars, watch)
    rows = feed.inputs.shape[-2] if feed.rows is None else feed.rows.shape[-1]
    flat = flat_program(program.config, program.dtype, is_small(program.config, rows, watch.evaluate.device))
    state, record = flat.fit_in_one_scan(flat.flattened(state), feed, scalars, watch)
    return flat.unflattened(state), record._replace(parameters=flat.by_name(record.parameters))


def step(program: Program, state: TrainState, batch: DeviceBatch, scalars: Scalars) -> tuple[TrainState, Array]:
    if program.config.size > MOST_PARAMETERS:
        return program.step(state, batch, scalars)
    device = next(iter(state.parameters.values())).device
    flat = flat_program(program.config, program.dtype, is_small(program.config, len(batch.inputs), device))
    state, loss = flat.step_alone(flat.flattened(state), batch, scalars)
    return flat.unflattened(state), loss


class FlatProgram(Program):
    """A program whose states have a vector (P,) where others have tensors by name."""

    def __init__(self, config: TrainingConfig, dtype: str, one_kernel: bool) -> None:
        super().__init__(config, dtype)
        self.specs = config.model.parameters(config.inputs, config.outputs)
        self.together = in_one_kernel if one_kernel and jax.__version__.startswith(TESTED) else jax.jit
        if one_kernel:
            self.compiler_options = NO_LIBRARY
            self.graph = nnx.graphdef(nnx.eval_shape(self.model_of_sums))

    def model_of_sums(self) -> nnx.Module:
        model = build_model(self.config.model, self.config.inputs, self.config.outputs, self.dtype)
        for layer in model.layers:
            layer.dot_general = small_product
        return model

    @compiled()
    def flattened(self, state: TrainState) -> TrainState:
        stack = super().stack(state)

        def vector(tensors: Tensors) -> Array:
            return jnp.concatenate([tensors[spec.name].reshape(*stack, -1) for spec in self.specs], axis=-1)

        return TrainState(vector(state.parameters), state.buffers, self.slots(vector, state.optimizer))

    @compiled()
    def unflattened(self, state: TrainState) -> TrainState:
        return TrainState(self.by_name(state.parameters), state.buffers, self.slots(self.by_name, state.optimizer))

    @compiled()
    def by_name(self, vector: Array) -> Tensors:
        ends = accumulate(prod(spec.shape) for spec in self.specs)
        parts = zip(self.specs, pairwise((0, *ends)), strict=True)
        return {spec.name: vector[..., a:b].reshape(*vector.shape[:-1], *spec.shape) for spec, (a, b) in parts}

    def stack(self, state: TrainState) -> tuple[int, ...]:
        return state.parameters.shape[:-1]

    @compiled(outermost=True)
    def step_alone(self, state: TrainState, batch: DeviceBatch, scalars: Scalars) -> tuple[TrainState, Array]:
        return self.together(self.step)(state, batch, self.used(scalars))

    def loop(
        self, state: TrainState, losses: Array, feed: Feed, scalars: Scalars, start: Array, stop: Array
    ) -> tuple[TrainState, Array]:
        return self.together(super().loop)(state, losses, feed, self.used(scalars), start, stop)

    def used(self, scalars: Scalars) -> Scalars:
        """Those that the optimizer reads: XLA ends the process where a call that becomes one kernel is given anything else."""
        unused = UNUSED.get(type(self.config.optimizer), ())
        return {name: values for name, values in scalars.items() if name not in unused}

    def _model(self, parameters: Array, buffers: Tensors, training: bool) -> nnx.Module:
        return super()._model(self.by_name(parameters), buffers, training)


def in_one_kernel(function: Callable) -> Callable:
    """A call that XLA compiles to one kernel, with all that it calls."""

    @jax.jit
    def unmarked(*arguments: Any) -> Any:
        with set_xla_metadata(**dict.fromkeys(ONE_KERNEL)):
            return function(*arguments)

    def marked(*arguments: Any) -> Any:
        with set_xla_metadata(**ONE_KERNEL):
            return unmarked(*arguments)

    return marked


def small_product(x: Array, kernel: Array, dimensions: Any, **how: Any) -> Array:
    """(B, D) by (D, K), with the rows of the batch side by side, so that all that is done to them fuses into its loop."""
    if x.size * kernel.shape[1] > MOST_NARROW_PRODUCTS:
        return lax.dot_general(x, kernel, dimensions, **how)
    return (kernel[:, :, None] * x.T[:, None, :]).sum(0).T


def is_small(config: TrainingConfig, rows: int, device: jax.Device) -> bool:
    """Whether a step computes so little that calls of kernels would take most of its time."""
    widths = (config.inputs, *config.model.hidden, config.outputs)
    most = MOST_NARROW_PRODUCTS if max(widths) <= NARROW else MOST_PRODUCTS
    return device.platform == "cpu" and rows * sum(i * o for i, o in pairwise(widths)) <= most


@lru_cache(maxsize=PROGRAMS)
def flat_program(config: TrainingConfig, dtype: str, one_kernel: bool) -> FlatProgram:
    return FlatProgram(config, dtype, one_kernel)
