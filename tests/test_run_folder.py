"""The folder a run leaves: a strict record, weights that say what they did, and all it takes to repeat the run."""

import json
from dataclasses import replace

import numpy as np
import pytest
from command import contents
from command import parity as command
from safetensors.numpy import load_file
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

import parity
from parity import registry
from parity.commands.run import parse_run
from parity.contract import InputError, State
from parity.ladder.plan import checkpoints_at
from parity.records import read_experiment
from parity.report.folder import RunFolder
from parity.start import draw

CONTENDERS = ("jax:cpu:scan:float32", "jax:cpu:scan:float64", "torch:cpu:eager:float32", "torch:cpu:eager:float64")
# Batches, buffers, masks and two outputs.
RUN = ("run", "polar", "--rows=80", "--epochs=6", "--batch-size=16", "--contender=jax:cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Both twins in both dtypes, timed, by the command."""
    cwd = tmp_path_factory.mktemp("runs")
    done = command(*RUN, "--out=first", cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return cwd / "first"


@pytest.fixture(scope="module")
def record(folder):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads((folder / "result.json").read_text(), parse_constant=refuse)


@pytest.fixture(scope="module")
def start(folder):
    return draw(read_experiment(folder / "experiment.toml"))


def test_the_folder_holds_what_was_promised(folder):
    weights = {f"weights/{name.replace(':', '-')}.safetensors" for name in ("start", *CONTENDERS)}
    assert set(contents(folder)) == {"result.json", "experiment.toml", "history.npz", *weights}


def test_the_record_has_every_key(record):
    assert {
        "schema_version",
        "verdict",
        "summary",
        "complete",
        "experiment",
        "start",
        "environment",
        "pairs",
        "accuracy",
        "baselines",
        "throughput",
    } <= set(record)
    assert (record["schema_version"], record["verdict"], record["complete"]) == (1, "equivalent", True)
    assert set(record["baselines"]) == {"mean", "linear"}


def test_the_record_has_every_rung_of_every_pair(record):
    assert [(pair["reference"], pair["candidate"]) for pair in record["pairs"]] == [
        ("torch:cpu:eager:float64", "jax:cpu:scan:float64"),
        ("torch:cpu:eager:float32", "jax:cpu:scan:float32"),
    ]
    for pair in record["pairs"]:
        assert pair["verdict"] == "equivalent"
        names = [rung["name"] for rung in pair["rungs"]]
        assert names == ["start", "predict", "loss", "gradients", "step", "trajectory", "accuracy", "throughput"]
        for rung in pair["rungs"]:
            assert {"name", "passed", "gap", "limit", "where"} <= set(rung)
            assert rung["passed"] is True
            assert rung["limit"] is None or 0 <= rung["gap"] <= rung["limit"]


def test_the_record_is_keyed_by_contender(record):
    assert set(record["accuracy"]) == set(record["throughput"]) == set(CONTENDERS)
    for name in CONTENDERS:
        assert {"rmse", "mae", "max_abs", "r2", "steps_to_target"} <= set(record["accuracy"][name])
        speed = record["throughput"][name]
        assert speed["steps_per_second"] > 0
        assert speed["compile_seconds"] >= 0
        assert speed["cache"] in ("cold", "warm")
        assert speed["spread"][0] <= speed["steps_per_second"] <= speed["spread"][1]


def test_the_record_names_the_machine(record):
    facts = {"parity", "commit", "python", "numpy", "jax", "flax", "optax", "torch", "processor", "cores"}
    assert facts <= set(record["environment"])
    assert record["environment"]["torch threads"].isdigit()
    assert record["environment"]["jax devices"].startswith("cpu")


def test_the_hashes_are_those_of_the_start(folder, record, start):
    assert record["start"] == start.hashes
    assert all(len(digest) == 64 for digest in record["start"].values())
    kept = load_file(folder / "weights" / "start.safetensors")
    drawn = {**start.state.parameters, **start.state.buffers}
    assert kept.keys() == drawn.keys()
    for name, array in drawn.items():
        np.testing.assert_array_equal(kept[name], array)


@pytest.mark.parametrize("contender", CONTENDERS)
def test_the_weights_reproduce_the_accuracy(contender, folder, record, start):
    dtype = contender.split(":")[-1]
    weights = load_file(folder / "weights" / f"{contender.replace(':', '-')}.safetensors")
    assert {str(array.dtype) for array in weights.values()} == {dtype}
    parameters = {name: weights[name] for name in start.state.parameters}
    buffers = {name: weights[name] for name in start.state.buffers}
    assert len(parameters) + len(buffers) == len(weights)
    # Neither of the two that trained: the oracle judges.
    oracle = registry.load("numpy").trainer(start.config, device="cpu", mode="loop", dtype="float64")
    oracle.set_state(State(parameters, buffers, start.state.optimizer))
    predictions = start.targets.from_network(oracle.predict(start.held_out.inputs))
    truth, scores = start.truth.targets, record["accuracy"][contender]
    close = pytest.approx if dtype == "float64" else lambda value: pytest.approx(value, rel=1e-4)
    assert scores["r2"] == close(r2_score(truth, predictions))
    assert scores["rmse"] == close(root_mean_squared_error(truth.ravel(), predictions.ravel()))
    assert scores["mae"] == close(mean_absolute_error(truth, predictions))
    assert scores["max_abs"] == close(np.abs(truth - predictions).max())


@pytest.mark.parametrize("contender", CONTENDERS)
def test_the_history_is_whole(contender, folder, record, start):
    arrays = np.load(folder / "history.npz")
    weights = load_file(folder / "weights" / f"{contender.replace(':', '-')}.safetensors")
    steps, checkpoints, evaluated = start.order.steps, arrays["checkpoints_at"], arrays["evaluated_at"]
    assert steps == 6 * (68 // 16)
    assert (evaluated[0], evaluated[-1], checkpoints[-1]) == (0, steps, steps)
    assert tuple(checkpoints) == checkpoints_at(start.config)
    assert arrays[f"{contender}/losses"].shape == (steps,)
    assert np.isfinite(arrays[f"{contender}/losses"]).all()
    assert arrays[f"{contender}/r2"].shape == evaluated.shape
    assert arrays[f"{contender}/r2"][-1] == record["accuracy"][contender]["r2"]
    for name, last in weights.items():
        assert arrays[f"{contender}/{name}"].shape == (len(checkpoints), *last.shape)
        np.testing.assert_array_equal(arrays[f"{contender}/{name}"][-1], last)


def test_the_baselines_are_those_of_scikit_learn(record, start):
    truth, mean = start.truth.targets, start.train_truth.targets.mean(axis=0)
    assert record["baselines"]["mean"]["r2"] == pytest.approx(r2_score(truth, np.broadcast_to(mean, truth.shape)))
    inputs = np.column_stack([start.train_truth.inputs, np.ones(len(start.train_truth.inputs))])
    weights = np.linalg.solve(inputs.T @ inputs, inputs.T @ start.train_truth.targets)
    predictions = start.truth.inputs @ weights[:-1] + weights[-1]
    assert record["baselines"]["linear"]["r2"] == pytest.approx(r2_score(truth, predictions))


def test_a_run_is_repeated_from_its_own_record(folder, record):
    done = command("run", folder / "experiment.toml", "--no-throughput", "--out=second", cwd=folder.parent)
    assert done.returncode == 0, done.stderr
    again = json.loads((folder.parent / "second" / "result.json").read_text())
    for part in ("start", "experiment", "verdict", "summary", "contenders", "accuracy", "baselines"):
        assert again[part] == record[part]
    for mine, theirs in zip(record["pairs"], again["pairs"], strict=True):
        # How fast it was is another thing each time.
        assert mine["rungs"][-1]["name"] == "throughput"
        assert {**mine, "rungs": mine["rungs"][:-1]} == theirs
    assert set(again["throughput"].values()) == {None}
    first, second = (np.load(folder.parent / name / "history.npz") for name in ("first", "second"))
    assert set(first) == set(second)
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


def test_python_gives_the_same_as_the_command(folder, record):
    repeated = replace(read_experiment(folder / "experiment.toml"), contender=("numpy:float64",))
    result = parity.run(repeated, throughput=False)
    told = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert told["experiment"] == {**record["experiment"], "contender": ["numpy:cpu:loop:float64"]}
    assert (told["start"], told["baselines"]) == (record["start"], record["baselines"])
    # In this process PyTorch may have more threads, which add up in another order.
    mine, theirs = (each["accuracy"]["torch:cpu:eager:float64"] for each in (told, record))
    assert [mine[key] for key in ("rmse", "r2")] == pytest.approx([theirs[key] for key in ("rmse", "r2")], rel=1e-9)


def test_numbers_that_are_not_finite_become_null(tmp_path):
    experiment = parity.recipe(
        "paraboloid", rows=60, epochs=20, contender=("numpy:float64",), reference="numpy:float32"
    )
    record = parity.run(experiment, out=tmp_path / "run", throughput=False)
    spoiled = {**record.accuracy, "nobody": parity.result.Accuracy(float("nan"), float("inf"), 1.0, -float("inf"))}
    vars(record)["accuracy"] = spoiled
    text = json.dumps(record.to_json(), allow_nan=False)
    assert json.loads(text)["accuracy"]["nobody"]["r2"] is None


def test_replacing_a_run_leaves_no_result_of_the_old_one(tmp_path):
    experiment = parity.recipe("paraboloid")
    (tmp_path / "result.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="holds a run already"):
        RunFolder.claim(tmp_path, experiment, overwrite=False)
    assert set(contents(tmp_path)) == {"result.json"}
    RunFolder.claim(tmp_path, experiment, overwrite=True)
    assert set(contents(tmp_path)) == {"experiment.toml"}


def test_a_run_folder_stands_for_its_file(folder):
    assert parse_run([str(folder)]).experiment == read_experiment(folder / "experiment.toml")
