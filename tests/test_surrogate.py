"""A trained network that is kept: what comes back is what was trained, in its own units, whoever evaluates it."""

import hashlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from io import BytesIO, TextIOWrapper

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from command import contents, parity
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from networks import ACTIVATIONS, MODELS, distance, random_network, surrogate_of
from safetensors.numpy import load_file, save_file

import parity as package
from parity.accuracy import score
from parity.cli import main
from parity.contract import InputError
from parity.progress import Silent
from parity.start import draw
from parity.surrogate.card import seal
from parity.surrogate.checking import random_rows
from torch_impl.export import Surrogate as InTorch

ROWS = 40


def trained(problem: str, **changes):
    """A result of two epochs, trained by the oracle."""
    quick = {"rows": 60, "epochs": 2, "contender": ("numpy:float32",), "reference": "numpy:float64"}
    return package.run(package.recipe(problem, **{**quick, **changes}), throughput=False)


@pytest.fixture(scope="module")
def results():
    return {problem: trained(problem) for problem in ("paraboloid", "polar", "rings")}


@pytest.fixture
def model(results, tmp_path):
    """A folder with a model of two inputs, x and y."""
    return package.save(results["paraboloid"], tmp_path / "model")


@pytest.mark.parametrize("problem", ["paraboloid", "polar", "rings"])
def test_what_was_trained_comes_back(results, problem, tmp_path):
    result, start = results[problem], draw(results[problem].experiment)
    surrogate = package.load(package.save(result, tmp_path / "model"))
    card = surrogate.card
    assert card.origin.contender == "numpy:cpu:loop:float64"
    assert card.origin.data_sha256 == result.start["data"]
    assert card.weights_sha256 == hashlib.sha256((tmp_path / "model" / "weights.safetensors").read_bytes()).hexdigest()
    again = score(start.truth.targets, surrogate(start.truth.inputs), start.problem.task == "classification")
    for name in ("rmse", "mae", "max_abs", "r2"):
        assert getattr(again, name) == pytest.approx(card.accuracy[name], rel=1e-12)
    assert again.hit_rate == card.accuracy["hit_rate"]
    for variables, rows in (
        (surrogate.inputs, start.train_truth.inputs),
        (surrogate.outputs, start.train_truth.targets),
    ):
        assert [variable.low for variable in variables] == rows.min(axis=0).tolist()
        assert [variable.high for variable in variables] == rows.max(axis=0).tolist()
    symbols = [quantity.symbol for quantity in start.problem.inputs]
    assert [variable.symbol for variable in surrogate.inputs] == symbols


def test_a_reference_without_float64_is_kept_in_its_own_dtype(tmp_path):
    result = trained("paraboloid", contender=("numpy:float64",), reference="numpy:float32")
    surrogate = package.load(package.save(result, tmp_path / "model"))
    assert surrogate.card.dtype == "float32"
    assert surrogate.card.origin.contender == result.pairs[0].reference
    final = result.histories[surrogate.card.origin.contender].final
    for name, array in final.parameters.items():
        assert np.array_equal(surrogate.network.parameters[name], array)
    # Its layers are evaluated in float64 unless told otherwise.
    rows = random_rows(surrogate, ROWS)
    assert 1e-9 < distance(surrogate(rows, dtype="float32"), surrogate(rows)) < 1e-5


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", MODELS)
def test_numpy_and_both_backends_say_the_same(kind, activation):
    surrogate = surrogate_of(random_network(kind(hidden=(7, 5), activation=activation)))
    rows = random_rows(surrogate, ROWS)
    for backend in ("torch", "jax"):
        assert distance(surrogate(rows, backend=backend), surrogate(rows)) < 1e-12


@given(
    kind=st.sampled_from(MODELS),
    hidden=st.lists(st.integers(1, 9), max_size=3),
    activation=st.sampled_from(ACTIVATIONS),
    seed=st.integers(0, 2**32 - 1),
    d=st.integers(1, 4),
    k=st.integers(1, 3),
    log=st.booleans(),
    classes=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_outputs_and_gradient_are_pytorchs(kind, hidden, activation, seed, d, k, log, classes):
    network = random_network(kind(hidden=tuple(hidden), activation=activation), seed, d, k, log=log, classes=classes)
    surrogate = surrogate_of(network)
    rows = random_rows(surrogate, 8)
    whole = InTorch(network)
    jacobian = torch.func.vmap(torch.func.jacrev(lambda row: whole(row[None])[0]))(torch.from_numpy(rows)).numpy()
    outputs = surrogate(rows)
    assert outputs.shape == (8, k)
    assert distance(outputs, surrogate(rows, backend="torch")) < 1e-12
    gradient = surrogate.gradient(rows)
    assert gradient.shape == (8, k, d)
    # Beside what a change of a whole range would change, so that a derivative near 0 is not measured by itself.
    ranges = np.array([variable.high - variable.low for variable in surrogate.inputs])
    scale = max(np.abs(jacobian * ranges).max(), np.abs(outputs).max())
    assert np.abs((gradient - jacobian) * ranges).max() < 1e-12 * scale


def test_rows_come_in_many_forms(model):
    surrogate = package.load(model)
    rows = np.array([[0.1, 0.2], [0.3, 0.2]])
    expected = surrogate(rows)
    structured = np.array([(0.2, 0.1), (0.2, 0.3)], dtype=[("y", float), ("x", float)])
    for given_rows in (rows.tolist(), {"y": [0.2, 0.2], "x": [0.1, 0.3]}, structured):
        assert np.array_equal(surrogate(given_rows), expected)
    assert np.array_equal(surrogate(x=[0.1, 0.3], y=0.2), expected)
    assert surrogate(x=0.1, y=0.2).shape == (1, 1)
    assert surrogate(np.zeros((0, 2))).shape == (0, 1)


@pytest.mark.parametrize(
    ("arguments", "columns", "said"),
    [
        ([[0.1, 0.2, 0.3]], {}, "shape (1, 3); expected (N, 2), the columns x, y"),
        ([0.1, 0.2], {}, "shape (2,); expected (N, 2)"),
        ([["a", "b"]], {}, "expected numbers"),
        (None, {"x": 1.0}, "y is missing; expected the inputs x, y"),
        (None, {"x": 1.0, "yy": 1.0}, "There is no input 'yy'. Did you mean y?"),
        (None, {"x": [1.0, 2.0], "y": [1.0, 2.0, 3.0]}, "expected one length for all"),
        ([[0.1, 0.2]], {"x": 1.0}, "x stand beside an array"),
    ],
)
def test_rows_that_fit_nothing_are_refused(model, arguments, columns, said):
    with pytest.raises(InputError, match=re.escape(said)):
        package.load(model)(arguments, **columns)


def test_outside_names_the_inputs_beyond_their_range(model):
    surrogate = package.load(model)
    low, high = surrogate.inputs[0].low, surrogate.inputs[0].high
    inside = [[low, 0.5], [high, 0.5]]
    beyond = [[np.nextafter(low, -1), 0.5], [np.nextafter(high, 2), 7.0], [np.nan, 0.5]]
    assert surrogate.outside(inside).tolist() == [[False, False]] * 2
    assert surrogate.outside(beyond).tolist() == [[True, False], [True, True], [True, False]]


def test_a_model_is_not_overwritten_unasked(results, model):
    before = contents(model)
    with pytest.raises(InputError, match="holds a model already"):
        package.save(results["paraboloid"], model)
    experiment = results["paraboloid"].experiment
    with pytest.raises(InputError, match="holds a model already"):
        package.run(experiment, save=model, throughput=False)
    assert contents(model) == before
    package.save(results["polar"], model, overwrite=True)
    assert package.load(model).card.name == "polar"


def test_rows_that_are_no_longer_those_trained_on_are_refused(results, tmp_path):
    result = results["paraboloid"]
    changed = replace(result, start={**result.start, "data": "0" * 64})
    with pytest.raises(InputError, match="not those that the network was trained on"):
        package.save(changed, tmp_path / "model")
    assert not (tmp_path / "model").exists()


class Impatient(Silent):
    """A user who interrupts the first training."""

    def task(self, name, total):
        if name.startswith("training"):
            raise KeyboardInterrupt
        return super().task(name, total)


def test_an_interrupted_run_leaves_no_half_model(results, tmp_path):
    result = package.run(
        results["paraboloid"].experiment, save=tmp_path / "model", throughput=False, watcher=Impatient()
    )
    assert not result.complete
    assert contents(tmp_path / "model") == {}
    with pytest.raises(InputError, match=r"model.json can't be read"):
        package.load(tmp_path / "model")
    with pytest.raises(InputError, match="There is nothing to keep"):
        package.save(result, tmp_path / "other")


def changed(path, **changes):
    """A card with some of its keys changed and sealed anew; `None` takes a key away."""
    record = json.loads(path.read_text(encoding="utf-8"))
    for dotted, value in changes.items():
        *places, last = dotted.split("__")
        inner = record
        for place in places:
            inner = inner[int(place) if place.isdigit() else place]
        if value is None:
            del inner[last]
        else:
            inner[last] = value
    path.write_text(json.dumps({**record, "sha256": seal(record)}), encoding="utf-8")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 2}, "format is 2; expected 1. A newer parity wrote it"),
        ({"format": "1"}, "format is '1'; expected 1"),
        ({"format": None}, "format is None; expected 1"),
        ({"dtype": "float16"}, "dtype is 'float16'; expected one of float32, float64"),
        ({"dtype": "float32"}, "layers.0.kernel is float64 of shape (2, 10); expected float32"),
        ({"task": 3}, "task is 3; expected one of regression, classification"),
        ({"model__activation": "tahn"}, "model.activation is 'tahn'; expected one of relu, tanh"),
        ({"model__hidden": [10, 6]}, "layers.1.kernel is float64 of shape (10, 5); expected float64 of (10, 6)"),
        ({"model__hidden": [10, 5, 3]}, "has no tensor 'layers.3.bias'"),
        ({"model__hidden": [10, -5]}, "hidden has a layer of -5 units"),
        ({"model__kind": "cnn"}, "model has kind 'cnn'"),
        ({"model__depth": 3}, "unknown key model.depth"),
        ({"inputs": {}}, "inputs is {}; expected a list"),
        ({"inputs": []}, "inputs is empty"),
        ({"inputs__1__symbol": "x"}, "inputs has the symbols ['x', 'x']; expected each once"),
        ({"inputs__1__scale": "one"}, "inputs.1.scale is 'one'; expected a number"),
        ({"inputs__1__scale": 0.0}, "inputs.1 scale of y is 0.0; expected a number above 0"),
        ({"inputs__0__low": 9.0}, "inputs.0 low of x is 9.0; expected at most its high"),
        ({"outputs__0__log": 1}, "outputs.0.log is 1; expected true or false"),
        ({"outputs__0__unit": None}, "outputs.0.unit is missing"),
        ({"weights_sha256": None}, "weights_sha256 is missing"),
        ({"weights_sha256": "0"}, "but model.json says weights_sha256 '0'"),
        ({"accuracy": []}, "accuracy is []; expected a table"),
        ({"notes": "mine"}, "unknown key notes"),
    ],
    ids=str,
)
def test_an_edited_card_is_refused_by_file_key_and_expectation(model, changes, said):
    changed(model / "model.json", **changes)
    with pytest.raises(InputError, match=r"(model\.json|weights\.safetensors)") as refused:
        package.load(model)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new"),
    [('"scale": ', '"scale": 1'), ('"meaning": "', '"meaning": "the '), ('"rmse": ', '"rmse": 1')],
)
def test_a_plausible_edit_of_a_card_is_seen(model, old, new):
    path = model / "model.json"
    text = path.read_text(encoding="utf-8")
    edited = text.replace(old, new, 1)
    assert edited != text
    path.write_text(edited, encoding="utf-8")
    with pytest.raises(InputError, match=r"model.json was changed after it was saved"):
        package.load(model)


def test_a_card_may_be_laid_out_anew(model):
    path = model / "model.json"
    path.write_text(
        json.dumps(json.loads(path.read_text(encoding="utf-8")), indent=None, sort_keys=True), encoding="utf-8"
    )
    package.load(model)


@pytest.mark.parametrize("name", ["model.json", "weights.safetensors"])
def test_a_missing_file_is_named(model, name):
    (model / name).unlink()
    with pytest.raises(InputError, match=rf"{name} can't be read: No such file"):
        package.load(model)


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "is not JSON"), ("[1]", "is a list; expected an object"), ('{"format": NaN}', "NaN"), ("\xff", "not JSON")],
)
def test_a_card_that_is_none_is_refused(model, text, said):
    (model / "model.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=said):
        package.load(model)


def test_changed_weights_are_refused(model):
    path = model / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="the files were changed, or are not of one model"):
        package.load(model)


@pytest.mark.parametrize("fault", ["not finite", "not safetensors"])
def test_weights_that_can_not_be_used_are_refused(model, fault):
    path = model / "weights.safetensors"
    if fault == "not finite":
        tensors = load_file(path)
        tensors["layers.0.bias"][0] = np.nan
        save_file(tensors, path)
    else:
        path.write_bytes(b"\x80\x04K\x01.")
    changed(model / "model.json", weights_sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    with pytest.raises(InputError, match=f"weights.safetensors.* is {fault}|weights.safetensors is not a file"):
        package.load(model)


def test_no_folder_is_no_model(tmp_path):
    for path in (tmp_path / "nothing", tmp_path / "file"):
        (tmp_path / "file").touch()
        with pytest.raises(InputError, match="is not a folder"):
            package.load(path)


def test_a_surrogate_needs_no_framework(model):
    code = (
        "import sys, parity\n"
        f"surrogate = parity.load({str(model)!r})\n"
        "surrogate(x=0.1, y=0.2), surrogate.gradient(x=0.1, y=0.2)\n"
        "assert not {'jax', 'flax', 'torch', 'numpy_impl'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def piped(content: bytes) -> TextIOWrapper:
    """Standard input that holds these bytes."""
    return TextIOWrapper(BytesIO(content))


def parquet(columns) -> bytes:
    """A table as Parquet."""
    file = BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


# Two rows, y in front of x beside a column of words, in every form that a table has.
FORMS = {
    "commas": b"note,y,x\nfirst,0.2,0.1\n,0.25,0.3\n",
    "semicolons": b"\xef\xbb\xbfnote;y;x\r\nfirst;0.2;0.1\r\n;0.25;0.3\r\n",
    "tabs": b"note\ty\tx\nfirst\t0.2\t0.1\n\t0.25\t0.3\n",
    "blanks": b"\nnote  y    x\nfirst 0.2  0.1\n-     0.25 0.3\n",
    "parquet": parquet({"note": ["first", None], "y": [0.2, 0.25], "x": [0.1, 0.3]}),
}


class TestPredict:
    """`parity predict`."""

    @pytest.fixture
    def run(self, model, tmp_path, capsys, monkeypatch):
        monkeypatch.setenv("COLUMNS", "240")

        def predict(text: str, *options: str):
            (tmp_path / "new.csv").write_text(text, encoding="utf-8")
            status = main(["predict", str(model), str(tmp_path / "new.csv"), *options])
            return status, *capsys.readouterr()

        return predict

    def test_columns_are_found_by_name_and_others_left_out(self, run, model):
        status, out, err = run("note,y,x\nfirst,0.2,0.1\n,0.25,0.3\n")
        assert (status, err) == (0, "")
        lines = [line.split(",") for line in out.splitlines()]
        assert lines[0] == ["x", "y", "z", "outside"]
        inputs = [[0.1, 0.2], [0.3, 0.25]]
        assert [[float(cell) for cell in line[:2]] for line in lines[1:]] == inputs
        # Every digit comes through.
        assert [[float(line[2])] for line in lines[1:]] == package.load(model)(inputs).tolist()
        assert [line[3] for line in lines[1:]] == ["", ""]

    @pytest.mark.parametrize("form", FORMS)
    @pytest.mark.parametrize("by", ["name", "standard input"])
    def test_it_reads_what_a_run_reads(self, form, by, model, tmp_path, monkeypatch, capsys):
        (tmp_path / "new.data").write_bytes(FORMS[form])
        monkeypatch.setattr(sys, "stdin", piped(FORMS[form]))
        assert main(["predict", str(model), str(tmp_path / "new.data") if by == "name" else "-"]) == 0
        rows = [line.split(",") for line in capsys.readouterr().out.splitlines()[1:]]
        inputs = [[0.1, 0.2], [0.3, 0.25]]
        assert [[float(cell) for cell in row[:3]] for row in rows] == [
            [*row, *said] for row, said in zip(inputs, package.load(model)(inputs).tolist(), strict=True)
        ]

    @pytest.mark.parametrize("text", ["x,y\n0.2,0.3\n", "x;y\n0.2;0.3", "x y\n0.2 0.3\n", "\n" * 30 + "x\ty\n0.2\t0.3"])
    def test_one_row_is_a_table(self, run, text):
        status, out, err = run(text)
        assert (status, err, len(out.splitlines())) == (0, "", 2)
        assert out.splitlines()[1].startswith("0.2,0.3,")

    @settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(row=st.tuples(*[st.floats(-1e6, 1e6)] * 2), delimiter=st.sampled_from(",;\t "))
    def test_every_digit_comes_through(self, run, row, delimiter):
        _, out, _ = run(f"x{delimiter}y\n{row[0]!r}{delimiter}{row[1]!r}\n")
        assert tuple(map(float, out.splitlines()[1].split(",")[:2])) == row

    def test_parquet_has_rows_and_no_lines(self, model, tmp_path, capsys):
        path = tmp_path / "new.parquet"
        path.write_bytes(parquet({"x": [0.2, 7.0], "y": [0.2, 0.2]}))
        assert main(["predict", str(model), str(path)]) == 0
        assert "  row 1: x is 7, trained from " in capsys.readouterr().err
        path.write_bytes(parquet({"x": [0.2, None], "y": [0.2, 0.2]}))
        assert main(["predict", str(model), str(path)]) == 2
        assert "1 missing values, in 1 of its 2 rows: x in row 1." in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"", "standard input is empty"),
            (b"x;y\n1;a\n", "standard input: column y has 'a' in row 0 (line 2)"),
            (b"x,y\n1,\xb0\n", "standard input is not UTF-8: line 2 has the byte 0xb0"),
            (b"PAR1 and no more", "standard input can't be read as Parquet"),
        ],
    )
    def test_standard_input_is_called_so(self, content, said, model, monkeypatch, capsys):
        monkeypatch.setattr(sys, "stdin", piped(content))
        assert main(["predict", str(model), "-"]) == 2
        assert said in capsys.readouterr().err

    def test_standard_input_may_be_closed(self, model, monkeypatch, capsys):
        monkeypatch.setattr(sys, "stdin", None)
        assert main(["predict", str(model), "-"]) == 2
        assert "standard input is closed" in capsys.readouterr().err

    def test_a_file_that_is_not_there_is_named(self, model, tmp_path, capsys):
        (tmp_path / "new.csv").touch()
        assert main(["predict", str(model), str(tmp_path / "new.cvs")]) == 2
        assert "Did you mean new.csv?" in capsys.readouterr().err

    def test_rows_outside_the_trained_range_are_told(self, run):
        status, out, err = run("x,y\n0.2,0.2\n7,0.2\n8,-9\n" + "7,0.2\n" * 6)
        assert status == 0
        assert [line.split(",")[3] for line in out.splitlines()[1:4]] == ["", "x", "x y"]
        assert "8 of 9 rows are outside" in err
        assert "  row 1 (line 3): x is 7, trained from " in err
        assert "and 3 more" in err

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "new.csv is empty"),
            ("x,yy\n1,2\n", "has no column 'y', which is an input. Did you mean yy?"),
            ("x,Y\n1,2\n", "has no column 'y', which is an input. Did you mean Y?"),
            ("x,y,x\n1,2,3\n", "has more than one column 'x'"),
            ("x,y\n", "new.csv has no rows; expected at least one"),
            ("x,y\n1,2\n3,a\n", "new.csv: column y has 'a' in row 1 (line 3); expected a number"),
            ("x,y\n1,2\n3,a\n", "1 of its 2 cells are no numbers; mend them, or leave their rows out"),
            ("x,y\n1,a\n", "code them in numbers, or leave their rows out"),
            ("x;y\n1;0,5\n", "column y has '0,5' in row 0 (line 2), with a decimal comma"),
            ("x,y\n1,\n", "1 missing values, in 1 of its 1 rows: y in row 0 (line 2)"),
            ("x,y\nnan,1\n", "remove those rows, or fill them in"),
            ("x,y\n1,2\n1,-inf\n", "column y has 1 infinite values, the first -inf in row 1 (line 3)"),
            ("x,y\n1,2,3\n", "3 cells on line 2: 1, 2, 3; expected 2"),
            ('x,"y\n1,2\n', "can't be read from its header on"),
            ("1,2\n1,2\n", "has no header"),
        ],
    )
    def test_a_table_that_does_not_fit_is_refused(self, run, text, said):
        status, out, err = run(text)
        assert (status, out) == (2, "")
        assert said in err

    def test_a_file_is_not_overwritten_unasked(self, run, tmp_path):
        out = tmp_path / "out.csv"
        assert run("x,y\n0.2,0.2\n", "--out", str(out))[:2] == (0, "")
        kept = out.read_text(encoding="utf-8")
        status, _, err = run("x,y\n0.3,0.2\n", "--out", str(out))
        assert (status, "is there already" in err) == (2, True)
        assert out.read_text(encoding="utf-8") == kept
        assert run("x,y\n0.3,0.2\n", "--out", str(out), "--overwrite")[0] == 0
        assert out.read_text(encoding="utf-8") != kept

    def test_standard_input_and_another_backend(self, model, monkeypatch, capsys):
        said = []
        for options in ((), ("--backend", "torch")):
            monkeypatch.setattr(sys, "stdin", piped(b"x,y\n0.1,0.2\n"))
            assert main(["predict", str(model), "-", *options]) == 0
            said.append(float(capsys.readouterr().out.splitlines()[1].split(",")[2]))
        assert said[0] == pytest.approx(said[1], rel=1e-12)


def test_run_keeps_a_model_that_predict_reads(tmp_path):
    quick = ("--rows=60", "--epochs=2", "--no-throughput", "--contender=numpy:float32", "--reference=numpy:float64")
    told = parity("run", "polar", *quick, "--save", "model", cwd=tmp_path)
    assert "is kept in model" in told.stdout, told.stderr
    variables = json.loads((tmp_path / "model" / "model.json").read_text(encoding="utf-8"))["inputs"]
    lines = [[variable[key] for variable in variables] for key in ("symbol", "low")]
    (tmp_path / "new.csv").write_text("\n".join(",".join(map(str, line)) for line in lines), encoding="utf-8")
    said = parity("predict", "model", "new.csv", cwd=tmp_path)
    assert said.returncode == 0, said.stderr
    assert len(said.stdout.splitlines()) == 2
