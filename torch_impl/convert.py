"""How PyTorch's names and axes map to the contract's."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

NAMES = {
    "layers": {"kernel": "weight", "bias": "bias"},
    "norms": {"scale": "weight", "bias": "bias", "mean": "running_mean", "var": "running_var"},
}
TRANSPOSED = frozenset({"kernel"})  # PyTorch stores outputs x inputs.


def native_name(name: str) -> str:
    """PyTorch's name of a tensor of the contract."""
    group, index, leaf = name.split(".")
    return f"{group}.{index}.{NAMES[group][leaf]}"


def contract_name(native: str) -> str:
    """The contract's name of a tensor of PyTorch's."""
    group, index, leaf = native.split(".")
    return f"{group}.{index}.{next(ours for ours, theirs in NAMES[group].items() if theirs == leaf)}"


def native_axes(name: str, array: Any) -> Any:
    """The array with the axes that PyTorch stores it in; its own inverse. Axes in front of a tensor's own stay."""
    return array.swapaxes(-1, -2) if name.rsplit(".", 1)[1] in TRANSPOSED else array


def to_native(array: NDArray[Any], device: str) -> Tensor:
    """A copy on the device; always a copy, because `from_numpy` shares the caller's memory."""
    return torch.from_numpy(np.array(array, order="C")).to(device)


def to_numpy(array: Tensor) -> NDArray[Any]:
    """A copy on the host."""
    return np.array(array.detach().cpu().numpy(), order="C")
