"""Networks, as declarations: their tensors, how those are first drawn, and the masks that training needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

from parity.contract.errors import require, require_choice, require_fraction, require_positive

Activation = Literal[
    "relu", "tanh", "silu", "gelu", "gelu_tanh", "sigmoid", "softplus", "leaky_relu", "elu", "identity"
]
Initializer = Literal["uniform_fan_in", "lecun_normal", "he_normal"]
Fill = Literal["zeros", "ones"]

LEAKY_RELU_SLOPE = 0.01
ELU_ALPHA = 1.0


@dataclass(frozen=True)
class TensorSpec:
    """One named tensor of a model and how its first values are made: drawn by an initializer, or filled."""

    name: str
    shape: tuple[int, ...]
    fan_in: int
    initial: Initializer | Fill
    axes: tuple[str, ...]
    """What runs along each dimension: `inputs`, `outputs`, or the units of a hidden layer, `hidden.0`. Putting the units of one
    axis in another order, in every tensor, mask and column of data that has it, leaves the function as it is."""


@dataclass(frozen=True)
class MLP:
    """A multilayer perceptron: kernel, bias and activation for each hidden layer, then a linear layer."""

    hidden: tuple[int, ...] = (10, 5)
    """Units of each hidden layer, from the input side; none makes a linear model."""
    activation: Activation = "relu"
    """The activation of the hidden layers."""
    initializer: Initializer = "uniform_fan_in"
    """How kernels are drawn: uniform_fan_in is PyTorch's default for Linear, lecun_normal close to Flax's."""

    def __post_init__(self) -> None:
        _check_layers(self)

    def parameters(self, inputs: int, outputs: int) -> tuple[TensorSpec, ...]:
        """The trained tensors; a kernel is stored inputs x outputs."""
        return _linear_layers((inputs, *self.hidden, outputs), self.initializer)

    def buffers(self) -> tuple[TensorSpec, ...]:
        """The tensors that training changes without a gradient."""
        return ()

    def masks(self) -> Mapping[str, int]:
        """The width of each mask that a training step needs."""
        return {}

    def mask_axes(self) -> Mapping[str, str]:
        """The axis that runs along each mask's width."""
        return {}

    def keep_probability(self) -> float:
        """The share of a mask that is True."""
        return 1.0


@dataclass(frozen=True)
class RegularizedMLP:
    """An MLP with batch normalisation before and dropout behind each hidden activation.

    Batch normalisation (Ioffe and Szegedy 2015, arXiv:1502.03167) takes the biased variance of the batch to normalise and
    the unbiased one for the running statistics, as PyTorch does. Dropout (Srivastava et al. 2014, JMLR 15:1929) multiplies
    by a mask drawn beforehand and divides by the probability of keeping a unit.
    """

    hidden: tuple[int, ...] = (16, 16)
    """Units of each hidden layer, from the input side."""
    activation: Activation = "silu"
    """The activation of the hidden layers."""
    initializer: Initializer = "uniform_fan_in"
    """How kernels are drawn."""
    momentum: float = 0.1
    """The newest batch's weight in the running statistics (PyTorch's convention, one minus Flax's)."""
    epsilon: float = 1e-5
    """Added to the variance under the root."""
    dropout: float = 0.05
    """The probability that a unit is dropped in a training step."""

    def __post_init__(self) -> None:
        _check_layers(self)
        require_positive(self, "momentum", "epsilon")
        require_fraction(self, "dropout")

    def parameters(self, inputs: int, outputs: int) -> tuple[TensorSpec, ...]:
        """The trained tensors: of the linear layers, then scale and bias of each normalisation.

        A linear layer in front of a normalisation has no bias: subtracting the batch's mean would take it away again, its
        gradient would be rounding alone, and an adaptive optimizer would turn that into steps of full size.
        """
        linear = _linear_layers((inputs, *self.hidden, outputs), self.initializer)
        undone = {f"layers.{i}.bias" for i in range(len(self.hidden))}
        return tuple(spec for spec in linear if spec.name not in undone) + tuple(
            TensorSpec(f"norms.{i}.{name}", (width,), width, initial, (f"hidden.{i}",))
            for i, width in enumerate(self.hidden)
            for name, initial in _SCALE_AND_BIAS
        )

    def buffers(self) -> tuple[TensorSpec, ...]:
        """The running mean and variance of each normalisation."""
        return tuple(
            TensorSpec(f"norms.{i}.{name}", (width,), width, initial, (f"hidden.{i}",))
            for i, width in enumerate(self.hidden)
            for name, initial in _MEAN_AND_VARIANCE
        )

    def masks(self) -> Mapping[str, int]:
        """The width of each mask that a training step needs."""
        return {f"dropouts.{i}": width for i, width in enumerate(self.hidden)} if self.dropout else {}

    def mask_axes(self) -> Mapping[str, str]:
        """The axis that runs along each mask's width."""
        return {f"dropouts.{i}": f"hidden.{i}" for i in range(len(self.hidden))} if self.dropout else {}

    def keep_probability(self) -> float:
        """The share of a mask that is True."""
        return 1.0 - self.dropout


Model = MLP | RegularizedMLP

_SCALE_AND_BIAS: tuple[tuple[str, Fill], ...] = (("scale", "ones"), ("bias", "zeros"))
_MEAN_AND_VARIANCE: tuple[tuple[str, Fill], ...] = (("mean", "zeros"), ("var", "ones"))


def _check_layers(model: Model) -> None:
    name = type(model).__name__
    for width in model.hidden:
        require(width >= 1, f"{name}.hidden has a layer of {width!r} units; expected at least 1.")
    require_choice(f"{name}.activation", model.activation, get_args(Activation))
    require_choice(f"{name}.initializer", model.initializer, get_args(Initializer))


def _linear_layers(widths: tuple[int, ...], initializer: Initializer) -> tuple[TensorSpec, ...]:
    specs = []
    axes = ("inputs", *(f"hidden.{i}" for i in range(len(widths) - 2)), "outputs")
    for i, (fan_in, fan_out) in enumerate(pairwise(widths)):
        bias: Initializer | Fill = "uniform_fan_in" if initializer == "uniform_fan_in" else "zeros"
        specs.append(TensorSpec(f"layers.{i}.kernel", (fan_in, fan_out), fan_in, initializer, axes[i : i + 2]))
        specs.append(TensorSpec(f"layers.{i}.bias", (fan_out,), fan_in, bias, axes[i + 1 : i + 2]))
    return tuple(specs)
