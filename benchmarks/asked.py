"""The asked program in either framework: answered, how fast, and does the corrected copy learn? `python -m benchmarks.asked`"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.results import keep

EXAMPLES = Path(__file__).parents[1] / "examples"


def main() -> None:
    """Diagnose both examples, run the corrected copies, and keep what came of it."""
    rows = [ask(EXAMPLES / f"paraboloid_{framework}.py") for framework in ("torch", "jax")]
    print(f"kept in {keep('asked', rows, ['jax', 'torch'])}")


def ask(script: Path) -> dict[str, Any]:
    """The findings of a script, the seconds beyond its own, and R2 before and after."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / script.name
        told = json.loads(run("-m", "parity", "diagnose", str(script), "--json", "--corrected", str(copy)))
        before, after = (printed_r2(run(str(path))) for path in (script, copy))
    row = {
        "script": script.name,
        "findings": [[finding["severity"], finding["code"]] for finding in told["findings"]],
        "seconds_beyond_the_script": round(told["seconds"] - told["script_seconds"], 1),
        "script_seconds": round(told["script_seconds"], 1),
        "r2": before,
        "r2_corrected": after,
        "r2_in_the_trials": told["networks"][0]["mended"],
        "r2_in_the_trials_with_scaling": with_scaling(told["findings"]),
    }
    print(row)
    return row


def with_scaling(findings: list[dict[str, Any]]) -> float | None:
    """What scaled inputs and targets come to beside the rest; None where they were not found worth it."""
    return next((f["effect"]["after"] for f in findings if f["code"].startswith("unscaled") and f["effect"]), None)


def run(*arguments: str) -> str:
    """What a Python process prints."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, env=environment
    ).stdout


def printed_r2(text: str) -> float:
    """The last R2 that a script prints."""
    return float(re.findall(r"R2 (-?[\d.]+)", text)[-1])


if __name__ == "__main__":
    main()
