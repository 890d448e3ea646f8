"""The network: forward layer by layer, and back through the same layers in reverse."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numpy_impl.activations import ACTIVATIONS
from parity.contract import Arrays, Model, RegularizedMLP
from parity.contract.errors import require

Array = NDArray[Any]


class Pass:
    """One batch on its way through a network.

    Each layer leaves a function on the tape that turns the gradient of its outputs into that of its inputs, and notes
    the gradients of its own parameters in passing. `dX` is the gradient of the loss by X.
    """

    predictions: Array
    """(B, K)."""
    buffers: dict[str, Array]
    """The buffers as this pass leaves them; those it was given are untouched."""

    def __init__(
        self, model: Model, parameters: Arrays, buffers: Arrays, inputs: Array, *, training: bool, masks: Arrays
    ) -> None:
        self.buffers = dict(buffers)
        self._model, self._parameters, self._training, self._masks = model, parameters, training, masks
        self._tape: list[Callable[[Array], Array]] = []
        self._gradients: dict[str, Array] = {}
        self.predictions = self._forward(inputs)

    def gradients(self, dpredictions: Array) -> dict[str, Array]:
        """The gradient by parameter name, from that of the predictions (B, K)."""
        gradient = dpredictions
        for backward in reversed(self._tape):
            gradient = backward(gradient)
        return {name: self._gradients[name] for name in self._parameters}

    def _forward(self, inputs: Array) -> Array:
        hidden = inputs
        for i in range(len(self._model.hidden)):
            hidden = self._linear(f"layers.{i}", hidden)
            if isinstance(self._model, RegularizedMLP):
                hidden = self._batch_norm(f"norms.{i}", hidden, self._model)
            hidden = self._activation(hidden)
            if self._training and self._model.masks():
                hidden = self._dropout(f"dropouts.{i}", hidden)
        return self._linear(f"layers.{len(self._model.hidden)}", hidden)

    def _linear(self, name: str, x: Array) -> Array:
        kernel, bias = self._parameters[f"{name}.kernel"], self._parameters.get(f"{name}.bias")

        def backward(dy: Array) -> Array:
            self._gradients[f"{name}.kernel"] = x.T @ dy
            if bias is not None:
                self._gradients[f"{name}.bias"] = column_sums(dy)
            return dy @ kernel.T

        self._tape.append(backward)
        return x @ kernel if bias is None else x @ kernel + bias

    def _activation(self, x: Array) -> Array:
        y, slope = ACTIVATIONS[self._model.activation](x)
        self._tape.append(lambda dy: dy * slope)
        return y

    def _dropout(self, name: str, x: Array) -> Array:
        kept, keep_probability = self._masks[name], self._model.keep_probability()

        def masked(array: Array) -> Array:
            return array * kept / keep_probability

        self._tape.append(masked)  # linear in each element: back is the same as forward
        return masked(x)

    def _batch_norm(self, name: str, x: Array, model: RegularizedMLP) -> Array:
        scale, bias = self._parameters[f"{name}.scale"], self._parameters[f"{name}.bias"]
        if self._training:
            mean = column_means(x)
            var = column_means((x - mean) ** 2)
            self._move_statistics(name, mean, var, rows=len(x), newest=model.momentum)
        else:
            mean, var = self.buffers[f"{name}.mean"], self.buffers[f"{name}.var"]
        deviation: Array = np.sqrt(var + model.epsilon)
        normal: Array = (x - mean) / deviation

        def backward(dy: Array) -> Array:
            self._gradients[f"{name}.scale"] = column_sums(dy * normal)
            self._gradients[f"{name}.bias"] = column_sums(dy)
            dnormal = dy * scale
            if self._training:  # mean and deviation depend on x as well
                dnormal = dnormal - column_means(dnormal) - normal * column_means(dnormal * normal)
            return dnormal / deviation

        self._tape.append(backward)
        return normal * scale + bias

    def _move_statistics(self, name: str, mean: Array, var: Array, *, rows: int, newest: float) -> None:
        """Mix the batch's mean and unbiased variance into the running ones; `newest` is the batch's weight."""
        require(rows > 1, f"A training batch has {rows} row; batch normalisation needs at least 2 for a variance.")
        for statistic, of_batch in (("mean", mean), ("var", var * (rows / (rows - 1)))):
            running = self.buffers[f"{name}.{statistic}"]
            self.buffers[f"{name}.{statistic}"] = (1 - newest) * running + newest * of_batch


def column_sums(array: Array) -> Array:
    """(K,) sums over the rows of (B, K); with each column in one piece NumPy adds pairwise, and loses hardly a digit."""
    sums: Array = np.asfortranarray(array).sum(axis=0)
    return sums


def column_means(array: Array) -> Array:
    """(K,) means over the rows of (B, K)."""
    return column_sums(array) / np.asarray(len(array), array.dtype)
