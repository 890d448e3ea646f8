"""Numbers and names taken from a running program's tensors."""

from dataclasses import replace
from types import FrameType
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from parity.contract import Operation

LARGEST = 4_000_000  # Numbers of one array that are kept.
BOUNDED = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}
NEAR_END = 1e-3


def measured(operation: Operation, result: Tensor, before: Tensor | None) -> Operation:
    """An operation with what its units did for the rows of the step."""
    values = result.detach()
    if operation.kind == "activation" and values.is_floating_point() and values.ndim >= 1 and values.numel():
        units = values.reshape(-1, values.shape[-1])
        if operation.name in BOUNDED:
            low, high = BOUNDED[operation.name]
            ends = (units - low < NEAR_END * (high - low)) | (high - units < NEAR_END * (high - low))
            return replace(operation, ends=float(ends.float().mean()))
        return replace(operation, off=float((units == 0).all(0).float().mean()))
    if operation.kind == "batch_norm" and before is not None:
        columns = before.detach().double().transpose(1, -1).reshape(-1, before.shape[1])
        spread = columns.std(0, correction=0).clamp(min=torch.finfo(torch.float32).tiny)
        return replace(operation, shift=float((columns.mean(0).abs() / spread).max()))
    return operation


def kept(tensor: Tensor | None) -> NDArray[Any] | None:
    """The numbers of a tensor, unless they are too many."""
    if tensor is None or tensor.numel() > LARGEST:
        return None
    values = tensor.detach().cpu()
    return (values.float() if values.dtype in (torch.float16, torch.bfloat16) else values).numpy().copy()


def variable_name(tensor: Tensor, frame: FrameType | None) -> str | None:
    """What the program calls a tensor: a variable, an entry of a list or dict, an attribute of `self`."""
    while frame is not None:
        for name, value in [*frame.f_locals.items(), *frame.f_globals.items()]:
            if value is tensor:
                return name
            if isinstance(value, list | tuple | dict):
                for key, item in value.items() if isinstance(value, dict) else enumerate(value):
                    if item is tensor:
                        return f"{name}[{key!r}]"
            elif any(item is tensor for item in getattr(value, "__dict__", {}).values()):
                return f"{name}.{next(key for key, item in vars(value).items() if item is tensor)}"
        frame = frame.f_back
    return None
