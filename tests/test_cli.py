"""The command line: how an experiment is spelled on it, and what the exit status says."""

import json
from dataclasses import fields

import numpy as np
import pytest
import torch
from command import QUICK, parity

import torch_impl.model
from parity import registry
from parity.cli import main
from parity.commands.run import parse_run
from parity.contender import resolve
from parity.contract import MLP, SGD, AdamW, RegularizedMLP, Step
from parity.experiment import Experiment
from parity.problems import CATALOGUE, recipe
from parity.records import write_experiment


@pytest.mark.parametrize(
    ("arguments", "experiment"),
    [
        ("", recipe("paraboloid")),
        ("rings", recipe("rings")),
        ("--epochs 3", recipe("paraboloid", epochs=3)),
        # A list: its elements one after the other, or none of them.
        ("paraboloid --model.hidden 8 4", recipe("paraboloid", model=MLP(hidden=(8, 4)))),
        ("paraboloid --model.hidden", recipe("paraboloid", model=MLP(hidden=()))),
        # A choice of class: its name, and behind a dot what it has.
        ("paraboloid --optimizer sgd --optimizer.momentum 0.9", recipe("paraboloid", optimizer=SGD(momentum=0.9))),
        ("paraboloid --optimizer.momentum 0.9 --optimizer=sgd", recipe("paraboloid", optimizer=SGD(momentum=0.9))),
        ("paraboloid --schedule step --schedule.every 10", recipe("paraboloid", schedule=Step(every=10))),
        ("paraboloid --model regularized_mlp", recipe("paraboloid", model=RegularizedMLP())),
        # The recipe's own class keeps the recipe's constants.
        (
            "rings --optimizer adamw --optimizer.b1 0.8",
            recipe("rings", optimizer=AdamW(learning_rate=1e-2, b1=0.8)),
        ),
        # An absent value, and one that is there.
        ("polar --batch-size None", recipe("polar", batch_size=None)),
        ("polar --clip-norm 2", recipe("polar", clip_norm=2.0)),
        ("paraboloid --no-standardize", recipe("paraboloid", standardize=False)),
        (
            "paraboloid --contender jax --contender torch:float64",
            recipe("paraboloid", contender=("jax", "torch:float64")),
        ),
        ("paraboloid --reference numpy", recipe("paraboloid", reference="numpy")),
    ],
)
def test_an_experiment_is_spelled_in_options(arguments, experiment):
    assert parse_run(arguments.split()).experiment == experiment


def test_options_override_a_file(tmp_path):
    path = tmp_path / "experiment.toml"
    write_experiment(path, recipe("polar", epochs=3, seed=5, contender=("numpy", "jax"), batch_size=8))
    options = ["--epochs", "4", "--contender", "torch:float64", "--batch-size", "None", "--optimizer", "sgd"]
    assert parse_run([str(path)]).experiment.contender == ("numpy", "jax")
    assert parse_run([str(path), *options]).experiment == recipe(
        "polar", epochs=4, seed=5, contender=("torch:float64",), optimizer=SGD(), batch_size=None
    )


def test_every_field_is_an_option(tmp_path):
    told = parity("run", "polar", "--help", cwd=tmp_path).stdout
    experiment = recipe("polar")
    owners = {"": experiment} | {
        f"{name}.": getattr(experiment, name) for name in ("model", "loss", "optimizer", "schedule")
    }
    options = {prefix + field.name for prefix, owner in owners.items() for field in fields(owner)} - {"loss"}
    # Columns have options of their own names; the hash of a table is no choice.
    options = options - {"columns", "table_sha256"} | {field.name for field in fields(experiment.columns)}
    missing = {name for name in options if f"--{name.replace('_', '-')}" not in told}
    assert missing == set()


def pairs(*contenders, reference="torch:cpu"):
    return [f"{candidate} / {base}" for base, candidate in resolve(contenders, reference)]


def test_parts_of_a_contender_may_be_left_out():
    doubles = ["numpy:cpu:loop:float64 / torch:cpu:eager:float64"]
    assert pairs("numpy:cpu:loop:float64") == pairs("numpy::float64") == pairs("numpy:float64:loop") == doubles
    assert sorted(pairs("numpy")) == ["numpy:cpu:loop:float32 / torch:cpu:eager:float32", *doubles]
    assert pairs("numpy:float64", "numpy", "numpy:float64") == pairs("numpy")
    assert pairs("numpy:float64", reference="numpy:float32") == ["numpy:cpu:loop:float64 / numpy:cpu:loop:float32"]
    assert pairs("jax:step:cpu:float32", reference="jax") == ["jax:cpu:step:float32 / jax:cpu:scan:float32"]


def test_the_plain_call_takes_both_twins_in_both_dtypes():
    assert [pair for pair in pairs() if "cuda" not in pair] == [
        "jax:cpu:scan:float32 / torch:cpu:eager:float32",
        "jax:cpu:scan:float64 / torch:cpu:eager:float64",
    ]


@pytest.mark.parametrize(("arguments", "told"), [([], "exit status: 0 equivalent"), (["--version"], "parity 0.1.0")])
def test_the_command_says_what_it_is(arguments, told, capsys):
    assert main(arguments) == 0
    assert told in capsys.readouterr().out


def test_the_pages_name_what_there_is(tmp_path):
    problems = parity("problems", cwd=tmp_path)
    backends = parity("backends", cwd=tmp_path)
    assert problems.returncode == backends.returncode == 0
    assert [name for name in CATALOGUE if name not in problems.stdout] == []
    assert [name for name in ("jax", "numpy", "torch", "eager", "scan", "loop") if name not in backends.stdout] == []
    assert "Recipe: RegularizedMLP" in parity("problems", "polar", cwd=tmp_path).stdout


def test_a_run_without_a_folder_leaves_one_of_its_own(tmp_path):
    done = parity("run", "paraboloid", *QUICK, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (kept,) = (tmp_path / "runs").iterdir()
    assert kept.name.startswith("paraboloid-")
    assert f"Kept in runs/{kept.name}" in done.stdout
    assert json.loads((kept / "result.json").read_text())["verdict"] == "equivalent"


TORCH_AND_ORACLE = ["run", "paraboloid", "--rows=60", "--epochs=20", "--no-throughput", "--contender=numpy:float64"]


def test_status_0_where_equivalent(tmp_path, capsys):
    assert main([*TORCH_AND_ORACLE, "--out", str(tmp_path / "run")]) == 0
    assert "EQUIVALENT" in capsys.readouterr().out


def test_status_1_where_different(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(torch_impl.model, "ACTIVATIONS", {**torch_impl.model.ACTIVATIONS, "relu": torch.tanh})
    assert main([*TORCH_AND_ORACLE, "--out", str(tmp_path / "run")]) == 1
    told = " ".join(capsys.readouterr().out.split())
    assert "DIFFERENT numpy:cpu:loop:float64 and torch:cpu:eager:float64 part at the rung predict" in told
    record = json.loads((tmp_path / "run" / "result.json").read_text())
    assert [rung["name"] for rung in record["pairs"][0]["rungs"]] == ["start", "predict"]


def test_status_3_where_nothing_can_be_said(monkeypatch, tmp_path, capsys):
    backend = type(registry.load("numpy"))
    trainer_of = backend.trainer

    def elsewhere(self, *arguments, **options):
        trainer = trainer_of(self, *arguments, **options)
        trainer.describe = lambda: {"device": "abacus", "mode": "loop", "dtype": "float64"}
        return trainer

    monkeypatch.setattr(backend, "trainer", elsewhere)
    assert main([*TORCH_AND_ORACLE, "--out", str(tmp_path / "run")]) == 3
    told = " ".join(capsys.readouterr().out.split())
    assert "INCONCLUSIVE" in told
    assert "device 'abacus', asked 'cpu'" in told


def test_status_70_where_parity_itself_fails(monkeypatch, tmp_path, capsys):
    def broken(*arguments, **options):
        raise ZeroDivisionError("[broken] on purpose")

    monkeypatch.setattr("parity.runner.Climb", broken)
    assert main([*TORCH_AND_ORACLE, "--out", str(tmp_path / "run")]) == 70
    told = capsys.readouterr().err
    assert "ZeroDivisionError: [broken] on purpose" in told
    assert "an error in parity itself" in told
    kept = json.loads((tmp_path / "run" / "result.json").read_text())
    assert kept["complete"] is False
    assert kept["verdict"] == "inconclusive"
    assert kept["throughput_note"] == "ended by ZeroDivisionError"


def test_the_default_experiment_is_the_asked_one():
    asked = Experiment()
    assert (asked.rows, asked.held_out, asked.split_seed) == (1000, 0.15, 42)
    assert asked.model == MLP(hidden=(10, 5), activation="relu")
    assert asked.train_rows == 850
    assert np.isclose(CATALOGUE["paraboloid"].truth(np.array([[0.5, 2.0]])), 4.25)
