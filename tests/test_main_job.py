"""The main job as a user runs it: the asked network on the asked data, in both backends and dtypes."""

import json
import subprocess
import sys

import numpy as np
import pytest

CONTENDERS = ["jax:cpu:scan:float32", "jax:cpu:scan:float64", "torch:cpu:eager:float32", "torch:cpu:eager:float64"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "paraboloid"
    command = [sys.executable, "-m", "parity", "run", "paraboloid", "--out", str(out)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    return out


@pytest.fixture(scope="module")
def record(folder):
    return json.loads((folder / "result.json").read_text())


def test_the_twins_are_equivalent(record):
    assert record["verdict"] == "equivalent"
    # float64 first: float32 is read in its light.
    assert [pair["candidate"] for pair in record["pairs"]] == [CONTENDERS[1], CONTENDERS[0]]
    assert [pair["reference"] for pair in record["pairs"]] == [CONTENDERS[3], CONTENDERS[2]]


def test_every_contender_learns_it(record):
    assert sorted(record["accuracy"]) == CONTENDERS
    for scores in record["accuracy"].values():
        assert scores["r2"] >= 0.999
        assert scores["steps_to_target"] <= 10_000
    assert record["baselines"]["linear"]["r2"] < 0.96
    assert abs(record["baselines"]["mean"]["r2"]) < 0.01


def test_float64_runs_stay_together(folder):
    history = np.load(folder / "history.npz")
    early = history["checkpoints_at"] <= 500
    assert early.sum() >= 10
    assert np.max(np.abs(history[f"{CONTENDERS[1]}/losses"] - history[f"{CONTENDERS[3]}/losses"])[:500]) < 1e-10
    for name in (
        "layers.0.kernel",
        "layers.0.bias",
        "layers.1.kernel",
        "layers.1.bias",
        "layers.2.kernel",
        "layers.2.bias",
    ):
        jax, torch = (history[f"{contender}/{name}"][early] for contender in (CONTENDERS[1], CONTENDERS[3]))
        assert np.max(np.abs(jax - torch)) < 1e-10


def test_every_contender_was_timed(record):
    assert sorted(record["throughput"]) == CONTENDERS
    assert record["throughput_note"] == ""
    for speed in record["throughput"].values():
        slowest, fastest = speed["spread"]
        assert 0 < slowest <= speed["steps_per_second"] <= fastest
        assert speed["compile_seconds"] >= 0
