"""Calibration: how far apart, in units of the replicas' spread, correct executions are, and what that supports.

`python -m benchmarks.calibrate` makes calibration.json again, from comparisons of independent correct executions (other
backends and modes, the oracle) on E random experiments, each in both dtypes. The comparisons of one experiment resemble each
other, so that only experiments are counted: where all comparisons of all but k-1 of E of them were at most `factor` apart, the
chance that any of the next one's is further is at most k/(E+1), as experiments are exchangeable (Vovk, Gammerman and Shafer
2005, doi 10.1007/b106715).
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
    experiments: int
    """From how many independent experiments both come."""
    steps: int
    """Of the longest of them."""
    device: str
    """Where they ran."""
    false_alarm: float
    """The bound on the chance that a rung from predict to step of a correct run alarms, and on that of its trajectories."""


def calibrated(replicas: int, false_alarm: float | None) -> Calibration:
    """The calibration for as many replicas, at an asked rate of false alarms, or at the smallest that is supported.

    Raises InputError where there are too few replicas or experiments for it.
    """
    record = _record()
    counts = sorted(int(count) for count in record["rungs"])
    require(
        replicas >= counts[0],
        f"replicas is {replicas}; expected at least {counts[0]}, the fewest with which correct runs were calibrated. "
        f"Ask for {counts[0]} or more.",
    )
    key = str(max(count for count in counts if count <= replicas))
    rungs, paths = record["rungs"][key], record["paths"][key]
    # One rate is asked of rungs and trajectories alike.
    fewest = min(len(rungs["largest"]), len(paths["largest"]))
    smallest = 1.0 / (fewest + 1)
    require(
        false_alarm is None or false_alarm >= smallest,
        f"false_alarm is {false_alarm}, but {fewest} calibrated experiments with {key} replicas support no rate "
        f"below {smallest:.2g}. Ask for a larger one, or extend the calibration (python -m benchmarks.calibrate).",
    )
    rate = smallest if false_alarm is None else false_alarm
    return Calibration(
        replicas=replicas,
        factor=factor_at(rungs["largest"], rate),
        comparisons=rungs["comparisons"],
        path_factor=factor_at(paths["largest"], rate),
        paths=paths["comparisons"],
        experiments=fewest,
        steps=record["steps"],
        device=record["device"],
        false_alarm=rate,
    )


def factor_at(largest: list[float], false_alarm: float) -> float:
    """The k-th largest ratio found, k as large as the rate allows; at least 1, the furthest replica itself."""
    # The smallest rate is 1/(E+1), which times E+1 may round to less than one.
    k = max(1, floor(false_alarm * (len(largest) + 1)))
    return float(max(1.0, largest[min(k, len(largest)) - 1]))


@cache
def _record() -> dict[str, Any]:
    record: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return record
