"""A trained network, own units in and own units out, as a program that runs without the code that made it."""

from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array
from numpy.typing import NDArray

from jax_impl.convert import native_axes, native_name, to_numpy
from jax_impl.model import build_model
from jax_impl.trainer import precision
from parity.contract.exporting import Evaluate, Network, Variable, scaling_of


class Units(NamedTuple):
    shift: Array  # (D,)
    scale: Array  # (D,)
    log: Array  # (D,)

    def to_network(self, x: Array) -> Array:
        # The logarithm of 1 where none is asked for: what `where` leaves out must be finite, or its gradient is not.
        own = jnp.where(self.log, jnp.log(jnp.where(self.log, x, 1.0)), x)
        return (own - self.shift) / self.scale

    def from_network(self, x: Array) -> Array:
        own = x * self.scale + self.shift
        return jnp.where(self.log, jnp.exp(jnp.where(self.log, own, 0.0)), own)


class Surrogate:
    def __init__(self, network: Network) -> None:
        self.model = trained_model(network)
        self.inputs = units(network.inputs, network.dtype)
        self.outputs = units(network.outputs, network.dtype)
        self.classes = network.classes

    def __call__(self, x: Array) -> Array:
        last = self.model(self.inputs.to_network(x), {})
        return jax.nn.softmax(last, -1) if self.classes else self.outputs.from_network(last)


def trained_model(network: Network) -> nnx.Module:
    def build() -> nnx.Module:
        return build_model(network.model, len(network.inputs), len(network.outputs), network.dtype)

    arrays = {name: native_axes(name, array) for name, array in {**network.parameters, **network.buffers}.items()}
    kinds = {name: nnx.BatchStat if name in network.buffers else nnx.Param for name in arrays}
    flat = [(native_name(name), kinds[name](jnp.asarray(array))) for name, array in arrays.items()]
    model = nnx.merge(nnx.graphdef(nnx.eval_shape(build)), nnx.from_flat_state(flat))
    model.eval()
    return model


def units(variables: tuple[Variable, ...], dtype: str) -> Units:
    scaling = scaling_of(variables)
    return Units(
        jnp.asarray(scaling.shift.astype(dtype)), jnp.asarray(scaling.scale.astype(dtype)), jnp.asarray(scaling.log)
    )


class Exporter:
    suffix = ".stablehlo"
    note = (
        "Load it with jax.export.deserialize, in JAX alone; a float64 program is called under jax.enable_x64(True). "
        "It runs on CPU, CUDA and TPU."
    )

    def write(self, network: Network, path: Path) -> Evaluate:
        cpu = jax.devices("cpu")[0]
        with precision(network.dtype, cpu):
            surrogate = Surrogate(network)
            rows = jax.ShapeDtypeStruct(jax.export.symbolic_shape(f"N, {len(network.inputs)}"), network.dtype)
            platforms = ("cpu", "cuda", "tpu")
            program = jax.export.export(jax.jit(lambda x: surrogate(x)), platforms=platforms)(rows)
            content = program.serialize()
        path.write_bytes(content)
        loaded = jax.export.deserialize(bytearray(content))

        def evaluate(inputs: NDArray[Any]) -> NDArray[Any]:
            with precision(network.dtype, cpu):
                return to_numpy(loaded.call(np.array(inputs, network.dtype)))

        return evaluate
