"""Rates with their exact 95 % intervals (Clopper and Pearson 1934, doi 10.1093/biomet/26.4.404)."""

from collections.abc import Iterable, Sequence
from typing import Any

from scipy.stats import binomtest

CONFIDENCE = 0.95

Row = dict[str, Any]


def rate(holds: Iterable[bool]) -> Row:
    """How often something held."""
    told = list(holds)
    if not told:
        return {"count": 0, "of": 0, "rate": None, "low": None, "high": None}
    found = binomtest(sum(told), len(told))
    interval = found.proportion_ci(CONFIDENCE, method="exact")
    return {
        "count": sum(told),
        "of": len(told),
        "rate": sum(told) / len(told),
        "low": float(interval.low),
        "high": float(interval.high),
    }


def rates(faults: Sequence[Row], mutants: Sequence[Row], healthy: Sequence[Row]) -> dict[str, Row]:
    """Each rate that the tables end in."""
    counted = [row for row in faults if not row["equivalent"]]
    changed = [row for row in mutants if row["outcome"] != "equivalent"]
    return {
        "faults detected": rate(row["detected"] for row in counted),
        "faults at the right rung": rate(row["rung"] == row["expected_rung"] for row in counted),
        "right cause first": rate(_named(row, 1) for row in counted),
        "right cause among three": rate(_named(row, 3) for row in counted),
        "equivalent faults that alarm": rate(row["detected"] for row in faults if row["equivalent"]),
        "mutants caught": rate(row["outcome"] == "caught" for row in changed),
        "false alarms per comparison": rate(row["alarm"] for row in healthy if row["rung"] != "trajectory"),
        "false alarms per trajectory": rate(row["alarm"] for row in healthy if row["rung"] == "trajectory"),
    }


def _named(row: Row, among: int) -> bool:
    """Whether a right cause is among the first ones."""
    return bool(set(row["causes"][:among]) & set(row["expected_cause"]))
