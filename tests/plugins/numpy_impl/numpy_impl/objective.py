"""The loss of one batch as a function of all parameters in one vector, which is how a solver sees it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from numpy_impl.losses import value_and_gradient
from numpy_impl.model import Pass
from parity.contract import Arrays, TrainingConfig

Array = NDArray[Any]


class Objective:
    """The loss of (B, D) inputs and (B, K) targets at x, (P,), the parameters one behind the other in the state's order."""

    def __init__(self, config: TrainingConfig, parameters: Arrays, inputs: Array, targets: Array) -> None:
        self.config, self.inputs, self.targets = config, inputs, targets
        self._shapes = {name: array.shape for name, array in parameters.items()}

    def vector(self, arrays: Arrays) -> Array:
        """An array a parameter, as one vector."""
        return np.concatenate([arrays[name].ravel() for name in self._shapes])

    def arrays(self, vector: Array) -> dict[str, Array]:
        """A vector, as an array a parameter."""
        ends = np.cumsum([int(np.prod(shape)) for shape in self._shapes.values()])
        parts = np.split(vector, ends[:-1])
        return {name: part.reshape(shape) for (name, shape), part in zip(self._shapes.items(), parts, strict=True)}

    def loss(self, x: Array) -> Any:
        """The loss at x, in its dtype."""
        return x.dtype.type(self._forward(x)[1])

    def loss_and_gradient(self, x: Array) -> tuple[Any, Array]:
        """The loss at x, in its dtype, and its gradient, (P,)."""
        forward, loss, dpredictions = self._forward(x)
        return x.dtype.type(loss), self.vector(forward.gradients(dpredictions))

    def _forward(self, x: Array) -> tuple[Pass, float, Array]:
        forward = Pass(self.config.model, self.arrays(x), {}, self.inputs, training=True, masks={})
        return forward, *value_and_gradient(self.config.loss, forward.predictions, self.targets)
