"""Ctrl-C: what was done is kept and marked incomplete, without a traceback and without waiting for the end."""

import gc
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from command import COMMAND, QUICK, environment

import parity
from parity.cli import main
from parity.ladder import Climb
from parity.progress import Silent
from parity.throughput.rows import read_rows

PATIENCE = 120


@pytest.fixture(autouse=True)
def interruptible():
    """A process started in the background ignores SIGINT, and so would those it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupted(command, when, cwd):
    """Start a command, interrupt it as a terminal does, with all its processes, and return status, output and errors."""
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            when(process)
            os.killpg(process.pid, signal.SIGINT)
            out, errors = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    return process.returncode, out, errors


def record(folder):
    return json.loads((folder / "result.json").read_text())


def test_a_training_is_interrupted(tmp_path):
    def when(process):
        # The folder is claimed just before the training.
        deadline = time.monotonic() + PATIENCE
        while not (tmp_path / "run" / "experiment.toml").exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(1)

    endless = ("--rows=60", "--epochs=20000000", "--contender=jax:float64", "--out=run")
    status, out, errors = interrupted([*COMMAND, "run", "paraboloid", *endless], when, tmp_path)
    assert status == 3, errors
    assert "Traceback" not in errors
    assert "INCONCLUSIVE Interrupted" in out
    result = record(tmp_path / "run")
    assert result["complete"] is False
    assert result["verdict"] == "inconclusive"
    assert result["experiment"]["epochs"] == 20_000_000
    assert result["throughput_note"] == "interrupted"


ENDLESS = """
from pathlib import Path

import torch
from torch import nn

x = torch.rand(100, 2)
y = (x**2).sum(1)
model = nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
while True:
    optimizer.zero_grad()
    ((model(x) - y) ** 2).mean().backward()
    optimizer.step()
    Path("trains").touch()
"""


def test_a_script_that_is_diagnosed_is_interrupted_and_judged_by_what_it_did(tmp_path):
    (tmp_path / "train.py").write_text(ENDLESS)

    def when(process):
        deadline = time.monotonic() + PATIENCE
        while not (tmp_path / "trains").exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(1)

    status, out, errors = interrupted([*COMMAND, "diagnose", "train.py", "--json", "--seconds=1"], when, tmp_path)
    told = json.loads(out)
    assert (status, told["ended"], told["healthy"]) == (1, "interrupted", False)
    assert told["findings"][0]["code"] == "target-shape-broadcast"
    assert "Traceback" not in errors


TELLING = """
import sys
from parity.cli import main
from parity.ladder import Climb
from parity.throughput.process import Worker

seconds = Worker.seconds

def telling(self, *asked, **named):
    print("timing", flush=True)
    return seconds(self, *asked, **named)

Worker.seconds = telling
sys.exit(main(sys.argv[1:]))
"""


def test_a_timing_is_interrupted(tmp_path):
    def when(process):
        assert "timing" in next(line for line in process.stdout if "timing" in line)

    options = [option for option in QUICK if option not in ("--epochs=20", "--no-throughput")]
    command = [sys.executable, "-c", TELLING, "run", "paraboloid", *options, "--epochs=4000", "--out=run"]
    status, _, errors = interrupted(command, when, tmp_path)
    assert status == 3, errors
    assert "Traceback" not in errors
    result = record(tmp_path / "run")
    assert result["complete"] is False
    # The ladder was climbed to its end, and that is kept.
    assert [pair["verdict"] for pair in result["pairs"]] == ["equivalent"]
    assert len(result["accuracy"]) == 2
    assert set(result["throughput"].values()) == {None}


def workers_in(folder):
    """Processes that time something and were begun in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cwd").resolve() == folder.resolve() and b"throughput.worker" in (
                process / "cmdline"
            ).read_bytes():
                found.append(process.name)
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("known", [0, 1], ids=["at the first proof", "behind the first network"])
def test_a_bench_is_interrupted_and_keeps_what_it_measured(tmp_path, known):
    """At once while its processes get warm, and where some were timed; none of them is left."""
    path = tmp_path / "rows.jsonl"

    def when(process):
        deadline = time.monotonic() + PATIENCE
        while not workers_in(tmp_path) or (path.read_text().count("\n") if path.exists() else 0) < known:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)

    line = "bench paraboloid --contender numpy:float64 --batches 32 64 128 256 --epochs 40 --json rows.jsonl"
    rounds = "--most-pairs 10"
    status, _, errors = interrupted([*COMMAND, *line.split(), *rounds.split()], when, tmp_path)
    assert status == 3, errors
    assert "Traceback" not in errors
    assert known <= len(read_rows(path) if path.exists() else []) < 4
    assert workers_in(tmp_path) == []


def test_nothing_is_left_where_nothing_was_done(tmp_path):
    status, _, errors = interrupted(
        [*COMMAND, "run", "paraboloid", "--out=run"], lambda process: time.sleep(1.5), tmp_path
    )
    assert status == 3, errors
    assert "Traceback" not in errors
    assert errors == "Interrupted.\n"
    assert list(tmp_path.iterdir()) == []


class StopAt(Silent):
    """Interrupts the n-th training half way."""

    def __init__(self, number):
        self.left = number

    @contextmanager
    def task(self, name, total):
        self.left -= name.startswith("training")

        def done(steps):
            if self.left == 0 and name.startswith("training") and steps >= total / 2:
                raise KeyboardInterrupt

        yield done


@pytest.mark.parametrize("backend", ["jax", "torch", "numpy"])
def test_what_was_trained_before_is_kept(backend, tmp_path):
    reference = "numpy:float64" if backend == "torch" else "torch:cpu:float64"
    experiment = parity.recipe(
        "paraboloid", rows=60, epochs=200, contender=(f"{backend}:float64",), reference=reference
    )
    result = parity.run(experiment, out=tmp_path / "run", watcher=StopAt(2))
    (pair,) = result.pairs
    assert pair.verdict == "inconclusive"
    assert [rung.name for rung in pair.rungs] == ["start", "predict", "loss", "gradients", "step"]
    (trained,) = result.accuracy
    assert trained.startswith(reference.split(":")[0])
    assert (result.complete, result.verdict) == (False, "inconclusive")
    weights = {path.name for path in (tmp_path / "run" / "weights").iterdir()}
    assert weights == {"start.safetensors", f"{trained.replace(':', '-')}.safetensors"}
    assert np.load(tmp_path / "run" / "history.npz")[f"{trained}/losses"].shape == (200,)
    assert record(tmp_path / "run")["complete"] is False


def test_an_interrupt_that_python_ignores_is_sent_again(monkeypatch, tmp_path, capsys):
    # JAX hooks into the garbage collector, and Python ignores what is raised there.
    pending = [KeyboardInterrupt]

    def collecting(phase, info):
        if pending:
            raise pending.pop()

    pair = Climb.pair

    def collect_and_climb(self):
        gc.callbacks.append(collecting)
        gc.collect()
        gc.callbacks.remove(collecting)
        return pair(self)

    monkeypatch.setattr(Climb, "pair", collect_and_climb)
    assert main(["run", "paraboloid", *QUICK, "--epochs=50000", "--out", str(tmp_path / "run")]) == 3
    assert record(tmp_path / "run")["complete"] is False
    assert "Traceback" not in capsys.readouterr().err
