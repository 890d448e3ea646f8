"""How Flax NNX's names and axes map to the contract's."""

from typing import Any

import jax
import numpy as np
from jax import Array
from numpy.typing import NDArray

NAMES = {
    "layers": {"kernel": "kernel", "bias": "bias"},
    "norms": {"scale": "scale", "bias": "bias", "mean": "mean", "var": "var"},
}
TRANSPOSED: frozenset[str] = frozenset()  # Flax stores inputs x outputs, as the contract does.


def native_name(name: str) -> tuple[str | int, ...]:
    """The path in an NNX state of a tensor of the contract."""
    group, index, leaf = name.split(".")
    return group, int(index), NAMES[group][leaf]


def native_axes(name: str, array: Any) -> Any:
    """The array with the axes that Flax stores it in; its own inverse. Axes in front of a tensor's own stay."""
    return array.swapaxes(-1, -2) if name.rsplit(".", 1)[1] in TRANSPOSED else array


def to_native(arrays: Any, device: jax.Device) -> Any:
    """A copy on the device, of an array or of a tree in one go; always a copy: `device_put` may share memory on a CPU."""
    return jax.device_put(jax.tree.map(lambda array: np.array(array, order="C"), arrays), device)


def to_numpy(array: Array) -> NDArray[Any]:
    """A copy on the host."""
    return np.array(array, order="C")
