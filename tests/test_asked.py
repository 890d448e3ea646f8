"""The asked program in either framework, shortened: what is wrong with it, and that the corrected copy learns."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from parity.diagnose import diagnose_script
from parity.diagnose.correcting import write_corrected

EXAMPLES = Path(__file__).parent.parent / "examples"
OF_THE_NETWORK = {"too-little-capacity", "missing-nonlinearity", "dead-units", "saturated-units", "output-range"}


def printed_r2(script):
    told = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True).stdout
    return float(re.findall(r"R2 (-?[\d.]+)", told)[-1])


@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_the_asked_program_is_answered(framework, tmp_path):
    script = tmp_path / "asked.py"
    text = (EXAMPLES / f"paraboloid_{framework}.py").read_text(encoding="utf-8")
    script.write_text(text.replace("20_000", "2_000"), encoding="utf-8")

    session = diagnose_script(script, seconds=100, quiet=True)

    (diagnosis,) = session.diagnoses
    codes = [finding.code for finding in diagnosis.causes]
    assert codes[:2] == ["target-shape-broadcast", "learning-rate-too-small"]
    assert not OF_THE_NETWORK & {finding.code for finding in diagnosis.findings}
    assert diagnosis.score < 0.01
    assert diagnosis.mended > 0.95
    lines = script.read_text(encoding="utf-8").splitlines()
    for finding in diagnosis.causes[:2]:
        (fix,) = finding.fix
        assert (lines[fix.place.line - 1],) == fix.before
    assert "850 times the learning rate" in diagnosis.causes[0].equivalent
    alone = {trial.name: trial.gained for trial in diagnosis.trials if not trial.basis}
    for tried in (
        "10 times the epochs",
        "4 times as wide",
        "one more layer",
        "one hidden layer",
        "tanh",
        "Adam",
        "rate x 100",
    ):
        assert alone[tried] is False

    corrected = tmp_path / "corrected.py"
    write_corrected(session, corrected)
    assert printed_r2(corrected) > 0.9
