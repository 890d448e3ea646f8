"""A kept network in the formats of others: written, loaded back by whoever reads them, and compared with NumPy."""

import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import product
from math import inf, nan

import jax.export
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from networks import ACTIVATIONS, distance, random_network, surrogate_of

import parity as package
from parity import registry
from parity.cli import main
from parity.contract import MLP, InputError, RegularizedMLP
from parity.surrogate.c_source import FLAGS, compiled, function_name
from parity.surrogate.checking import random_rows
from parity.surrogate.forward import outputs_at

WITHIN = {"float64": 1e-12, "float32": 2e-4}
"""float32 is rounded at the inputs already, which the units here magnify."""
NETWORKS = {
    "logarithms": random_network(MLP(hidden=(7, 5), activation="tanh")),
    "classes": random_network(MLP(hidden=(6,), activation="silu"), k=3, classes=True),
    "regularized": random_network(RegularizedMLP(hidden=(9, 4), activation="softplus"), d=1, k=1),
    "linear": random_network(MLP(hidden=()), log=False),
}

NO_COMPILER = "there is no C compiler named cc here"
needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason=NO_COMPILER)


def needs_compiler_for(form: str) -> None:
    """Skip a test of C where nothing compiles it."""
    if form == "c" and shutil.which("cc") is None:
        pytest.skip(NO_COMPILER)


def off(network, evaluate, dtype: str) -> float:
    """How far something is off NumPy's float64, over the trained ranges."""
    rows = random_rows(surrogate_of(network), 100)
    outputs = evaluate(rows.astype(dtype))
    assert outputs.dtype == dtype
    return distance(outputs, outputs_at(network, rows))


def loaded(form: str, network, path):
    """What a user of the file calls."""
    if form == "c":
        return compiled(network, path)
    if form == "onnx":
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        return lambda rows: session.run(["outputs"], {"inputs": rows})[0]
    if form == "torch":
        module = torch.export.load(path).module()
        return lambda rows: module(torch.from_numpy(rows)).numpy()
    program = jax.export.deserialize(bytearray(path.read_bytes()))

    def call(rows):
        with jax.enable_x64(network.dtype == "float64"):
            return np.asarray(program.call(rows))

    return call


# Each program of JAX takes a second to compile; two networks have all that there is.
CASES = [
    *product(("c", "onnx", "torch"), NETWORKS, ("float64", "float32")),
    ("jax", "logarithms", "float64"),
    ("jax", "classes", "float32"),
]


@pytest.mark.parametrize(("form", "name", "dtype"), CASES)
def test_what_is_loaded_back_says_what_numpy_says(form, name, dtype, tmp_path):
    needs_compiler_for(form)
    network = NETWORKS[name].cast(dtype)
    path = tmp_path / f"network{registry.exporter(form).suffix}"
    evaluate = registry.exporter(form).write(network, path)
    assert off(NETWORKS[name], evaluate, dtype) < WITHIN[dtype]
    assert off(NETWORKS[name], loaded(form, network, path), dtype) < WITHIN[dtype]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("form", ["c", "onnx"])
def test_every_activation_is_written_out_right(form, activation, dtype, tmp_path):
    needs_compiler_for(form)
    network = random_network(MLP(hidden=(5, 4), activation=activation), seed=1)
    if (form, activation, dtype) == ("onnx", "gelu", "float64"):
        with pytest.raises(InputError, match=r"can't evaluate gelu in float64: .*Erf.*Export it with --dtype float32"):
            registry.exporter(form).write(network, tmp_path / "network")
        assert not (tmp_path / "network").exists()
        return
    evaluate = registry.exporter(form).write(network.cast(dtype), tmp_path / "network.c")
    assert off(network, evaluate, dtype) < WITHIN[dtype]


def test_onnx_names_its_ends_and_says_what_they_are(tmp_path):
    network = NETWORKS["logarithms"]
    registry.exporter("onnx").write(network, tmp_path / "network.onnx")
    model = onnx.load(tmp_path / "network.onnx")
    (end,) = model.graph.input
    assert end.name == "inputs"
    assert [each.dim_param or each.dim_value for each in end.type.tensor_type.shape.dim] == ["N", 3]
    told = {each.key: each.value for each in model.metadata_props}
    for side, variables in (("input", network.inputs), ("output", network.outputs)):
        for i, variable in enumerate(variables):
            assert told[f"{side} {i}"].startswith(f"{variable.symbol} [{variable.unit}], trained from {variable.low!r}")


def one_unit(activation: str):
    """A network that is its activation itself: a unit of weight 1, and units in which nothing is scaled."""
    network = random_network(MLP(hidden=(1,), activation=activation), d=1, k=1, log=False)
    weights = {
        name: np.full_like(array, 1.0 if name.endswith("kernel") else 0.0) for name, array in network.parameters.items()
    }
    inputs, outputs = (
        (replace(variables[0], shift=0.0, scale=1.0),) for variables in (network.inputs, network.outputs)
    )
    return replace(network, inputs=inputs, outputs=outputs, parameters=weights)


@needs_compiler
class TestC:
    """The C file beyond the trained ranges, and to a strict compiler."""

    @pytest.mark.parametrize("activation", ACTIVATIONS)
    @pytest.mark.parametrize("dtype", ["float64", "float32"])
    def test_a_strict_compiler_has_nothing_to_say(self, activation, dtype, tmp_path):
        network = random_network(MLP(hidden=(5,), activation=activation), k=3, classes=activation == "tanh")
        registry.exporter("c").write(network.cast(dtype), tmp_path / "network.c")
        warnings = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wdouble-promotion", "-Werror")
        command = ["cc", "-std=c99", *warnings, "-fsyntax-only", tmp_path / "network.c"]
        told = subprocess.run(command, capture_output=True, text=True, check=False)
        assert told.returncode == 0, told.stderr

    @pytest.mark.parametrize("activation", ACTIVATIONS)
    def test_an_activation_is_right_wherever_it_is_asked(self, activation, tmp_path):
        network = one_unit(activation)
        evaluate = registry.exporter("c").write(network, tmp_path / "network.c")
        near, far = np.linspace(-40, 40, 3001), np.geomspace(1e-300, 1e300, 301)
        rows = np.concatenate([near, far, -far, [0.0, nan, inf, 1e4, -1e4]])[:, None]
        with np.errstate(over="ignore", invalid="ignore"):
            expected = outputs_at(network, rows)
        outputs, finite = evaluate(rows), np.isfinite(expected)
        assert np.array_equal(outputs[~finite], expected[~finite], equal_nan=True)
        outputs, expected = outputs[finite], expected[finite]
        assert (np.abs(outputs - expected) / np.maximum(np.abs(expected), 1.0)).max() < 4e-16
        # tanh and elu keep their digits near 0 too.
        if activation in ("tanh", "elu"):
            assert (np.abs(outputs - expected) / np.maximum(np.abs(expected), 1e-300)).max() < 1e-15

    def test_a_name_is_no_way_into_the_program(self, tmp_path):
        network = NETWORKS["linear"]
        evil = '*/ int main(void) { return 1; } /* "'
        variable = replace(network.inputs[0], symbol=evil, meaning=evil)
        named = replace(network, name="é-1; x", inputs=(variable, *network.inputs[1:]))
        evaluate = registry.exporter("c").write(named, tmp_path / "network.c")
        assert function_name(named) == "surrogate___1__x"
        assert off(network, evaluate, "float64") < 1e-12

    def test_it_does_not_lean_on_the_flags(self, tmp_path):
        network = NETWORKS["logarithms"]
        registry.exporter("c").write(network, tmp_path / "network.c")
        program = tmp_path / "network.c"
        fast = compiled(network, program)
        rows = random_rows(surrogate_of(network), 50)
        plain = compiled(network, program, flags=("-std=c99",))
        assert distance(plain(rows), fast(rows)) < 1e-14
        assert "-std=c99" in FLAGS


class TestCommand:
    """`parity export`."""

    @pytest.fixture
    def model(self, tmp_path):
        quick = {"rows": 60, "epochs": 2, "contender": ("numpy:float32",), "reference": "numpy:float64"}
        result = package.run(package.recipe("rings", **quick), throughput=False)
        return package.save(result, tmp_path / "model")

    def test_it_writes_checks_and_keeps_what_is_there(self, model, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        assert main(["export", str(model), "--format", "onnx"]) == 0
        said = capsys.readouterr().out
        assert "rings.onnx has the network of" in said
        assert "1,000 random rows of the trained ranges" in said
        kept = (tmp_path / "rings.onnx").read_bytes()
        assert main(["export", str(model), "--format", "onnx", "--dtype", "float32"]) == 2
        assert "rings.onnx is there already" in capsys.readouterr().err
        assert (tmp_path / "rings.onnx").read_bytes() == kept
        assert main(["export", str(model), "--format", "onnx", "--dtype", "float32", "--overwrite"]) == 0
        assert (tmp_path / "rings.onnx").read_bytes() != kept

    def test_a_pickle_is_said_to_be_one(self, model, tmp_path, capsys):
        assert main(["export", str(model), "--format", "torch", "--out", str(tmp_path / "rings.pt2")]) == 0
        assert "The archive holds a pickle" in capsys.readouterr().out

    def test_a_format_that_is_wrong_is_found_out(self, model, tmp_path, monkeypatch, capsys):
        class Wrong(type(registry.exporter("onnx"))):
            def write(self, network, path):
                return super().write(replace(network, classes=False), path)

        monkeypatch.setattr(registry, "exporter", lambda name: Wrong())
        assert main(["export", str(model), "--format", "onnx", "--out", str(tmp_path / "wrong.onnx")]) == 1
        assert "more than half of float64's digits" in capsys.readouterr().out

    def test_a_missing_package_is_named_with_its_extra(self, model, tmp_path, monkeypatch, capsys):
        monkeypatch.delitem(sys.modules, "parity.surrogate.onnx_graph", raising=False)
        monkeypatch.setitem(sys.modules, "onnx", None)
        assert main(["export", str(model), "--format", "onnx", "--out", str(tmp_path / "rings.onnx")]) == 2
        assert "needs onnx, which is not installed. Install it: pip install 'parity[onnx]'" in capsys.readouterr().err

    def test_without_a_compiler_c_is_written_and_not_checked(self, model, tmp_path, monkeypatch, capsys):
        monkeypatch.setenv("PATH", str(tmp_path))
        assert main(["export", str(model), "--format", "c", "--out", str(tmp_path / "rings.c")]) == 0
        assert "It was not checked" in capsys.readouterr().out
        assert "void surrogate_rings(const double *inputs" in (tmp_path / "rings.c").read_text(encoding="utf-8")

    def test_a_folder_that_is_not_there_is_refused(self, model, tmp_path, capsys):
        assert main(["export", str(model), "--format", "c", "--out", str(tmp_path / "no" / "rings.c")]) == 2
        assert "can't be written: No such file or directory" in capsys.readouterr().err
