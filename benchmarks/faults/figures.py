"""What a whole run has to show, and where it falls short of it."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

Row = dict[str, Any]

AT_THE_RIGHT_RUNG, CAUSE_FIRST, CAUSE_AMONG_THREE = 0.95, 0.80, 0.95
"""Least share of the experiments in which a fault changes something."""
EXPERIMENTS = 3
"""Of every fault, so many in which it changes something; one that never does is listed as equivalent."""
COMPARISONS, TRAJECTORIES = 3000, 300
"""Least number of healthy ones."""

LEAST = {
    "faults detected": 1.0,
    "faults at the right rung": AT_THE_RIGHT_RUNG,
    "right cause first": CAUSE_FIRST,
    "right cause among three": CAUSE_AMONG_THREE,
    "mutants caught": 1.0,
}
NONE = (
    "equivalent faults that alarm",
    "false alarms per comparison on predict to step",
    "false alarms per trajectory",
    "false alarms per learning curve",
    "healthy experiments with a false alarm",
)
MADE = {"false alarms per comparison on predict to step": COMPARISONS, "false alarms per trajectory": TRAJECTORIES}


def shortfalls(record: Row) -> Iterator[str]:
    """Each figure that is missed, in a few words."""
    rates = record["rates"]
    for name, least in LEAST.items():
        share = rates[name]["rate"]
        if share is None or share < least:
            yield f"{name}: {_told(rates[name])}, at least {100 * least:g} % asked"
    for name in NONE:
        if rates[name]["count"]:
            yield f"{name}: {_told(rates[name])}, none allowed"
    for name, least in MADE.items():
        if rates[name]["of"] < least:
            yield f"{name}: only {rates[name]['of']} were made, at least {least} asked"
    yield from _too_few_experiments(record["faults"])
    for error in record["errors"]:
        yield f"{error['part']} {error['job']}: {error['error']}"


def _told(rate: Row) -> str:
    return f"{rate['count']} of {rate['of']}"


def _too_few_experiments(rows: Sequence[Row]) -> Iterator[str]:
    shown: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        shown[row["fault"]] |= set() if row["equivalent"] else {row["experiment"]}
    for fault, experiments in shown.items():
        if 0 < len(experiments) < EXPERIMENTS:
            yield f"fault {fault}: changes something in {len(experiments)} experiments only, {EXPERIMENTS} asked"
