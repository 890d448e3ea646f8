"""A network as an ONNX graph, with what undoes and makes its units inside."""

from math import pi, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from parity.contract import InputError
from parity.contract.exporting import Evaluate, Network, Variable
from parity.contract.models import ELU_ALPHA, LEAKY_RELU_SLOPE

OPSET = 17
"""Of 2022: every operation used here is as it was then, so that older runtimes read the file too."""
IR_VERSION = 8


class Exporter:
    """Writes ONNX, and runs it in onnxruntime to see what it gives."""

    suffix = ".onnx"
    note = ""

    def write(self, network: Network, path: Path) -> Evaluate | None:
        """Write the file; InputError where onnxruntime has no kernel for an operation in the network's dtype."""
        content = graph_of(network).SerializeToString()
        session = session_of(content, network)
        path.write_bytes(content)

        def evaluate(inputs: NDArray[Any]) -> NDArray[Any]:
            outputs: NDArray[Any] = session.run(None, {"inputs": inputs.astype(network.dtype)})[0]
            return outputs

        return evaluate


def session_of(content: bytes, network: Network) -> Any:
    """A session on one CPU core."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented as error:
        raise InputError(
            f"onnxruntime {onnxruntime.__version__} can't evaluate {network.model.activation} in {network.dtype}: {error}. "
            "Export it with --dtype float32."
        ) from None


def graph_of(network: Network) -> onnx.ModelProto:
    """The network as a model: `inputs` (N, D) to `outputs` (N, K), N at will."""
    build = Builder(network.dtype)
    x = build.to_network("inputs", network.inputs)
    *hidden, (kernel, bias) = network.layers()
    for wide, offset in hidden:
        x = build.activation(network.model.activation, build.linear(x, wide, offset))
    x = build.linear(x, kernel, bias)
    build.nodes.append(
        helper.make_node("Softmax", [x], ["outputs"], axis=1)
        if network.classes
        else helper.make_node("Identity", [build.from_network(x, network.outputs)], ["outputs"])
    )
    element = helper.np_dtype_to_tensor_dtype(np.dtype(network.dtype))
    ends = [
        helper.make_tensor_value_info(name, element, ["N", len(variables)])
        for name, variables in (("inputs", network.inputs), ("outputs", network.outputs))
    ]
    graph = helper.make_graph(build.nodes, network.name, ends[:1], ends[1:], build.constants)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="parity"
    )
    model.doc_string = "\n".join(network.about)
    helper.set_model_props(model, {**_described("input", network.inputs), **_described("output", network.outputs)})
    onnx.checker.check_model(model)
    return model


def _described(side: str, variables: tuple[Variable, ...]) -> dict[str, str]:
    """By key, `input 0`: symbol, unit, trained range and meaning."""
    return {
        f"{side} {i}": f"{variable.symbol} [{variable.unit}], trained from {variable.low!r} to {variable.high!r}: "
        f"{variable.meaning}"
        for i, variable in enumerate(variables)
    }


class Builder:
    """Nodes and constants of a graph in the making; each method adds to them and returns the name of what it computes."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, operation: str, *arguments: "str | float | NDArray[Any]", **attributes: Any) -> str:
        """A node; an argument that is no name is a constant."""
        names = [argument if isinstance(argument, str) else self.constant(argument) for argument in arguments]
        result = f"{operation.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, names, [result], **attributes))
        return result

    def constant(self, value: "float | NDArray[Any]", dtype: str | None = None) -> str:
        """A constant, in the network's dtype unless another is named."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype or self.dtype), name))
        return name

    def linear(self, x: str, kernel: NDArray[Any], bias: NDArray[Any]) -> str:
        """x @ kernel + bias."""
        return self.add("Gemm", x, kernel, bias)

    def to_network(self, x: str, variables: tuple[Variable, ...]) -> str:
        """Own units to what the network sees."""
        shift, scale = (np.array([getattr(variable, name) for variable in variables]) for name in ("shift", "scale"))
        return self.add("Div", self.add("Sub", self._where_log("Log", 1.0, x, variables), shift), scale)

    def from_network(self, x: str, variables: tuple[Variable, ...]) -> str:
        """What the network gives to own units."""
        shift, scale = (np.array([getattr(variable, name) for variable in variables]) for name in ("shift", "scale"))
        return self._where_log("Exp", 0.0, self.add("Add", self.add("Mul", x, scale), shift), variables)

    def _where_log(self, operation: str, harmless: float, x: str, variables: tuple[Variable, ...]) -> str:
        """The operation on the logarithmic columns, the others as they are."""
        log = [variable.log for variable in variables]
        if all(log) or not any(log):
            return self.add(operation, x) if all(log) else x
        mask = self.constant(np.array([log]), "bool")
        return self.add("Where", mask, self.add(operation, self.add("Where", mask, x, harmless)), x)

    def activation(self, name: str, x: str) -> str:
        """An activation, by operations that onnxruntime has in float64 too where there are such: not the error function's."""
        if name == "identity":
            return x
        if name in ("relu", "tanh", "sigmoid"):
            return self.add(name.capitalize(), x)
        if name in ("silu", "gelu_tanh"):
            inner = x if name == "silu" else self._gelu_argument(x)
            return self.add("Mul", x, self.add("Sigmoid", inner))
        if name == "leaky_relu":
            return self.add("Max", x, self.add("Mul", x, LEAKY_RELU_SLOPE))
        if name == "elu":
            below = self.add("Sub", self.add("Exp", self.add("Min", x, 0.0)), 1.0)
            return self.add("Add", self.add("Relu", x), self.add("Mul", below, ELU_ALPHA))
        if name == "softplus":
            tail = self.add("Exp", self.add("Neg", self.add("Abs", x)))
            return self.add("Add", self.add("Relu", x), self.add("Log", self.add("Add", tail, 1.0)))
        assert name == "gelu"
        twice = self.add("Add", self.add("Erf", self.add("Mul", x, sqrt(0.5))), 1.0)
        return self.add("Mul", self.add("Mul", x, 0.5), twice)

    def _gelu_argument(self, x: str) -> str:
        cubed = self.add("Mul", self.add("Mul", x, x), x)
        return self.add("Mul", self.add("Add", x, self.add("Mul", cubed, 0.044715)), 2 * sqrt(2 / pi))
