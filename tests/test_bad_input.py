"""Bad input: the value is quoted, it is said what to do, and nothing is written, lost or half done."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest
from command import QUICK, contents, environment, parity

from parity.cli import main
from parity.contract import InputError
from parity.problems import CATALOGUE, Quantity, find, recipe, register
from parity.records import read_experiment
from parity.start import draw

# Options, then what the message must hold: the value, and what would have been right.
USAGE = [
    (["--epohcs", "5"], ["--epohcs", "--epochs"]),
    (["--optimiser", "sgd"], ["--optimiser", "--optimizer"]),
    (["--optimizer.b3", "0.9"], ["--optimizer.b3", "--optimizer.b1"]),
    (["--optimizer", "adm"], ["'adm'", "Did you mean adam"]),
    (["--contender", "nunpy"], ["'nunpy'", "Did you mean numpy?"]),
    (["--contender", "numpy:lop"], ["'lop'", "Did you mean loop?"]),
    (["--contender", "numpy:float16"], ["'float16'", "float32"]),
    (["--contender", "numpy:cpu:cuda"], ["'cpu' and 'cuda'", "backend:device:mode:dtype"]),
    (["--contender", "numpy:cuda"], ["'cuda'", "cpu"]),
    (["--reference", "touch"], ["'touch'", "Did you mean torch?"]),
    (["--batch-size", "61"], ["61", "51 training rows"]),
    (["--batch-size", "0"], ["0", "at least 1"]),
    (["--epochs", "0"], ["epochs is 0", "at least 1"]),
    (["--epochs", "-3"], ["epochs is -3", "at least 1"]),
    (["--epochs", "three"], ["'three'", "--epochs INT"]),
    (["--epochs", "1000000000000"], ["1000000000000", "fewer epochs"]),
    (["--rows", "0"], ["rows is 0", "at least 1"]),
    (["--rows", "-5"], ["rows is -5", "at least 1"]),
    (["--rows", "3"], ["rows is 3", "at least 2 of each"]),
    (["--model.hidden", "8", "0"], ["0 units", "at least 1"]),
    (["--model.hidden", "8", "-4"], ["-4 units", "at least 1"]),
    (["--held-out", "1.5"], ["held_out is 1.5", "between 0 and 1"]),
    (["--seed", "-1"], ["seed is -1", "from 0"]),
    (["--clip-norm", "inf"], ["clip_norm is inf", "None for no clipping"]),
    (["--target-r2", "nan"], ["target_r2 is nan", "at most 1"]),
    (["--optimizer.learning-rate", "nan"], ["learning_rate is nan", "above 0"]),
    (["--replicas", "1"], ["replicas is 1", "at least"]),
    (["--replicas", "-16"], ["replicas is -16", "at least"]),
    (["--false-alarm", "0"], ["false_alarm is 0.0", "between 0 and 1"]),
    (["--false-alarm", "1.5"], ["false_alarm is 1.5", "between 0 and 1"]),
    (["--false-alarm", "1e-12"], ["false_alarm is 1e-12", "support no rate below", "Ask for a larger one"]),
    (["--arbiter", "nunpy"], ["'nunpy'", "Did you mean numpy?"]),
    (["--arbiter", "numpy:float64"], ["'numpy:float64'", "numpy"]),
    (["--loss.kind", "cross_entropy"], ["'cross_entropy'", "expected mse"]),
]


@pytest.mark.parametrize(("options", "told"), USAGE, ids=[" ".join(options) for options, _ in USAGE])
def test_an_unusable_option_is_quoted(options, told, tmp_path):
    refused(parity("run", "paraboloid", *QUICK, *options, cwd=tmp_path), told)
    assert contents(tmp_path) == {}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run", "parabloid"], ["'parabloid'", "Did you mean paraboloid?"]),
        (["problems", "parabloid"], ["'parabloid'", "Did you mean paraboloid?"]),
        (["rum", "paraboloid"], ["'rum'", "Did you mean run?"]),
        (["run", "nowhere.toml"], ["nowhere.toml", "No such file", "TOML file"]),
        (["run", "paraboloid", "polar"], ["polar"]),
        (
            ["run", "paraboloid", "--contender=numpy:float64", "--reference=numpy"],
            ["nothing to compare numpy:cpu:loop:float64", "--contender or --reference"],
        ),
    ],
    ids=" ".join,
)
def test_an_unknown_name_is_quoted(arguments, told, tmp_path):
    refused(parity(*arguments, cwd=tmp_path), told)
    assert contents(tmp_path) == {}


def refused(done, told):
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert [part for part in told if part not in done.stderr] == [], done.stderr


TOML = [
    ("epohcs = 5", ["unknown key epohcs", "Did you mean epochs?"]),
    ("[optimzer]\nkind = 'sgd'", ["unknown key optimzer", "Did you mean optimizer?"]),
    ("[optimizer]\nb3 = 1.0", ["unknown key optimizer.b3", "b1, b2"]),
    ("[model]\nhiden = [8]", ["unknown key model.hiden", "Did you mean hidden?"]),
    ("[loss]\nknid = 'mse'", ["unknown key loss.knid", "Did you mean kind?"]),
    ("problem = 'parabloid'", ["'parabloid'", "Did you mean paraboloid?"]),
    ("problem = 3", ["problem is 3", "a name"]),
    ("epochs = '5'", ["epochs is '5'", "a whole number"]),
    ("epochs = 5.0", ["epochs is 5.0", "a whole number"]),
    ("epochs = true", ["epochs is True", "a whole number"]),
    ("epochs = 'None'", ["epochs is 'None'", "a whole number"]),
    ("epochs = 0", ["epochs is 0", "at least 1"]),
    ("standardize = 1", ["standardize is 1", "true or false"]),
    ("batch_size = 'all'", ["batch_size is 'all'", "a whole number"]),
    ("batch_size = 5000", ["batch_size is 5000", "850 training rows"]),
    ("clip_norm = 0", ["clip_norm is 0.0", "above 0"]),
    ("last_batch = 'keep'", ["'keep'", "drop, wrap"]),
    ("contender = 'jax'", ["contender is 'jax'", "a list"]),
    ("contender = [3]", ["contender.0 is 3", "a text"]),
    ("optimizer = 'sgd'", ["optimizer is 'sgd'", "[optimizer]"]),
    ("loss = 'mse'", ["loss is 'mse'", "[loss]"]),
    ("[optimizer]\nkind = 'adm'", ["'adm'", "Did you mean adam"]),
    ("[model]\nkind = ['mlp']", ["['mlp']", "Did you mean mlp?"]),
    ("[loss]\nkind = 'mes'", ["'mes'", "mse"]),
    ("[optimizer]\nlearning_rate = 'fast'", ["optimizer.learning_rate is 'fast'", "a number"]),
    ("[optimizer]\nlearning_rate = -1", ["learning_rate is -1.0", "above 0"]),
    ("[optimizer]\nlearning_rate = nan", ["learning_rate is nan", "above 0"]),
    ("[model]\nhidden = 8", ["model.hidden is 8", "a list"]),
    ("[model]\nhidden = [8, '4']", ["model.hidden.1 is '4'", "a whole number"]),
    ("[model]\nhidden = [8, 0]", ["0 units", "at least 1"]),
    ("[model]\nactivation = 'rleu'", ["'rleu'", "relu"]),
    ("[schedule]\nkind = 'step'\nevery = 0", ["every is 0", "above 0"]),
    ("epochs = = 5", ["not TOML", "line 1"]),
]


@pytest.mark.parametrize(("text", "told"), TOML, ids=[text.replace("\n", " ") for text, _ in TOML])
def test_an_unusable_file_is_quoted(text, told, tmp_path):
    path = tmp_path / "experiment.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_experiment(path)
    assert [part for part in told if part not in str(error.value)] == [], str(error.value)


def test_everything_wrong_in_a_file_is_told_at_once(tmp_path):
    path = tmp_path / "wrong.toml"
    path.write_text("epohcs = 5\nseed = 'x'\n[optimizer]\nb3 = 1.0\n", encoding="utf-8")
    done = parity("run", path, cwd=tmp_path)
    refused(done, ["epohcs", "'x'", "optimizer.b3"])
    assert done.stderr.count("wrong.toml: ") == 3
    assert list(contents(tmp_path)) == ["wrong.toml"]


@pytest.mark.parametrize("spoil", [lambda path: path.mkdir(), lambda path: path.write_bytes(b"\xff\xfe")])
def test_a_file_that_is_no_text_is_named(spoil, tmp_path):
    path = tmp_path / "odd.toml"
    spoil(path)
    refused(parity("run", path, cwd=tmp_path), ["odd.toml", "can't be read", "TOML file"])


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_device_that_is_not_there_is_named(backend, tmp_path):
    # Where there is a GPU, both frameworks are kept from seeing it.
    hidden = environment(CUDA_VISIBLE_DEVICES="", JAX_PLATFORMS="cpu")
    options = ("--contender", f"{backend}:cuda", "--reference", "numpy", "--out", "out")
    refused(parity("run", "paraboloid", *options, cwd=tmp_path, env=hidden), ["'cuda'", "it has cpu", "GPU"])
    assert contents(tmp_path) == {}


@pytest.fixture
def without(tmp_path_factory):
    """An environment in which some frameworks can't be imported."""

    def without(*frameworks):
        stubs = tmp_path_factory.mktemp("stubs")
        for name in frameworks:
            fails = f"raise ModuleNotFoundError({f'No module named {name!r}'!r}, name={name!r})\n"
            (stubs / f"{name}.py").write_text(fails, encoding="utf-8")
        return environment(PYTHONPATH=os.pathsep.join([str(stubs), os.environ["PYTHONPATH"]]))

    return without


@pytest.mark.parametrize("framework", ["jax", "torch"])
def test_a_missing_framework_names_its_extra(framework, without, tmp_path):
    env, extra = without(framework), f"pip install 'parity[{framework}]'"
    asked_for = parity("run", "paraboloid", *QUICK, "--contender", framework, cwd=tmp_path, env=env)
    refused(asked_for, [repr(framework), "not installed", extra])
    # The plain call has one twin left, which it won't compare with itself.
    refused(parity("run", cwd=tmp_path, env=env), ["nothing to compare", extra])
    assert contents(tmp_path) == {}


def test_without_any_framework_the_rest_works(without, tmp_path):
    env = without("jax", "torch")
    refused(parity("run", cwd=tmp_path, env=env), ["nothing to compare", "parity[jax]", "parity[torch]"])
    listed = parity("backends", cwd=tmp_path, env=env)
    assert listed.returncode == 0
    assert listed.stdout.count("not installed. Install it") == 2
    assert parity("run", "paraboloid", *QUICK, "--out", "run", cwd=tmp_path, env=env).returncode == 0
    assert json.loads((tmp_path / "run" / "result.json").read_text())["verdict"] == "equivalent"


def test_a_twin_is_compared_with_another_backend_where_the_reference_is_missing(without, tmp_path):
    options = ("--rows=60", "--epochs=20", "--no-throughput", "--contender=numpy:float64", "--contender=jax:float64")
    done = parity("run", "paraboloid", *options, "--out", "run", cwd=tmp_path, env=without("torch"))
    assert done.returncode == 0, done.stderr
    (pair,) = json.loads((tmp_path / "run" / "result.json").read_text())["pairs"]
    assert (pair["reference"], pair["candidate"]) == ("numpy:cpu:loop:float64", "jax:cpu:scan:float64")


@pytest.fixture
def pole():
    """A problem with values that are not finite, registered as a user would do it."""

    def with_changes(**changes):
        problem = replace(find("paraboloid"), name="pole", recipe=recipe("paraboloid", problem="pole"), **changes)
        register(problem)
        return problem.recipe

    yield with_changes
    CATALOGUE.pop("pole", None)


def nan_in_row_7(inputs):
    targets = inputs.sum(axis=1, keepdims=True)
    targets[7] = np.nan
    return targets


ENDLESS = (Quantity("x", "first coordinate", "-", 0.0, float("inf")), Quantity("y", "second coordinate", "-", 0.0, 1.0))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"truth": nan_in_row_7}, "1 target values that are not finite, the first nan in row 7;"),
        ({"inputs": ENDLESS}, "1000 input values that are not finite, the first inf in row 0;"),
        ({"truth": lambda inputs: inputs}, r"gave shape \(1000, 2\); expected \(1000, 1\)"),
    ],
)
def test_data_that_can_not_be_learned_are_refused(changes, told, pole):
    with pytest.raises(InputError, match=told):
        draw(pole(**changes))


def test_data_that_are_not_finite_end_the_command(pole, tmp_path, capsys):
    pole(truth=nan_in_row_7)
    assert main(["run", "pole", *QUICK, "--out", str(tmp_path / "out")]) == 2
    assert "pole has 1 target values that are not finite" in capsys.readouterr().err
    assert contents(tmp_path) == {}


def test_a_kept_run_is_lost_only_when_told_to(tmp_path):
    first = parity("run", "paraboloid", *QUICK, "--out", "run", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    before = contents(tmp_path)
    again = ("run", "paraboloid", *QUICK, "--epochs", "30", "--out", "run")
    refused(parity(*again, cwd=tmp_path), ["run holds a run already", "--overwrite"])
    assert contents(tmp_path) == before
    assert parity(*again, "--overwrite", cwd=tmp_path).returncode == 0
    after = contents(tmp_path)
    assert after.keys() == before.keys()
    assert json.loads(after["run/result.json"])["experiment"]["epochs"] == 30


@pytest.mark.parametrize("out", ["file", "file/below", "far/" + "o" * 300])
def test_a_folder_that_can_not_be_written_is_named(out, tmp_path):
    (tmp_path / "file").write_text("precious", encoding="utf-8")
    refused(parity("run", "paraboloid", *QUICK, "--out", out, cwd=tmp_path), [out, "can't be written", "--out"])
    assert contents(tmp_path) == {"file": b"precious"}


EXPLODING = ("--optimizer=sgd", "--schedule=constant", "--rows=60", "--epochs=300", "--contender=jax:float64")


@pytest.mark.parametrize(
    "options",
    [
        ("--optimizer.learning-rate=1", "--model.activation=identity"),
        ("--optimizer.learning-rate=1e30",),
    ],
)
def test_a_run_that_leaves_the_finite_numbers_says_who_and_when(options, tmp_path):
    done = parity("run", "paraboloid", *EXPLODING, *options, "--out", "run", cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["verdict"] == "diverged"
    histories = np.load(tmp_path / "run" / "history.npz")
    for contender in ("torch:cpu:eager:float64", "jax:cpu:scan:float64"):
        first = int(np.argmin(np.isfinite(histories[f"{contender}/losses"]))) + 1
        assert f"{contender} is no longer finite from step " in result["summary"]
        said = int(result["summary"].split(f"{contender} is no longer finite from step ")[1].split()[0].rstrip(";"))
        # A weight may be infinite a step before the loss is.
        assert said in (first - 1, first)
    assert result["accuracy"] == {}
    assert set(result["throughput"].values()) == {None}
    (pair,) = result["pairs"]
    assert [rung["name"] for rung in pair["rungs"]][-1] == "trajectory"


def test_too_little_memory_is_no_fault_of_ours(monkeypatch, tmp_path, capsys):
    def too_large(*arguments, **options):
        raise MemoryError("Unable to allocate 1.46 TiB")

    monkeypatch.setattr("parity.runner.draw", too_large)
    assert main(["run", "paraboloid", *QUICK, "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert "Unable to allocate 1.46 TiB" in told
    assert "fewer rows" in told
