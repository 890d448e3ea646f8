"""The README and docs are run as written."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from parity.records import experiment_from

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXPERIMENTS = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def in_a_shell(command, folder):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        shlex.split(command), cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )


COMMANDS = [line.removeprefix("$ ") for block in blocks(README, "console") for line in block.splitlines()]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readmes_commands_work(command, tmp_path):
    told = in_a_shell(command, tmp_path)
    assert told.returncode == 0, told.stderr
    if command.startswith("parity run"):
        assert "EQUIVALENT" in told.stdout
        (folder,) = (tmp_path / "runs").iterdir()
        assert {path.name for path in folder.iterdir()} >= {"result.json", "experiment.toml", "history.npz", "weights"}


def shown_with(text):
    (shown,) = [block for block in blocks(README, "text") if text in block]
    return shown


def test_the_readme_shows_a_real_run():
    shown = shown_with("EQUIVALENT On paraboloid")
    assert "EQUIVALENT On paraboloid" in shown
    for rung in ("start", "predict", "loss", "gradients", "step", "trajectory", "accuracy", "throughput"):
        assert f"\n {rung} " in shown


def test_the_readme_shows_a_real_answer():
    shown = shown_with("FOUND It")
    assert "FOUND It is target-shape-broadcast, then learning-rate-too-small." in shown
    script = (ROOT / "examples" / "paraboloid_torch.py").read_text(encoding="utf-8").splitlines()
    corrected = re.findall(r"paraboloid_torch\.py:(\d+) - (.*)", shown)
    assert len(corrected) >= 2
    for line, text in corrected:
        assert script[int(line) - 1] == text.rstrip()


def test_every_code_is_documented():
    from parity.diagnose import CODES

    text = (ROOT / "docs" / "diagnosis.md").read_text(encoding="utf-8")
    for code in CODES.values():
        assert f"| `{code.name}` | {code.title[0].upper()}{code.title[1:]}. {code.why} | {code.remedy} |" in text


def test_the_readmes_python_works(tmp_path):
    (code,) = blocks(README, "python")
    told = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert told.startswith("equivalent")
    assert "trajectory True" in told


def test_the_documented_file_is_read():
    (text,) = blocks(EXPERIMENTS, "toml")
    experiment = experiment_from(tomllib.loads(text), "docs")
    assert (experiment.seed, experiment.model.hidden, experiment.schedule.rise) == (7, (32, 32), 0.3)


@pytest.mark.parametrize("path", [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))])
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (path.parent / target).exists(), target


def test_every_choice_is_documented():
    from parity.kinds import KINDS

    for kinds in KINDS.values():
        for kind in kinds:
            assert f"`{kind}`" in EXPERIMENTS
