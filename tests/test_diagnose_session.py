"""`parity diagnose SCRIPT.py` as a user starts it: on scripts that do what they should, and on those that do anything else."""

import json
import os
import signal
import subprocess
from textwrap import dedent

import pytest
from command import COMMAND, contents, environment, parity

from parity.cli import main
from parity.diagnose import CODES

# Every prediction meets every target: (100, 1) against (100,).
BROADCAST = """
import torch
from torch import nn

torch.manual_seed(0)
x = torch.rand(100, 2)
y = (x**2).sum(1)
model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)


def train(steps):
    for _ in range(steps):
        optimizer.zero_grad()
        loss = ((model(x) - y) ** 2).mean()
        loss.backward()
        optimizer.step()
"""
BROADCAST_LINE = BROADCAST.splitlines().index("        loss = ((model(x) - y) ** 2).mean()") + 1


def write(folder, text, name="train.py"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text), encoding="utf-8")
    return path


def report(done):
    """What `--json` printed, and nothing beside it."""
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def serious(findings):
    return [finding["code"] for finding in findings if finding["severity"] != "hint"]


# Scripts that can't be run at all.


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: None, ["train.py", "problem"]),
        (lambda path: path.mkdir(), ["train.py", "folder"]),
        (lambda path: path.write_text("for epoch in range(10)\n    pass\n"), ["train.py", "line 1", "not Python"]),
        (lambda path: path.write_bytes(b"\x00\xff\xfe\x80PNG"), ["train.py", "not Python"]),
        (lambda path: path.write_text("x = '\ud800'", errors="surrogatepass"), ["train.py", "not Python"]),
    ],
    ids=["missing", "a folder", "a syntax error", "binary", "not UTF-8"],
)
def test_what_can_not_be_run_is_named(make, told, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "train.py")
    before = contents(tmp_path)
    assert main(["diagnose", "train.py"]) == 2
    said = capsys.readouterr().err
    assert [part for part in told if part not in said] == [], said
    assert "Traceback" not in said
    assert contents(tmp_path) == before


def test_a_script_that_is_not_there_ends_the_command(tmp_path):
    done = parity("diagnose", "tarin.py", "--json", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert "'tarin.py'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("options", [["--limit", "soon"], ["--limit", "0"], ["--limit", "-1"], ["--seconds", "nan"]])
def test_an_unusable_option_is_quoted(options, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "raise SystemExit('it should not have been run')")
    try:
        status = main(["diagnose", "train.py", *options])
    except SystemExit as error:
        status = error.code
    said = capsys.readouterr()
    assert status == 2
    assert options[1] in said.out + said.err
    assert "should not have been run" not in said.out + said.err


# Scripts that run.


def test_a_script_has_its_arguments_its_folder_and_its_modules_and_its_findings_are_json(tmp_path):
    script = write(
        tmp_path / "code",
        BROADCAST
        + """

if __name__ == "__main__":
    import sys
    from pathlib import Path

    from sibling import NAME

    steps, word = sys.argv[1:]
    assert word == "--json"
    x = x * float(Path("factor.txt").read_text())
    train(int(steps))
    torch.save(model.state_dict(), "model.pt")
    print("trained", NAME, Path(sys.argv[0]).name, __file__)
""",
    )
    write(tmp_path / "code", "NAME = 'beside it'", "sibling.py")
    write(tmp_path / "work", "1.5", "factor.txt")
    before = contents(tmp_path / "code")
    options = ("--json", "--seconds", "5", "--", "120", "--json")
    done = parity("diagnose", "../code/train.py", *options, cwd=tmp_path / "work")
    told = report(done)
    assert told["ended"] == "finished", told["traceback"]
    # What the script prints, and that it may write, stands beside the JSON.
    assert "trained beside it train.py" in done.stderr
    assert "torch.save" in done.stderr
    assert done.stderr.index("torch.save") < done.stderr.index("trained beside it")
    # It wrote what it writes; nothing else was, and the script is as it was.
    assert set(contents(tmp_path / "work")) == {"factor.txt", "model.pt"}
    after = contents(tmp_path / "code")
    assert {name: after[name] for name in before} == before
    assert [name for name in after if name not in before and "__pycache__" not in name] == []
    # The findings.
    assert (done.returncode, told["healthy"]) == (1, False)
    first = told["findings"][0]
    assert {"code", "severity", "evidence", "line", "fix", "effect"} <= first.keys()
    assert (first["code"], first["severity"], first["line"]) == ("target-shape-broadcast", "error", BROADCAST_LINE)
    assert os.path.samefile(tmp_path / "work" / first["file"], script)
    assert first["evidence"]
    assert {"before", "after"} <= (first["effect"] or {"before": None, "after": None}).keys()
    for finding in told["findings"]:
        assert finding["code"] in CODES
        assert finding["severity"] in ("error", "warning", "hint")
        for fix in finding["fix"]:
            assert fix["before"] or fix["after"]


def test_a_script_that_raises_shows_its_traceback_and_what_was_found_until_then(tmp_path):
    script = write(tmp_path, BROADCAST + "\n\ntrain(60)\nraise ValueError('wrong on purpose')\n")
    done = parity("diagnose", script.name, "--seconds", "2", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    shown = done.stdout + done.stderr
    assert "ValueError: wrong on purpose" in shown
    assert f"line {len(script.read_text().splitlines())}" in shown
    # The user's own lines, none of ours.
    assert "runpy" not in shown
    assert "diagnose/child.py" not in shown
    assert "target-shape-broadcast" in shown
    assert f"train.py:{BROADCAST_LINE}" in shown


def test_a_script_that_asks_for_a_gpu_that_is_not_there(tmp_path):
    # The message is that of a machine without one, wherever the test runs.
    script = write(tmp_path, BROADCAST + "\n\nmodel.to('cuda')\ntrain(50)\n")
    hidden = environment(CUDA_VISIBLE_DEVICES="")
    done = parity("diagnose", script.name, "--json", cwd=tmp_path, env=hidden)
    told = report(done)
    assert (told["ended"], told["healthy"], told["findings"]) == ("raised", False, [])
    assert done.returncode not in (0, 2)
    assert "cuda" in told["traceback"].lower()
    assert "GPU" in " ".join(told["notes"])


def test_a_script_that_never_trains_says_so(tmp_path):
    script = write(tmp_path, BROADCAST + "\n\nwith torch.no_grad():\n    print('answer', model(x).mean().item())\n")
    done = parity("diagnose", script.name, "--json", "--seconds", "5", cwd=tmp_path)
    told = report(done)
    assert (told["ended"], told["healthy"], told["findings"]) == ("finished", False, [])
    assert done.returncode == 3
    assert told["networks"] == []
    assert "torch" in told["frameworks"]
    assert told["notes"]


def test_a_script_without_any_framework_says_so(tmp_path):
    script = write(tmp_path, "print(sum(range(10)))\n")
    done = parity("diagnose", script.name, "--json", cwd=tmp_path)
    told = report(done)
    assert (done.returncode, told["healthy"], told["findings"], told["frameworks"]) == (3, False, [], [])
    assert told["notes"]
    assert "45" in done.stderr


@pytest.fixture
def impatient():
    """The command in a group of processes of its own, which ends when the test does."""
    started = []

    def run(*arguments, cwd, seconds):
        command = [*COMMAND, *map(str, arguments)]
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        out, err = process.communicate(timeout=seconds)
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    yield run
    for process in started:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        process.communicate()


@pytest.mark.parametrize(
    "endless",
    [
        "while True:\n    train(1)\n",
        "while True:\n    try:\n        train(1)\n    except BaseException:\n        pass\n",
    ],
    ids=["for ever", "and catches everything"],
)
def test_a_script_that_never_ends_is_stopped_and_judged_by_what_it_did(endless, impatient, tmp_path):
    script = write(tmp_path, f"{BROADCAST}\n\n{endless}")
    limit = 6  # PyTorch is imported within it, also on a busy machine.
    options = ("--json", "--limit", limit, "--seconds", "1")
    done = impatient("diagnose", script.name, *options, cwd=tmp_path, seconds=limit + 39)
    told = report(done)
    assert told["ended"] == "time limit"
    assert (done.returncode, told["healthy"]) == (1, False)
    assert told["findings"][0]["code"] == "target-shape-broadcast"
    assert told["findings"][0]["line"] == BROADCAST_LINE
    assert f"{limit} s" in " ".join(told["notes"])


def test_two_networks_have_two_answers_and_leaving_with_0_is_an_end(tmp_path):
    script = write(
        tmp_path,
        """
        import sys

        import torch
        from torch import nn

        torch.manual_seed(0)
        x = torch.rand(200, 2) * 2 - 1
        y = (x**2).sum(1, keepdim=True)


        def learn(steps, step):
            model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
            optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
            for _ in range(steps):
                optimizer.zero_grad()
                nn.functional.mse_loss(model(x), y).backward()
                if step:
                    optimizer.step()
            return model


        models = [learn(500, True), learn(100, False)]
        sys.exit(0)
        """,
    )
    done = parity("diagnose", script.name, "--json", "--seconds", "6", cwd=tmp_path)
    told = report(done)
    assert told["ended"] == "finished"
    good, bad = told["networks"]
    assert (good["healthy"], serious(good["findings"])) == (True, [])
    assert (bad["healthy"], serious(bad["findings"])[:1]) == (False, ["missing-optimizer-step"])
    assert serious(told["findings"])[:1] == ["missing-optimizer-step"]
    assert (done.returncode, told["healthy"]) == (1, False)


def test_classes_are_told_as_such_and_leaving_with_1_is_an_error(tmp_path):
    script = write(
        tmp_path,
        """
        import sys

        import torch
        from torch import nn

        torch.manual_seed(0)
        x = torch.randn(300, 2)
        labels = (x[:, 0] + x[:, 1] > 0).long()
        model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 2))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
        for _ in range(200):
            optimizer.zero_grad()
            nn.CrossEntropyLoss()(model(x[:200]), labels[:200]).backward()
            optimizer.step()
        with torch.no_grad():
            hits = (model(x[200:]).argmax(1) == labels[200:]).float().mean()
        sys.exit(1)
        """,
    )
    done = parity("diagnose", script.name, "--json", "--seconds", "10", cwd=tmp_path)
    told = report(done)
    (network,) = told["networks"]
    assert network["metric"] != "R2"
    assert 0.9 < network["score"] <= 1
    assert serious(told["findings"]) == []
    assert network["checked"]
    assert network["unchecked"], "it is said what does not apply to classes"
    assert (told["ended"], told["healthy"]) == ("raised", False)
    assert done.returncode != 0


def test_a_healthy_script_in_jax_is_said_to_be_healthy(tmp_path):
    script = write(
        tmp_path,
        """
        import jax
        import jax.numpy as jnp
        import numpy as np
        import optax
        from flax import nnx


        class Network(nnx.Module):
            def __init__(self, rngs):
                self.hidden = nnx.Linear(2, 16, rngs=rngs)
                self.out = nnx.Linear(16, 1, rngs=rngs)

            def __call__(self, x):
                return self.out(jnp.tanh(self.hidden(x)))


        @nnx.jit
        def step(model, optimizer, x, y):
            loss, gradients = nnx.value_and_grad(lambda m: jnp.mean((m(x) - y) ** 2))(model)
            optimizer.update(model, gradients)
            return loss


        x = np.random.default_rng(0).uniform(-1, 1, (200, 2)).astype(np.float32)
        y = (x**2).sum(1, keepdims=True)
        model = Network(nnx.Rngs(0))
        optimizer = nnx.Optimizer(model, optax.adam(0.03), wrt=nnx.Param)
        for epoch in range(500):
            loss = step(model, optimizer, x[:160], y[:160])
        print("loss", float(loss), "held out", float(jnp.mean((model(x[160:]) - y[160:]) ** 2)))
        """,
    )
    done = parity("diagnose", script.name, "--seconds", "20", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "held out" in done.stdout
    assert [code for code in CODES if code in done.stdout] == []
