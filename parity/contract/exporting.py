"""What leaves the tool: a trained network with its own units at both ends, and who writes it in a format of somebody else's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from parity.contract.arrays import Arrays
from parity.contract.errors import require
from parity.contract.models import Model, RegularizedMLP
from parity.contract.scaling import Scaling

Dtype = Literal["float32", "float64"]
Evaluate = Callable[[NDArray[Any]], NDArray[Any]]
"""(N, D) inputs to (N, K) outputs, in their own units and the network's dtype."""


@dataclass(frozen=True)
class Variable:
    """A column of inputs or outputs: what it is, how the network sees it, and where it was trained."""

    symbol: str
    meaning: str
    unit: str
    log: bool
    """The network sees the natural logarithm."""
    shift: float
    scale: float
    """The network sees (value - shift) / scale, of the logarithm where `log`."""
    low: float
    high: float
    """The smallest and the largest value among the training rows, in the variable's own unit."""

    def __post_init__(self) -> None:
        for name in ("shift", "scale", "low", "high"):
            value = getattr(self, name)
            require(abs(value) < float("inf"), f"{name} of {self.symbol} is {value!r}; expected a finite number.")
        require(self.scale > 0, f"scale of {self.symbol} is {self.scale!r}; expected a number above 0.")
        require(
            self.low <= self.high,
            f"low of {self.symbol} is {self.low!r}; expected at most its high, {self.high!r}.",
        )


@dataclass(frozen=True)
class Network:
    """A trained network, its weights as the contract names them."""

    name: str
    model: Model
    inputs: tuple[Variable, ...]
    """D."""
    outputs: tuple[Variable, ...]
    """K."""
    parameters: Arrays
    buffers: Arrays
    classes: bool
    """Whether the outputs are probabilities of classes: the softmax of what the last layer gives."""
    dtype: Dtype
    about: tuple[str, ...] = ()
    """Where it comes from and how accurate it is, a line each, for whoever opens a file."""

    def cast(self, dtype: Dtype) -> "Network":
        """The same network with its weights rounded once to a dtype."""
        parameters, buffers = (
            {name: array.astype(dtype) for name, array in arrays.items()} for arrays in (self.parameters, self.buffers)
        )
        return replace(self, parameters=parameters, buffers=buffers, dtype=dtype)

    def layers(self) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        """Kernel (I, O) and bias (O,) of each layer, in front to back, a normalisation's running statistics worked into them.

        With them an evaluated network of either model is activation(x @ kernel + bias) for each hidden layer, then
        x @ kernel + bias.
        """
        *hidden, last = range(len(self.model.hidden) + 1)
        return [self._hidden_layer(i) for i in hidden] + [self._linear(last)]

    def _linear(self, i: int) -> tuple[NDArray[Any], NDArray[Any]]:
        return self.parameters[f"layers.{i}.kernel"], self.parameters[f"layers.{i}.bias"]

    def _hidden_layer(self, i: int) -> tuple[NDArray[Any], NDArray[Any]]:
        if not isinstance(self.model, RegularizedMLP):
            return self._linear(i)
        kernel, scale, bias, mean, var = (
            array.astype(np.float64)
            for array in (
                self.parameters[f"layers.{i}.kernel"],
                *(self.parameters[f"norms.{i}.{name}"] for name in ("scale", "bias")),
                *(self.buffers[f"norms.{i}.{name}"] for name in ("mean", "var")),
            )
        )
        factor = scale / np.sqrt(var + self.model.epsilon)
        return (kernel * factor).astype(self.dtype), (bias - mean * factor).astype(self.dtype)


def scaling_of(variables: Sequence[Variable]) -> Scaling:
    """How the variables become what a network sees, and back."""
    shift, scale = (np.array([getattr(variable, name) for variable in variables]) for name in ("shift", "scale"))
    return Scaling(shift, scale, np.array([variable.log for variable in variables]))


class Exporter(Protocol):
    """Writes networks in one format."""

    suffix: str
    """What its files end with."""
    note: str
    """What a user of its files must know, in a sentence; empty where there is nothing."""

    def write(self, network: Network, path: Path) -> Evaluate | None:
        """Write a network, own units in and own units out; returns what evaluates the written, or None where nothing here can.

        Raises InputError where the format can't express the network.
        """
        ...
