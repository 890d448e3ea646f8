"""Rates with their exact 95 % intervals (Clopper and Pearson 1934, doi 10.1093/biomet/26.4.404)."""

from collections.abc import Iterable, Sequence
from typing import Any

from scipy.stats import binomtest

from parity.ladder.rungs import ENVELOPED

CONFIDENCE = 0.95

Row = dict[str, Any]

BY_RUNG = ("start", *ENVELOPED, "trajectory", "accuracy")
"""What of the ladder may catch a mutant; else the conformance suite does, or it crashes, or gives what is not accepted."""


def rate(holds: Iterable[bool]) -> Row:
    """How often something held."""
    told = list(holds)
    if not told:
        return counted(told)
    found = binomtest(sum(told), len(told))
    interval = found.proportion_ci(CONFIDENCE, method="exact")
    return counted(told) | {"low": float(interval.low), "high": float(interval.high)}


def counted(holds: Iterable[bool]) -> Row:
    """How often something held, without an interval: of things that resemble each other there is none."""
    told = list(holds)
    share = sum(told) / len(told) if told else None
    return {"count": sum(told), "of": len(told), "rate": share, "low": None, "high": None}


def rates(faults: Sequence[Row], mutants: Sequence[Row], healthy: Sequence[Row]) -> dict[str, Row]:
    """Each rate that the tables end in."""
    shown = [row for row in faults if not row["equivalent"]]
    changed = [row for row in mutants if row["outcome"] != "equivalent"]
    return {
        "faults detected": rate(row["detected"] for row in shown),
        "faults at the right rung": rate(row["rung"] == row["expected_rung"] for row in shown),
        "right cause first": rate(_named(row, 1) for row in shown),
        "right cause among three": rate(_named(row, 3) for row in shown),
        "equivalent faults that alarm": rate(row["detected"] for row in faults if row["equivalent"]),
        "mutants caught": rate(row["outcome"] == "caught" for row in changed),
        "of them by a rung": rate(row["by"] in BY_RUNG for row in changed),
        "false alarms per comparison on predict to step": counted(_alarms(healthy, *ENVELOPED)),
        "false alarms per trajectory": counted(_alarms(healthy, "trajectory")),
        "false alarms per learning curve": counted(_alarms(healthy, "accuracy")),
        "healthy experiments with a false alarm": rate(_alarmed(healthy).values()),
    }


def _alarms(healthy: Sequence[Row], *rungs: str) -> list[bool]:
    return [row["alarm"] for row in healthy if row["rung"] in rungs and row["compared"]]


def _alarmed(healthy: Sequence[Row]) -> dict[int, bool]:
    """Whether anything alarmed in an experiment, by its seed: comparisons of one resemble each other."""
    alarmed: dict[int, bool] = {}
    for row in healthy:
        alarmed[row["seed"]] = alarmed.get(row["seed"], False) or row["alarm"]
    return alarmed


def _named(row: Row, among: int) -> bool:
    """Whether a right cause is among the first ones."""
    return bool(set(row["causes"][:among]) & set(row["expected_cause"]))
