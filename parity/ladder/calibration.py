"""Calibration: how far apart, in units of the replicas' spread, correct executions were found to be, and what that supports.

`python -m benchmarks.calibrate` makes calibration.json again, from comparisons of independent correct executions (other
backends and modes, the oracle) on random experiments. Where N of them were at most `factor` apart, the chance that the next
one is further is at most 1/(N+1), as they are exchangeable (Vovk, Gammerman and Shafer 2005, doi 10.1007/b106715).
"""

import json
from dataclasses import dataclass
from functools import cache
from math import floor
from pathlib import Path
from typing import Any

from parity.contract import require

FILE = Path(__file__).with_name("calibration.json")


@dataclass(frozen=True)
class Calibration:
    """What a comparison is judged by."""

    replicas: int
    factor: float
    """The largest distance, over that of the furthest replica, that passes on the rungs predict to step."""
    comparisons: int
    """How many comparisons of correct executions the factor rests on."""
    path_factor: float
    """The same for a trajectory."""
    paths: int
    """How many trajectories the path's factor rests on."""
    false_alarm: float
    """The bound on the chance of a false alarm that these comparisons support, for one comparison."""


def calibrated(replicas: int, false_alarm: float | None) -> Calibration:
    """The calibration for as many replicas, at an asked rate of false alarms or the smallest that it supports.

    Raises InputError where there are too few replicas or comparisons for it.
    """
    record = _record()
    counts = sorted(int(count) for count in record["rungs"])
    require(
        replicas >= counts[0],
        f"replicas is {replicas}; expected at least {counts[0]}, the fewest with which correct runs were calibrated.",
    )
    key = str(max(count for count in counts if count <= replicas))
    rungs, paths = record["rungs"][key], record["paths"][key]
    smallest = 1.0 / (rungs["comparisons"] + 1)
    require(
        false_alarm is None or false_alarm >= smallest,
        f"false_alarm is {false_alarm}, but {rungs['comparisons']} calibrated comparisons with {key} replicas support no rate "
        f"below {smallest:.2g}. Ask for a larger one, or extend the calibration (python -m benchmarks.calibrate).",
    )
    return Calibration(
        replicas=replicas,
        factor=_factor(rungs, false_alarm),
        comparisons=rungs["comparisons"],
        path_factor=_factor(paths, false_alarm),
        paths=paths["comparisons"],
        false_alarm=smallest if false_alarm is None else false_alarm,
    )


def _factor(table: dict[str, Any], false_alarm: float | None) -> float:
    """The k-th largest ratio found, k as large as the rate allows; at least 1, the furthest replica itself."""
    k = 1 if false_alarm is None else max(1, floor(false_alarm * (table["comparisons"] + 1)))
    largest = table["largest"]
    return float(max(1.0, largest[min(k, len(largest)) - 1]))


@cache
def _record() -> dict[str, Any]:
    record: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return record
