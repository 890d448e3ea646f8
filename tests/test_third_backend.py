"""A wrong third backend, installed as its author would, through the command: one screen says what, where, and what to do."""

import json
import os
from pathlib import Path

import pytest
from command import contents, environment, parity

SOURCE = Path(__file__).parent / "plugins" / "numpy_impl" / "numpy_impl"
RUN = ("run", "polar", "--rows=80", "--epochs=10", "--batch-size=16", "--no-throughput")
NARROW = ("--model.hidden", "8", "6")
# A terminal of today's default size.
COLUMNS, LINES = 120, 40

ADAM = '"""Adam (arXiv:1412.6980)."""'
# By file and line of the backend's source: what its author wrote instead; then where it shows, and what would align it.
WRONG = {
    "b2": (
        ("optimizers.py", ADAM, f'{ADAM}\n    c = type(c)(**{{**vars(c), "b2": 0.99}})'),
        ("step", 1, "optimizer", "second_moment of layers."),
        ("optimizer.b2", "b2 = 0.99 instead of 0.999", "b2=0.999"),
    ),
    "a mean over the batch only": (
        (
            "losses.py",
            "return float(terms.mean()), gradient / terms.size",
            "return float(terms.sum()) / len(terms), gradient / len(terms)",
        ),
        ("loss", 1, "loss", "loss"),
        ("loss.reduction", "", ""),
    ),
}


@pytest.fixture
def third(tmp_path):
    """An environment in which the backend `third`, the oracle with other lines, is installed."""

    def installed(file, right, wrong):
        package = tmp_path / "site" / "third_impl"
        package.mkdir(parents=True)
        for path in SOURCE.glob("*.py"):
            text = path.read_text(encoding="utf-8").replace("numpy_impl", "third_impl")
            if path.name == file:
                assert right in text
                text = text.replace(right, wrong)
            (package / path.name).write_text(text, encoding="utf-8")
        metadata = package.parent / "third_impl-0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: third_impl\nVersion: 0\n", encoding="utf-8")
        entry = "[parity.backends]\nthird = third_impl.backend:NumpyBackend\n"
        (metadata / "entry_points.txt").write_text(entry, encoding="utf-8")
        path = os.pathsep.join([str(package.parent), os.environ["PYTHONPATH"]])
        return environment(PYTHONPATH=path, COLUMNS=str(COLUMNS))

    return installed


@pytest.mark.parametrize("fault", WRONG)
def test_one_screen_says_what_is_wrong_where_and_what_to_change(fault, third, tmp_path):
    source, (rung, step, stage, tensor), (code, text, align) = WRONG[fault]
    env = third(*source)
    asked = (*NARROW, "--contender=third:float64", "--arbiter=numpy")
    done = parity(*RUN, *asked, "--out=first", cwd=tmp_path, env=env)
    assert done.returncode == 1, done.stderr
    screen = done.stdout.splitlines()
    assert len(screen) <= LINES
    assert max(map(len, screen)) <= COLUMNS
    told = " ".join(done.stdout.split())
    assert f"DIFFERENT third:cpu:loop:float64 and torch:cpu:eager:float64 part at the rung {rung}" in told
    assert "off (relative), torch:cpu:eager:float64 agrees with" in told
    for part in (f"step {step}", stage, tensor, text, align, code):
        assert part in told, part

    record = json.loads((tmp_path / "first" / "result.json").read_text())
    (pair,) = record["pairs"]
    assert [each["name"] for each in pair["rungs"] if not each["passed"]] == [rung]
    parted = pair["parted"]
    assert (parted["step"], parted["stage"], parted["culprit"]) == (step, stage, "third:cpu:loop:float64")
    assert parted["tensor"].startswith(tensor)
    first = pair["causes"][0]
    assert first["code"] == code
    assert text in first["text"]
    assert align in first["align"]

    # The same experiment, the same verdict, place and causes, to the last digit.
    again = parity("run", tmp_path / "first", "--no-throughput", "--out=second", cwd=tmp_path, env=env)
    assert again.returncode == 1, again.stderr
    second = json.loads((tmp_path / "second" / "result.json").read_text())
    for part in ("verdict", "summary", "pairs", "start", "experiment"):
        assert second[part] == record[part], part
    assert contents(tmp_path / "first").keys() == contents(tmp_path / "second").keys()


def test_what_goes_wrong_in_both_dtypes_is_told_once_on_one_screen(third, tmp_path):
    source, _, (code, text, align) = WRONG["b2"]
    done = parity(*RUN, "--contender=third", cwd=tmp_path, env=third(*source))
    assert done.returncode == 1, done.stderr
    assert len(done.stdout.splitlines()) <= LINES
    told = " ".join(done.stdout.split())
    assert told.count(f"{text} ({code})") == told.count(f"align {align}") == 1
    assert "third:cpu:loop:float64 and third:cpu:loop:float32 part from" in told


def test_the_same_backend_without_a_fault_is_equivalent(third, tmp_path):
    done = parity(*RUN, *NARROW, "--contender=third:float64", cwd=tmp_path, env=third("losses.py", "", ""))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "EQUIVALENT" in done.stdout


def test_without_an_arbiter_a_cause_says_whose_it_would_be(third, tmp_path):
    source, *_ = WRONG["b2"]
    asked = (*NARROW, "--contender=third:float64", "--reference=numpy")
    done = parity(*RUN, *asked, cwd=tmp_path, env=third(*source))
    assert done.returncode == 1, done.stderr
    told = " ".join(done.stdout.split())
    assert "nothing tells which is off" in told
    assert "name a third backend with --arbiter" in told
    assert "if third:cpu:loop:float64 is off: " in told


def test_a_wide_network_has_its_cause_too(third, tmp_path):
    source, (rung, *_), (code, *_) = WRONG["b2"]
    asked = ("--contender=third:float64", "--reference=numpy", "--out=run")
    done = parity(*RUN, *asked, cwd=tmp_path, env=third(*source))
    assert done.returncode == 1, done.stderr
    (pair,) = json.loads((tmp_path / "run" / "result.json").read_text())["pairs"]
    assert (pair["rungs"][-1]["name"], pair["causes"][0]["code"]) == (rung, code)
