"""The networks of the contract once more, in float64 NumPy and with every choice open, so that each can be made otherwise.

A hypothesis about a forward or backward pass is a `Network` with something replaced; nothing is compiled for it.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from parity.contract import Arrays, Model, RegularizedMLP
from parity.contract.models import ELU_ALPHA, LEAKY_RELU_SLOPE

Floats = NDArray[np.float64]
Activation = Callable[[Floats], tuple[Floats, Floats]]
"""Value and slope."""
Backward = Callable[[Floats], dict[str, Floats]]
"""The gradient by parameter name, from that of the predictions."""
Tape = list[Callable[[Floats], Floats]]
"""The way back through each part of a network, in the order of the way there."""


@dataclass(frozen=True)
class Network:
    """How a pass is done."""

    model: Model
    activation: Activation
    last: Activation | None = None
    """An activation behind the last layer."""
    scale: float = 1.0
    """Of the inputs."""
    without_bias: frozenset[int] = frozenset()
    transposed: frozenset[int] = frozenset()
    skipped: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """By layer, what it leaves out: `linear`, `norm`, `activation`."""
    statistics: Literal["declared", "batch", "running"] = "declared"
    unbiased: bool = False
    """Whether the batch's variance is divided by one row less."""
    deviation: Callable[[Floats], Floats] = np.sqrt
    """Of a variance."""
    detached: bool = False
    """Whether no gradient flows through the statistics of the batch."""
    keep: float = 1.0
    """What dropout divides by."""
    masked: Callable[[NDArray[np.bool_]], NDArray[np.bool_]] = lambda mask: mask
    rounded: Mapping[int, Callable[[Floats], Floats]] = field(default_factory=dict)
    """By layer, how the factors of its product are rounded."""

    @classmethod
    def of(cls, model: Model) -> "Network":
        """As declared."""
        activation = ACTIVATIONS[model.activation]
        if not isinstance(model, RegularizedMLP):
            return cls(model, activation)
        return cls(model, activation, keep=model.keep_probability(), deviation=lambda var: np.sqrt(var + model.epsilon))

    def predict(self, parameters: Arrays, buffers: Arrays, inputs: Floats, training: bool, masks: Arrays) -> Floats:
        """(B, K)."""
        return self.run(parameters, buffers, inputs, training, masks)[0]

    def run(
        self, parameters: Arrays, buffers: Arrays, inputs: Floats, training: bool, masks: Arrays
    ) -> tuple[Floats, Backward]:
        """(B, K) predictions, and the way back from them."""
        tape: Tape = []
        gradients: dict[str, Floats] = {}
        x, last = inputs * self.scale, len(self.model.hidden)
        for i in range(last):
            left_out = self.skipped.get(i, ())
            if "linear" not in left_out:
                x = self._linear(i, x, parameters, gradients, tape)
            if isinstance(self.model, RegularizedMLP):
                x = self._norm(i, x, parameters, buffers, training, "norm" in left_out, gradients, tape)
            if "activation" not in left_out:
                x = _activate(self.activation, x, tape)
            if training and f"dropouts.{i}" in masks:
                x = self._drop(x, self.masked(masks[f"dropouts.{i}"]), tape)
        x = self._linear(last, x, parameters, gradients, tape)
        if self.last is not None:
            x = _activate(self.last, x, tape)

        def backward(dy: Floats) -> dict[str, Floats]:
            for step in reversed(tape):
                dy = step(dy)
            return {name: gradients.get(name, np.zeros_like(p)) for name, p in parameters.items()}

        return x, backward

    def _linear(self, i: int, x: Floats, parameters: Arrays, gradients: dict[str, Floats], tape: Tape) -> Floats:
        kernel, bias = parameters[f"layers.{i}.kernel"], parameters.get(f"layers.{i}.bias")
        if i in self.transposed:
            kernel = kernel.T
        if i in self.without_bias:
            bias = None
        if i in self.rounded:
            x, kernel = self.rounded[i](x), self.rounded[i](kernel)

        def back(dy: Floats) -> Floats:
            gradients[f"layers.{i}.kernel"] = x.T @ dy
            if bias is not None:
                gradients[f"layers.{i}.bias"] = dy.sum(axis=0)
            found: Floats = dy @ kernel.T
            return found

        tape.append(back)
        y: Floats = x @ kernel
        return y if bias is None else y + bias

    def _norm(
        self,
        i: int,
        x: Floats,
        parameters: Arrays,
        buffers: Arrays,
        training: bool,
        left_out: bool,
        gradients: dict[str, Floats],
        tape: Tape,
    ) -> Floats:
        scale, bias = parameters[f"norms.{i}.scale"], parameters[f"norms.{i}.bias"]
        of_batch = training if self.statistics == "declared" else self.statistics == "batch"
        if left_out:
            mean, deviation = np.zeros(x.shape[1]), np.ones(x.shape[1])
        elif of_batch:
            mean, deviation = x.mean(axis=0), self.deviation(x.var(axis=0, ddof=int(self.unbiased)))
        else:
            mean, deviation = buffers[f"norms.{i}.mean"], self.deviation(buffers[f"norms.{i}.var"])
        normal = (x - mean) / deviation

        def back(dy: Floats) -> Floats:
            gradients[f"norms.{i}.scale"] = (dy * normal).sum(axis=0)
            gradients[f"norms.{i}.bias"] = dy.sum(axis=0)
            dnormal = dy * scale
            if of_batch and not left_out and not self.detached:
                dnormal = dnormal - dnormal.mean(axis=0) - normal * (dnormal * normal).mean(axis=0)
            found: Floats = dnormal / deviation
            return found

        tape.append(back)
        y: Floats = normal * scale + bias
        return y

    def _drop(self, x: Floats, kept: NDArray[np.bool_], tape: Tape) -> Floats:
        def masked(array: Floats) -> Floats:
            found: Floats = array * kept / self.keep
            return found

        tape.append(masked)
        return masked(x)


def _activate(activation: Activation, x: Floats, tape: Tape) -> Floats:
    y, slope = activation(x)
    tape.append(lambda dy: dy * slope)
    return y


def identity(x: Floats) -> tuple[Floats, Floats]:
    """x."""
    return x, np.ones_like(x)


def leaky(slope: float, at_zero: float | None = None) -> Activation:
    """x, or slope x below 0; relu is that of slope 0. `at_zero` is the slope taken at 0, by default the left one."""

    def activation(x: Floats) -> tuple[Floats, Floats]:
        slopes = np.where(x > 0, 1.0, slope)
        if at_zero is not None:
            slopes = np.where(x == 0, at_zero, slopes)
        return np.where(x > 0, x, slope * x), slopes

    return activation


def elu(alpha: float, below: float = 1.0, above: float = 1.0) -> Activation:
    """above x, or above alpha (exp(below x) - 1) below 0."""

    def activation(x: Floats) -> tuple[Floats, Floats]:
        negative = below * np.minimum(x, 0)
        y = np.where(x > 0, x, alpha * np.expm1(negative))
        return above * y, above * np.where(x > 0, 1.0, alpha * below * np.exp(negative))

    return activation


def tanh(x: Floats) -> tuple[Floats, Floats]:
    """tanh x."""
    y = np.tanh(x)
    return y, 1 - y**2


def sigmoid(x: Floats) -> tuple[Floats, Floats]:
    """1 / (1 + exp(-x)), without overflow."""
    y = np.exp(-np.logaddexp(0.0, -x))
    return y, y * (1 - y)


def softplus(threshold: float = math.inf, sharpness: float = 1.0) -> Activation:
    """log(1 + exp(sharpness x)) / sharpness, or x above the threshold."""

    def activation(x: Floats) -> tuple[Floats, Floats]:
        z = sharpness * x
        linear = z > threshold
        return np.where(linear, x, np.logaddexp(0.0, z) / sharpness), np.where(linear, 1.0, sigmoid(z)[0])

    return activation


def swish(sharpness: float) -> Activation:
    """x sigmoid(sharpness x): silu at 1 (arXiv:1702.03118), the quick form of gelu at 1.702 (arXiv:1606.08415)."""

    def activation(x: Floats) -> tuple[Floats, Floats]:
        s, slope = sigmoid(sharpness * x)
        return x * s, s + sharpness * x * slope

    return activation


def gelu(x: Floats) -> tuple[Floats, Floats]:
    """x Phi(x), with Phi the distribution function of the standard normal (arXiv:1606.08415)."""
    from scipy.special import ndtr

    distribution = ndtr(x)
    return x * distribution, distribution + x * np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)


def gelu_tanh(x: Floats) -> tuple[Floats, Floats]:
    """Its form with tanh (arXiv:1606.08415, section 2), where (1 + tanh u) / 2 is sigmoid(2 u)."""
    twice = 2 * math.sqrt(2 / math.pi)
    y, slope = sigmoid(twice * (x + 0.044715 * x**3))
    return x * y, y + x * slope * twice * (1 + 3 * 0.044715 * x**2)


def clipped(low: float, high: float) -> Activation:
    """x between two bounds."""
    return lambda x: (np.clip(x, low, high), ((x > low) & (x < high)).astype(float))


def mish(x: Floats) -> tuple[Floats, Floats]:
    """x tanh(softplus(x)) (arXiv:1908.08681)."""
    inner, slope = softplus()(x)
    y, y_slope = tanh(inner)
    return x * y, y + x * y_slope * slope


def softsign(x: Floats) -> tuple[Floats, Floats]:
    """x / (1 + |x|)."""
    return x / (1 + np.abs(x)), (1 + np.abs(x)) ** -2.0


ACTIVATIONS: dict[str, Activation] = {
    "relu": leaky(0.0),
    "tanh": tanh,
    "silu": swish(1.0),
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "sigmoid": sigmoid,
    "softplus": softplus(),
    "leaky_relu": leaky(LEAKY_RELU_SLOPE),
    "elu": elu(ELU_ALPHA),
    "identity": identity,
}
"""As the contract declares them."""

OTHERS: dict[str, Activation] = {
    "quick gelu, x sigmoid(1.702 x)": swish(1.702),
    "selu": elu(1.6732632423543772, above=1.0507009873554805),
    "mish": mish,
    "relu6": clipped(0.0, 6.0),
    "hard tanh": clipped(-1.0, 1.0),
    "softsign": softsign,
    "leaky relu of slope 0.2": leaky(0.2),
}
"""What else a framework may have been asked for."""


def round_to(bits: int) -> Callable[[Floats], Floats]:
    """Round to so many bits of mantissa behind the first: 10 in TF32 and float16, 7 in bfloat16."""

    def rounded(x: Floats) -> Floats:
        mantissa, exponent = np.frexp(x)
        return np.ldexp(np.round(mantissa * 2.0 ** (bits + 1)) / 2.0 ** (bits + 1), exponent)

    return rounded


def round_to_float32(x: Floats) -> Floats:
    """Through float32 and back."""
    return x.astype(np.float32).astype(np.float64)
