"""The floating-point operations and the bytes of a training step, from shapes alone.

An operation is an addition, a product, a quotient, a comparison, a sign, or a value of a function of <math.h>. They are
counted as the formulas of `parity.contract` need them where every number is computed once: sums begin at their bias or at
zero, the way back takes what the way forward has computed, and constants are folded. Bytes are what no order of the
operations saves: the batch is read, and all that training changes is read and written.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import prod

import numpy as np

from parity.contract import (
    LBFGS,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    FirstOrder,
    LevenbergMarquardt,
    Lion,
    NAdam,
    RAdam,
    RegularizedMLP,
    RMSprop,
    TrainingConfig,
)

ACTIVATION = {
    "identity": (0, 0),
    "relu": (1, 1),
    "leaky_relu": (2, 0),
    "elu": (4, 2),
    "tanh": (1, 2),
    "sigmoid": (4, 2),
    "softplus": (6, 4),
    "silu": (5, 3),
    "gelu": (4, 6),
    "gelu_tanh": (9, 6),
}
"""Operations of a value and of its slope; the product with the gradient comes on top, but for the identity."""
LOSS = {"mse": 4, "mae": 5, "huber": 8, "log_cosh": 10, "cross_entropy": 12}
"""Operations of an element of the loss and of its gradient, with the sum over elements."""
NORM_FORWARD, NORM_BACKWARD = (7, 11), (7, 3)
"""Operations of batch normalisation for a unit of a row, and for a unit: mean, variance, root and running statistics."""
CLIPPING = 3
"""Operations of clipping for a parameter: its square, the sum, the scaling."""


@dataclass(frozen=True)
class Work:
    """What a training step can't do without."""

    forward: int
    """Operations from the batch to the predictions."""
    backward: int
    """Operations of the loss, and from there to its gradient by every parameter (Levenberg-Marquardt: to the Jacobian)."""
    optimizer: int
    """Operations from there to the new parameters."""
    bytes: int
    """Read or written."""

    @property
    def flops(self) -> int:
        """All operations."""
        return self.forward + self.backward + self.optimizer


def work_of(config: TrainingConfig, batch_size: int, dtype: str) -> Work:
    """A step on `batch_size` rows in a dtype; of a solver one that takes its first trial, the least that it does."""
    forward = _forward(config, batch_size)
    moved = _bytes(config, batch_size, np.dtype(dtype).itemsize)
    if isinstance(config.optimizer, LevenbergMarquardt):
        return Work(forward, _jacobian(config, batch_size), _damped_solution(config, batch_size, forward), moved)
    return Work(forward, _backward(config, batch_size), _update(config), moved)


def per_parameter(optimizer: FirstOrder) -> int:
    """Operations of an update for a parameter, with all that is the same for every parameter computed once a step.

    A decaying mean takes 3, that of a square 4; a root and its eps 2.
    """
    match optimizer:
        case SGD():
            return 2 + 2 * (optimizer.weight_decay > 0) + 2 * (optimizer.momentum > 0) + 2 * optimizer.nesterov
        case Adam():
            return 3 + 4 + 3 + 3  # the root's argument is scaled; rate, quotient, difference
        case AdamW():
            return 3 + 4 + 3 + 3 + (optimizer.weight_decay > 0)
        case RMSprop():
            return 4 + 2 + 3 + 2 * (optimizer.momentum > 0)
        case Adagrad():
            return 2 + 2 + 3
        case NAdam():
            return 3 + 4 + 3 + 5
        case RAdam():
            return 3 + 4 + 2 + 3
        case Adamax():
            return 3 + 4 + 3
        case Adadelta():
            return 4 + 4 + 4 + 4  # both means; two roots; quotient, product, rate, difference
        case Lion():
            return 3 + 3 + 1 + 2 + (optimizer.weight_decay > 0)


def _forward(config: TrainingConfig, rows: int) -> int:
    value, _ = ACTIVATION[config.model.activation]
    flops = sum(2 * rows * wide * high for wide, high in pairwise(_widths(config)))
    for units in config.model.hidden:
        flops += rows * units * (value + bool(config.model.masks()))
        if isinstance(config.model, RegularizedMLP):
            flops += units * (rows * NORM_FORWARD[0] + NORM_FORWARD[1])
    return flops


def _backward(config: TrainingConfig, rows: int) -> int:
    _, slope = ACTIVATION[config.model.activation]
    product = config.model.activation != "identity"
    *hidden, _ = layers = list(pairwise(_widths(config)))
    by_kernel = sum(2 * rows * wide * high for wide, high in layers)
    by_input = sum(2 * rows * wide * high for wide, high in layers[1:])
    # A layer in front of a normalisation has no bias.
    biases = sum(rows * high for _, high in (layers[-1:] if isinstance(config.model, RegularizedMLP) else layers))
    flops = _loss(config, rows) + by_kernel + by_input + biases
    for _, units in hidden:
        flops += rows * units * (slope + product + bool(config.model.masks()))
        if isinstance(config.model, RegularizedMLP):
            flops += units * (rows * NORM_BACKWARD[0] + NORM_BACKWARD[1])
    return flops


def _loss(config: TrainingConfig, rows: int) -> int:
    a_row = config.loss.kind == "cross_entropy"  # the logarithm of the softmax's sum
    return rows * (config.outputs * LOSS[config.loss.kind] + a_row)


def _update(config: TrainingConfig) -> int:
    if isinstance(config.optimizer, LBFGS):
        # Two products and two sums a pair on each way of the recursion; then scaling, slopes, the step, and the new pair.
        return config.size * (8 * config.optimizer.memory + 11)
    assert not isinstance(config.optimizer, LevenbergMarquardt)
    return config.size * (per_parameter(config.optimizer) + CLIPPING * (config.clip_norm is not None))


def _jacobian(config: TrainingConfig, rows: int) -> int:
    """The residuals with their sum of squares, and the Jacobian: of a row and an output there is nothing to add up."""
    _, slope = ACTIVATION[config.model.activation]
    product = config.model.activation != "identity"
    *hidden, _ = pairwise(_widths(config))
    units = sum(config.model.hidden)
    outer = sum(wide * high for wide, high in hidden)
    by_input = sum(2 * wide * high for wide, high in hidden[1:])
    each = units * product + outer + by_input
    return rows * (3 * config.outputs + units * slope + config.outputs * each)


def _damped_solution(config: TrainingConfig, rows: int, forward: int) -> int:
    """J'J and J'r, a Cholesky factor with two solutions, and the loss at one trial."""
    p, residuals = config.size, rows * config.outputs
    normal = p * (p + 1) * residuals + 2 * p * residuals
    scaled = p * (p + 1) // 2 + p
    factor = p * (p + 1) * (2 * p + 1) // 6
    trial = p + forward + 3 * residuals
    promised = 4 * p
    return normal + scaled + p + factor + 2 * p * p + trial + promised


def _bytes(config: TrainingConfig, rows: int, itemsize: int) -> int:
    slots = len(config.optimizer.slots)
    buffers = sum(prod(spec.shape) for spec in config.model.buffers())
    read = config.size * (1 + slots) + buffers + rows * (config.inputs + config.outputs)
    written = config.size * (1 + min(slots, 2)) + buffers  # L-BFGS writes its newest pair
    masks = rows * sum(config.model.masks().values())
    row_numbers = rows * np.dtype(np.int32).itemsize
    return itemsize * (read + written) + masks + row_numbers


def _widths(config: TrainingConfig) -> tuple[int, ...]:
    return (config.inputs, *config.model.hidden, config.outputs)
