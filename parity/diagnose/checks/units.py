"""Can the network's units work, and can its output reach the targets?"""

from collections.abc import Iterator

import numpy as np

from parity.diagnose.finding import Finding
from parity.diagnose.program import Program

RANGES = {
    "sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "relu": (0.0, np.inf), "softplus": (0.0, np.inf), "softmax": (0.0, 1.0),
    "relu6": (0.0, 6.0), "hardtanh": (-1.0, 1.0), "log_softmax": (-np.inf, 0.0), "log_sigmoid": (-np.inf, 0.0),
    "elu": (-1.0, np.inf),
}  # fmt: skip
OUTSIDE = 0.03  # Share of the targets beyond the range.
DEAD = 0.9
AT_ENDS = 0.8


def output_range(program: Program) -> Iterator[Finding]:
    """The last activation must be able to give every target."""
    last = next((o for o in reversed(program.operations) if o.kind not in ("reshape", "dropout")), None)
    rows = program.rows
    if last is None or last.kind != "activation" or last.name not in RANGES or rows is None or program.classes:
        return
    low, high = RANGES[last.name]
    targets = np.asarray(rows.targets, float)
    outside = float(np.mean((targets < low) | (targets > high)))
    if outside > OUTSIDE:
        evidence = (
            f"The network ends in {last.name}, which gives {low:g} to {high:g}; {outside:.0%} of the targets, which go from "
            f"{np.nanmin(targets):.4g} to {np.nanmax(targets):.4g}, lie beyond."
        )
        yield Finding("output-range", "error", evidence, last.place)


def at_start(program: Program) -> Iterator[Finding]:
    """Before the first update, units fire and are not at their ends."""
    for operation in program.operations:
        if operation.kind != "activation":
            continue
        if operation.off >= DEAD:
            evidence = (
                f"Before the first update {operation.off:.0%} of a layer's {operation.name} units are 0 for every row."
            )
            yield Finding("dead-units", "error", evidence, operation.place)
            return
        if operation.ends >= AT_ENDS:
            share, name = operation.ends, operation.name
            evidence = f"Before the first update {share:.0%} of a layer's {name} values are at an end of their range."
            yield Finding("saturated-units", "error", evidence, operation.place)
            return
