"""A trained network, own units in and own units out, as a program that runs without the code that made it."""

from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from parity.contract.exporting import Evaluate, Network, Variable, scaling_of
from torch_impl.convert import native_axes, native_name, to_native, to_numpy
from torch_impl.model import build_model


class Units(NamedTuple):
    shift: Tensor  # (D,)
    scale: Tensor  # (D,)
    log: Tensor  # (D,)

    def to_network(self, x: Tensor) -> Tensor:
        # The logarithm of 1 where none is asked for: what `where` leaves out must be finite, or its gradient is not.
        own = torch.where(self.log, torch.log(torch.where(self.log, x, 1.0)), x)
        return (own - self.shift) / self.scale

    def from_network(self, x: Tensor) -> Tensor:
        own = x * self.scale + self.shift
        return torch.where(self.log, torch.exp(torch.where(self.log, own, 0.0)), own)


class Surrogate(nn.Module):
    def __init__(self, network: Network) -> None:
        super().__init__()
        self.model = trained_model(network)
        self.inputs = units(network.inputs, network.dtype)
        self.outputs = units(network.outputs, network.dtype)
        self.classes = network.classes

    def forward(self, x: Tensor) -> Tensor:
        last = self.model(self.inputs.to_network(x), {})
        return torch.softmax(last, -1) if self.classes else self.outputs.from_network(last)


def trained_model(network: Network) -> nn.Module:
    model = build_model(network.model, len(network.inputs), len(network.outputs), network.dtype)
    model.requires_grad_(False).eval()
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    for name, array in {**network.parameters, **network.buffers}.items():
        tensors[native_name(name)].copy_(to_native(native_axes(name, array), "cpu"))
    return model


def units(variables: tuple[Variable, ...], dtype: str) -> Units:
    scaling = scaling_of(variables)
    return Units(
        to_native(scaling.shift.astype(dtype), "cpu"),
        to_native(scaling.scale.astype(dtype), "cpu"),
        to_native(scaling.log, "cpu"),
    )


class Exporter:
    suffix = ".pt2"
    note = (
        "Load it with torch.export.load, in PyTorch alone. The archive holds a pickle, which can run any code when it is "
        "loaded: pass it on only to who trusts you, and load none from whom you don't."
    )

    def write(self, network: Network, path: Path) -> Evaluate:
        rows = torch.ones(2, len(network.inputs), dtype=getattr(torch, network.dtype))
        program = torch.export.export(
            Surrogate(network), (rows,), dynamic_shapes={"x": {0: torch.export.Dim("N")}}, strict=False
        )
        content = BytesIO()
        torch.export.save(program, content, extra_files={"about.txt": "\n".join(network.about)})
        path.write_bytes(content.getvalue())
        # Of the program and not of the file: loading that would open its pickle.
        module = program.module()

        def evaluate(inputs: NDArray[Any]) -> NDArray[Any]:
            return to_numpy(module(to_native(inputs.astype(network.dtype), "cpu")))

        return evaluate
