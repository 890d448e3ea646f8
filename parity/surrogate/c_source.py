"""A network as one C99 file that depends on nothing but the standard library."""

import ctypes
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.c_functions import REALS, functions, literal, literals
from parity.contract.exporting import Evaluate, Network, Variable

FLAGS = ("-std=c99", "-O3", "-march=native", "-ffp-contract=fast", "-fno-trapping-math", "-fno-math-errno")


class Exporter:
    """Writes C, and compiles it, where there is a compiler, to see what it gives."""

    suffix = ".c"
    note = f"Compile it with: cc {' '.join(FLAGS)} -c FILE.c; link with -lm."

    def write(self, network: Network, path: Path) -> Evaluate | None:
        """Write the file; returns what calls the compiled function, or None where there is no compiler named cc."""
        path.write_text(source(network), encoding="utf-8")
        return None if shutil.which("cc") is None else compiled(network, path)


def source(network: Network) -> str:
    """The text of the file."""
    layers = network.layers()
    parts = [
        _header(network),
        "#include <math.h>\n#include <stddef.h>\n#include <stdint.h>\n#include <string.h>\n",
        *([functions(network.model.activation, network.dtype)] if len(layers) > 1 else []),
        *(_weights(i, *layer, network.dtype) for i, layer in enumerate(layers)),
        _function(network),
    ]
    return "\n".join(parts)


def function_name(network: Network) -> str:
    """The name of the problem as C spells names."""
    name = re.sub(r"[^0-9A-Za-z_]", "_", network.name)
    return f"surrogate_{name}"


def compiled(network: Network, path: Path, flags: Sequence[str] = FLAGS) -> Evaluate:
    """What calls the function of a file, compiled as its header says unless other flags are given."""
    function = function_of(network, path, flags)

    def evaluate(inputs: NDArray[Any]) -> NDArray[Any]:
        rows = np.ascontiguousarray(inputs, network.dtype)
        outputs = np.empty((len(rows), len(network.outputs)), network.dtype)
        function(rows.ctypes.data, outputs.ctypes.data, len(rows))
        return outputs

    return evaluate


def function_of(network: Network, path: Path, flags: Sequence[str] = FLAGS) -> Any:
    """The function of a file, compiled: it takes the addresses of inputs and outputs, and the number of rows."""
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "surrogate.so"
        subprocess.run(["cc", *flags, "-shared", "-fPIC", "-o", library, path, "-lm"], check=True, capture_output=True)
        function = getattr(ctypes.CDLL(str(library)), function_name(network))
    function.restype = None
    function.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
    return function


def _header(network: Network) -> str:
    real, name = REALS[network.dtype].name, function_name(network)
    lines = [
        *network.about,
        "",
        f"void {name}(const {real} *inputs, {real} *outputs, size_t rows)",
        "",
        f"    inputs   rows x {len(network.inputs)}, row behind row, with the ranges that were trained on",
        *_columns(network.inputs),
        f"    outputs  rows x {len(network.outputs)}, row behind row" + ("; probabilities" if network.classes else ""),
        *_columns(network.outputs),
        "",
        "Outside the trained ranges it extrapolates without a word. It keeps no state and allocates nothing, so threads may",
        "call it at once.",
        "",
        f"cc {' '.join(FLAGS)} -c FILE.c; link with -lm.",
        "It is right without these flags too, but slower: they let the compiler put several units into one instruction.",
        "It is wrong with -ffast-math, which may take x + big - big for x.",
    ]
    # What a user named must not end the comment, nor begin one.
    text = "\n".join(f" * {line}".rstrip().replace("*/", "* /") for line in lines).replace("/*", "/ *")
    return f"/*\n{text}\n */\n"


def _columns(variables: Sequence[Variable]) -> list[str]:
    return [
        f"        {i}  {variable.symbol} [{variable.unit}] {variable.low:g} to {variable.high:g}: {variable.meaning}"
        for i, variable in enumerate(variables)
    ]


def _weights(i: int, kernel: NDArray[Any], bias: NDArray[Any], dtype: str) -> str:
    """Kernel and bias of a layer, filled up with zeros to whole vectors of units."""
    real = REALS[dtype]
    filled = padded(kernel.shape[1], dtype) - kernel.shape[1]
    rows = ",\n    ".join(literals(row, dtype) for row in np.pad(kernel, ((0, 0), (0, filled))))
    units = kernel.shape[1] + filled
    return (
        f"static const {real.name} kernel_{i}[{kernel.shape[0]}][{units}] = {{\n    {rows}\n}};\n"
        f"static const {real.name} bias_{i}[{units}] = {literals(np.pad(bias, (0, filled)), dtype)};\n"
    )


def padded(units: int, dtype: str) -> int:
    """Units of a layer with those that fill up its last vector."""
    lanes = REALS[dtype].lanes
    return -(-units // lanes) * lanes


def _function(network: Network) -> str:
    real, dtype = REALS[network.dtype], network.dtype
    widths = (len(network.inputs), *network.model.hidden, len(network.outputs))
    d, k, last = widths[0], widths[-1], len(widths) - 1
    lines = [
        f"void {function_name(network)}(const {real.name} *inputs, {real.name} *outputs, size_t rows)",
        "{",
        f"    for (size_t row = 0; row < rows; row++, inputs += {d}, outputs += {k}) {{",
        f"        {real.name} x_0[{d}];",
        *(f"        x_0[{i}] = {_to_network(i, variable, dtype)};" for i, variable in enumerate(network.inputs)),
    ]
    for i in range(last):
        units = padded(widths[i + 1], dtype)
        lines += [
            f"        {real.name} x_{i + 1}[{units}];",
            f"        for (int unit = 0; unit < {units}; unit++)",
            f"            x_{i + 1}[unit] = bias_{i}[unit];",
            f"        for (int from = 0; from < {widths[i]}; from++)",
            f"            for (int unit = 0; unit < {units}; unit++)",
            f"                x_{i + 1}[unit] += x_{i}[from] * kernel_{i}[from][unit];",
        ]
        if i < last - 1:
            lines += [
                f"        for (int unit = 0; unit < {units}; unit++)",
                f"            x_{i + 1}[unit] = activation(x_{i + 1}[unit]);",
            ]
    lines += _outputs(network, last)
    return "\n".join([*lines, "    }", "}", ""])


def _to_network(i: int, variable: Variable, dtype: str) -> str:
    own = f"log{REALS[dtype].suffix}(inputs[{i}])" if variable.log else f"inputs[{i}]"
    return f"({own} - {literal(variable.shift, dtype)}) / {literal(variable.scale, dtype)}"


def _outputs(network: Network, last: int) -> list[str]:
    real, dtype, k = REALS[network.dtype], network.dtype, len(network.outputs)
    if not network.classes:
        values = [
            f"x_{last}[{i}] * {literal(variable.scale, dtype)} + {literal(variable.shift, dtype)}"
            for i, variable in enumerate(network.outputs)
        ]
        return [
            f"        outputs[{i}] = {f'exp{real.suffix}({value})' if variable.log else value};"
            for i, (value, variable) in enumerate(zip(values, network.outputs, strict=True))
        ]
    return [
        f"        {real.name} largest = x_{last}[0], sum = {literal(0.0, dtype)};",
        f"        for (int i = 1; i < {k}; i++)",
        f"            largest = x_{last}[i] > largest ? x_{last}[i] : largest;",
        f"        for (int i = 0; i < {k}; i++)",
        f"            sum += outputs[i] = exp{real.suffix}(x_{last}[i] - largest);",
        f"        for (int i = 0; i < {k}; i++)",
        "            outputs[i] /= sum;",
    ]
