"""The networks, and their activations aligned constant by constant."""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from math import pi, sqrt

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from parity.contract import MLP as MLPConfig
from parity.contract import Model as ModelConfig
from parity.contract import RegularizedMLP as RegularizedMLPConfig
from parity.contract.models import ELU_ALPHA, LEAKY_RELU_SLOPE

Masks = Mapping[str, Array]


def identity(x: Array) -> Array:
    return x


def leaky_relu(x: Array) -> Array:
    # x > 0 where jax.nn has x >= 0: the slope at 0 itself is then PyTorch's.
    return jnp.where(x > 0, x, LEAKY_RELU_SLOPE * x)


def gelu_tanh(x: Array) -> Array:
    # Both frameworks take (1 + tanh u) / 2, which loses its digits where tanh is near -1; sigmoid(2 u) is the same.
    return x * jax.nn.sigmoid(2.0 * sqrt(2.0 / pi) * (x + 0.044715 * x**3))


ACTIVATIONS: Mapping[str, Callable[[Array], Array]] = {
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "silu": jax.nn.silu,
    "gelu": partial(jax.nn.gelu, approximate=False),
    "gelu_tanh": gelu_tanh,
    "sigmoid": jax.nn.sigmoid,
    "softplus": jax.nn.softplus,
    "leaky_relu": leaky_relu,
    "elu": partial(jax.nn.elu, alpha=ELU_ALPHA),
    "identity": identity,
}


class MLP(nnx.Module):
    def __init__(self, config: MLPConfig, inputs: int, outputs: int, dtype: str) -> None:
        widths = (inputs, *config.hidden, outputs)
        self.layers = build_layers(widths, dtype)
        self.activation = ACTIVATIONS[config.activation]

    def __call__(self, x: Array, masks: Masks) -> Array:
        *hidden, last = self.layers
        for layer in hidden:
            x = self.activation(layer(x))
        return last(x)


class RegularizedMLP(nnx.Module):
    def __init__(self, config: RegularizedMLPConfig, inputs: int, outputs: int, dtype: str) -> None:
        widths = (inputs, *config.hidden, outputs)
        self.layers = build_layers(widths, dtype, hidden_bias=False)
        self.norms = nnx.List([BatchNorm(config, width, dtype) for width in config.hidden])
        self.activation = ACTIVATIONS[config.activation]
        self.keep = 1.0 - config.dropout

    def __call__(self, x: Array, masks: Masks) -> Array:
        *hidden, last = self.layers
        for i, (layer, norm) in enumerate(zip(hidden, self.norms, strict=True)):
            x = self.activation(norm(layer(x)))
            if f"dropouts.{i}" in masks:
                x = x * masks[f"dropouts.{i}"] / self.keep
        return last(x)


class BatchNorm(nnx.Module):
    # nnx.BatchNorm keeps the biased variance, and no option changes it; this keeps the unbiased one, as PyTorch does.
    def __init__(self, config: RegularizedMLPConfig, width: int, dtype: str) -> None:
        self.scale = nnx.Param(jnp.zeros(width, dtype))
        self.bias = nnx.Param(jnp.zeros(width, dtype))
        self.mean = nnx.BatchStat(jnp.zeros(width, dtype))
        self.var = nnx.BatchStat(jnp.zeros(width, dtype))
        self.momentum = config.momentum
        self.epsilon = config.epsilon
        self.use_running_average = False

    def __call__(self, x: Array) -> Array:
        if self.use_running_average:
            mean, var = self.mean[...], self.var[...]
        else:
            mean, var = x.mean(axis=0), x.var(axis=0)
            rows = x.shape[0]
            self.mean[...] += self.momentum * (mean - self.mean[...])
            self.var[...] += self.momentum * (var * (rows / (rows - 1)) - self.var[...])
        return (x - mean) / jnp.sqrt(var + self.epsilon) * self.scale[...] + self.bias[...]


def build_layers(widths: tuple[int, ...], dtype: str, hidden_bias: bool = True) -> nnx.List:
    # Never drawn: the program is built from shapes alone, and all weights come from the contract.
    def layer(fan_in: int, fan_out: int, bias: bool) -> nnx.Linear:
        return nnx.Linear(fan_in, fan_out, use_bias=bias, param_dtype=dtype, rngs=nnx.Rngs(0))

    *hidden, last = pairwise(widths)
    return nnx.List([*(layer(i, o, hidden_bias) for i, o in hidden), layer(*last, bias=True)])


MODELS = {MLPConfig: MLP, RegularizedMLPConfig: RegularizedMLP}


def build_model(config: ModelConfig, inputs: int, outputs: int, dtype: str) -> nnx.Module:
    return MODELS[type(config)](config, inputs, outputs, dtype)
