"""How fast a kept network answers: `python -m benchmarks.surrogate_speed [ROUNDS]`

A 24-24 network with tanh, two inputs, one output, in float64, own units in and out; 1 row a call and 1000, one thread each.
What is timed is a call from Python with its input ready: the exported C through ctypes with buffers that are there already,
onnxruntime's `run`, NumPy (`surrogate(rows)`), PyTorch's module without gradients, JAX's compiled function until its answer
is there; and the C in a loop of C besides, without Python's share of a call. All take turns in every round, and a time is
compared with onnxruntime's of the same round; the medians of these ratios are what counts.
"""

import ctypes
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

os.environ |= {
    "OMP_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}

import jax
import numpy as np
import torch

import jax_impl.export
import parity
import torch_impl.export
from benchmarks.results import keep
from parity.contract import MLP
from parity.surrogate.c_source import FLAGS, function_of, source
from parity.surrogate.checking import random_rows
from parity.surrogate.onnx_graph import graph_of, session_of

ROWS = (1, 1000)
SECONDS = 0.02
LOOP = """
#include <stddef.h>
void loop(void (*function)(const double *, double *, size_t), const double *inputs, double *outputs, size_t rows, size_t times)
{
    for (size_t i = 0; i < times; i++)
        function(inputs, outputs, rows);
}
"""
Calls = Callable[[int], None]
"""Answers as often as it is told."""


def main(rounds: int) -> None:
    """Time everything in turns, print the median of each and its ratio to onnxruntime, and keep both."""
    torch.set_num_threads(1)
    jax.config.update("jax_enable_x64", True)
    surrogate = trained()
    compiler = subprocess.run(["cc", "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    print(f"{compiler}, {' '.join(FLAGS)}")
    kept = []
    for rows in ROWS:
        ways = everything(surrogate, random_rows(surrogate, rows))
        times = {name: [] for name in ways}
        repeats = {name: enough(calls) for name, calls in ways.items()}
        for _ in range(rounds):
            for name, calls in ways.items():
                times[name].append(seconds(calls, repeats[name]) / repeats[name])
        for name, mine in times.items():
            ratio = float(np.median(np.array(mine) / np.array(times["onnxruntime"])))
            microseconds = float(np.median(mine)) * 1e6
            print(f"{rows:5} rows  {name:16} {microseconds:9.2f} us a call, {ratio:7.3f} times onnxruntime's")
            kept.append({"rows": rows, "by": name, "microseconds": microseconds, "ratio": ratio, "rounds": rounds})
    keep_with = [{**row, "compiler": compiler, "flags": " ".join(FLAGS)} for row in kept]
    print(f"kept in {keep('surrogate_speed', keep_with, ['jax', 'torch'])}")


def trained() -> "parity.surrogate.surrogate.Surrogate":
    """A network of two epochs: its weights are those of a training, and its speed does not depend on them."""
    changes = {"rows": 100, "epochs": 2, "contender": ("torch:float32",), "reference": "torch:float64"}
    experiment = parity.recipe("paraboloid", model=MLP(hidden=(24, 24), activation="tanh"), **changes)
    with tempfile.TemporaryDirectory() as folder:
        return parity.load(parity.save(parity.run(experiment, throughput=False), Path(folder) / "model"))


def everything(surrogate, inputs) -> dict[str, Calls]:
    """By name what answers; each is asked once, and must say what NumPy says."""
    network, expected = surrogate.network, surrogate(inputs)
    session = session_of(graph_of(network).SerializeToString(), network)
    module, tensor = torch_impl.export.Surrogate(network), torch.from_numpy(inputs)
    program, array = jax.jit(jax_impl.export.Surrogate(network).__call__), jax.numpy.asarray(inputs)
    in_c, loop, outputs = c_calls(network, inputs)

    @torch.inference_mode()
    def by_torch():
        return module(tensor).numpy()

    def by_jax():
        return program(array).block_until_ready()

    ways = {
        "onnxruntime": lambda: session.run(None, {"inputs": inputs})[0],
        "C": lambda: in_c() or outputs,
        "numpy": lambda: surrogate(inputs),
        "torch": by_torch,
        "jax": by_jax,
    }
    for name, once in ways.items():
        assert np.allclose(np.asarray(once()), expected, rtol=1e-12, atol=1e-12), name
    return {**{name: repeated(once) for name, once in ways.items()}, "C, looped in C": loop}


def c_calls(network, inputs):
    """The exported C, compiled: a call with everything at hand, a loop of calls in C, and the outputs that both fill."""
    outputs = np.empty((len(inputs), len(network.outputs)))
    with tempfile.TemporaryDirectory() as folder:
        path, library = Path(folder) / "network.c", Path(folder) / "loop.so"
        path.write_text(source(network), encoding="utf-8")
        function = function_of(network, path)
        (Path(folder) / "loop.c").write_text(LOOP, encoding="utf-8")
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, Path(folder) / "loop.c"], check=True)
        looped = ctypes.CDLL(str(library)).loop
    # Made once: what a caller with buffers of its own pays is the call alone.
    into, out, rows = (
        ctypes.c_void_p(inputs.ctypes.data),
        ctypes.c_void_p(outputs.ctypes.data),
        ctypes.c_size_t(len(inputs)),
    )
    address = ctypes.cast(function, ctypes.c_void_p)

    def loop(times: int) -> None:
        looped(address, into, out, rows, ctypes.c_size_t(times))

    return lambda: function(into, out, rows), loop, outputs


def repeated(once: Callable[[], object]) -> Calls:
    """A loop of Python."""

    def calls(times: int) -> None:
        for _ in range(times):
            once()

    return calls


def enough(calls: Calls) -> int:
    """How many calls take long enough to be timed."""
    times = 1
    while seconds(calls, times) < SECONDS:
        times *= 2
    return times


def seconds(calls: Calls, times: int) -> float:
    """What so many calls take."""
    start = perf_counter()
    calls(times)
    return perf_counter() - start


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 51)
