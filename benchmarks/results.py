"""Where results are kept: a JSON file a benchmark, with the environment that made it."""

import json
from pathlib import Path
from typing import Any

from parity.environment import describe

FOLDER = Path(__file__).parent / "results"


def keep(name: str, rows: list[dict[str, Any]], backends: list[str]) -> Path:
    """Write rows and environment to results/NAME.json."""
    path = FOLDER / f"{name}.json"
    record = {"environment": describe(backends), "rows": rows}
    path.write_text(json.dumps(record, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    return path
