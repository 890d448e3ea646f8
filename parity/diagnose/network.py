"""A watched network in the contract's terms, where it has them: then a compiled backend can train it again."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from parity.contract.models import Activation
from parity.diagnose.program import Program

Floats = NDArray[Any]
KNOWN = frozenset(get_args(Activation))


@dataclass(frozen=True)
class Network:
    """A network that the contract can express: linear layers with one activation between them."""

    hidden: tuple[int, ...]
    activation: str | None
    """None where nothing stands between the layers."""
    output: str | None
    """The activation behind the last layer."""
    parameters: Mapping[str, Floats]
    """By the contract's names; initial values."""


def expressed(program: Program, final: bool = False) -> Network | None:
    """The program's network in the contract's terms, at the start or at the end; None where it has none."""
    operations = [o for o in program.operations if o.kind != "reshape"]
    values = {parameter.name: parameter.final if final else parameter.initial for parameter in program.parameters}
    rows = program.rows
    if rows is None or any(o.kind not in ("linear", "activation") for o in operations):
        return None
    layers = [i for i, o in enumerate(operations) if o.kind == "linear"]
    if not layers or layers[0] != 0 or any(len(operations[i].parameters) not in (1, 2) for i in layers):
        return None
    between = [[o.name for o in operations[i + 1 : j]] for i, j in pairwise([*layers, len(operations)])]
    hidden_names = {tuple(names) for names in between[:-1]}
    if len(hidden_names) > 1 or any(len(names) > 1 for names in between):
        return None
    activation = next(iter(hidden_names), ())
    if activation and activation[0] not in KNOWN:
        return None
    width = prod(rows.inputs.shape[1:])
    parameters: dict[str, Floats] = {}
    widths = []
    for i, layer in enumerate(layers):
        kernel = oriented(values.get(operations[layer].parameters[0]), width, operations[layer].name, program.turned)
        if kernel is None:
            return None
        bias = values.get(operations[layer].parameters[1]) if len(operations[layer].parameters) > 1 else None
        width = kernel.shape[1]
        parameters[f"layers.{i}.kernel"] = kernel
        parameters[f"layers.{i}.bias"] = np.zeros(width) if bias is None else np.ravel(bias)
        if parameters[f"layers.{i}.bias"].shape != (width,):
            return None
        widths.append(width)
    if not program.classes and width != rows.targets.shape[1]:
        return None
    if program.classes and width == 1:
        # One score z of the second class: softmax over 0 and z is sigmoid(z), and cross-entropy the binary one.
        last = f"layers.{len(layers) - 1}"
        parameters[f"{last}.kernel"] = np.column_stack(
            [np.zeros_like(parameters[f"{last}.kernel"]), parameters[f"{last}.kernel"]]
        )
        parameters[f"{last}.bias"] = np.concatenate([[0.0], parameters[f"{last}.bias"]])
    output = between[-1][0] if between[-1] else None
    return Network(tuple(widths[:-1]), activation[0] if activation else None, output, parameters)


def oriented(kernel: Floats | None, inputs: int, name: str, turned: bool) -> Floats | None:
    """A kernel as inputs x outputs; that of a layer of PyTorch's is stored the other way round."""
    if kernel is None or kernel.ndim != 2:
        return None
    turned = turned and name == "linear"
    kernel = kernel.T if turned else kernel
    return kernel if kernel.shape[0] == inputs else None
