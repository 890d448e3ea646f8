"""Replicas: the same run with every rounding in it made anew, so that how far they spread says what rounding can do.

A replica starts one unit in the last place away, in weights, inputs and targets, and does every sum in another order: its
rows stand in another order, in the data and in each batch, and so do the units of each layer. In exact arithmetic it is the
same run. Nudging the start alone is what ensemble tests of climate models do (Baker et al. 2015,
doi 10.5194/gmd-8-2829-2015); it misses the rounding of sums.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract import Arrays, Batch, BatchOrder, Data, State, TrainingConfig
from parity.start import cast

MODEL = (
    "one ulp in weights and inputs, in targets one of the largest of each output; rows of every batch and units of every "
    "layer in another order"
)

Permutation = NDArray[np.intp]


@dataclass(frozen=True)
class Given:
    """What a trainer starts from, in its own dtype."""

    state: State
    train: Data
    held_out: Data
    order: BatchOrder

    def batch(self, step: int) -> Batch:
        """The batch of one step."""
        return self.order.batch(self.train, step)

    def part(self, start: int, stop: int) -> "Given":
        """The same with the steps from `start` to `stop` alone."""
        return Given(self.state, self.train, self.held_out, self.order.part(start, stop))

    def cast(self, dtype: str) -> "Given":
        """The same in another dtype."""
        state = State(
            cast(self.state.parameters, dtype),
            cast(self.state.buffers, dtype),
            {slot: cast(arrays, dtype) for slot, arrays in self.state.optimizer.items()},
            self.state.step,
        )
        train, held_out = (
            Data(data.inputs.astype(dtype), data.targets.astype(dtype)) for data in (self.train, self.held_out)
        )
        return Given(state, train, held_out, self.order)


@dataclass(frozen=True)
class Replica:
    """A disturbed start, and how what is seen of it is put back into the order of the undisturbed one."""

    given: Given
    config: TrainingConfig
    units: Mapping[str, Permutation]
    """By axis, the unit of the original that stands at each place."""
    rows: Permutation
    """(N,) the same for training rows."""
    within: Permutation
    """(S, B) the same for the rows within each batch; (1, N) where every step sees all rows."""

    def restore(self, arrays: Arrays) -> dict[str, NDArray[Any]]:
        """Tensors by name, with any leading axes, in the original order of units."""
        back = {axis: np.argsort(units) for axis, units in self.units.items()}
        return permuted(arrays, tensor_axes(self.config), back)

    def restore_state(self, state: State) -> State:
        """A whole state in the original order of units."""
        slots = {slot: self.restore(arrays) for slot, arrays in state.optimizer.items()}
        return State(self.restore(state.parameters), self.restore(state.buffers), slots, state.step)

    def restore_predictions(self, predictions: NDArray[Any]) -> NDArray[Any]:
        """(N, K) predictions of all training rows in the original order of rows and outputs."""
        return predictions[np.argsort(self.rows)][:, np.argsort(self.units["outputs"])]

    def restore_batch(self, predictions: NDArray[Any], step: int) -> NDArray[Any]:
        """(B, K) predictions of one batch in the original order of rows and outputs."""
        within = self.within[min(step, len(self.within) - 1)]
        return predictions[np.argsort(within)][:, np.argsort(self.units["outputs"])]


def disturb(given: Given, config: TrainingConfig, seed: int, ulps: int = 1) -> Replica:
    """A replica of a start, so many units in the last place away; the same seed gives the same one."""
    random = np.random.default_rng(seed)
    axes = tensor_axes(config)
    units = draw_units(config, random)
    rows = random.permutation(len(given.train.inputs))
    order, within = reordered(given.order, config, units, rows, random)
    state = State(
        nudged(permuted(given.state.parameters, axes, units), random, ulps),
        nudged(permuted(given.state.buffers, axes, units), random, ulps),
        {slot: nudged(permuted(arrays, axes, units), random, ulps) for slot, arrays in given.state.optimizer.items()},
        given.state.step,
    )
    train, held_out = (
        Data(
            away(data.inputs[:, units["inputs"]], random, ulps), as_one(data.targets[:, units["outputs"]], random, ulps)
        )
        for data in (Data(given.train.inputs[rows], given.train.targets[rows]), given.held_out)
    )
    return Replica(Given(state, train, held_out, order), config, units, rows, within)


def draw_units(config: TrainingConfig, random: np.random.Generator) -> dict[str, Permutation]:
    """By axis an order of its units."""
    lengths = {"inputs": config.inputs, "outputs": config.outputs}
    for spec in config.model.parameters(config.inputs, config.outputs):
        lengths |= dict(zip(spec.axes, spec.shape, strict=True))
    return {axis: random.permutation(length) for axis, length in lengths.items()}


def reordered(
    order: BatchOrder,
    config: TrainingConfig,
    units: Mapping[str, Permutation],
    rows: Permutation,
    random: np.random.Generator,
) -> tuple[BatchOrder, Permutation]:
    """The same batches of the reordered rows, each in an order of its own, and that order."""
    if order.rows is None:
        within = rows[None, :]
        moved = None
    else:
        within = np.argsort(random.random(order.rows.shape), axis=1)
        moved = np.argsort(rows).astype(np.int32)[np.take_along_axis(order.rows, within, axis=1)]
    masks = {
        name: np.take_along_axis(mask, within[:, :, None], axis=1)[:, :, units[config.model.mask_axes()[name]]]
        for name, mask in order.masks.items()
    }
    return BatchOrder(order.steps, moved, masks), within


@cache
def tensor_axes(config: TrainingConfig) -> dict[str, tuple[str, ...]]:
    """The axes of every tensor of a model, by its name."""
    specs = (*config.model.parameters(config.inputs, config.outputs), *config.model.buffers())
    return {spec.name: spec.axes for spec in specs}


def permuted(
    arrays: Arrays, axes: Mapping[str, tuple[str, ...]], units: Mapping[str, Permutation]
) -> dict[str, NDArray[Any]]:
    """Tensors with the units of each of their last axes in another order."""
    moved = {}
    for name, array in arrays.items():
        for place, axis in enumerate(axes[name], start=-len(axes[name])):
            array = np.take(array, units[axis], axis=place)
        moved[name] = array
    return moved


def nudged(arrays: Arrays, random: np.random.Generator, ulps: int) -> dict[str, NDArray[Any]]:
    """All arrays so many units in the last place away."""
    return {name: away(array, random, ulps) for name, array in arrays.items()}


def away(array: NDArray[Any], random: np.random.Generator, ulps: int = 1) -> NDArray[Any]:
    """Each element so many units in the last place up or down; an exact zero carries no rounding and stays."""
    # Neighbouring numbers of one sign are neighbouring integers, bit for bit (IEEE 754-2019, 3.4).
    bits = np.asarray(array, order="C").view(f"i{array.itemsize}")
    up = random.integers(0, 2, array.shape, dtype=bool) | (
        np.abs(array) <= ulps * np.finfo(array.dtype).smallest_subnormal
    )
    moved = (bits + np.where(up, ulps, -ulps).astype(bits.dtype)).view(array.dtype)
    return np.where(array == 0, array, moved)


def as_one(array: NDArray[Any], random: np.random.Generator, ulps: int) -> NDArray[Any]:
    """All elements, also zeros, so many units in the last place of the largest of their column up or down.

    So much of a difference between predictions and targets is lost where the two cancel, however small it is.
    """
    signs = np.where(random.random(array.shape) < 0.5, -ulps, ulps).astype(array.dtype)
    moved: NDArray[Any] = array + signs * np.spacing(np.abs(array).max(axis=0, initial=0))
    return moved
