"""At which steps a run is looked at, and how much of it is kept at once."""

import numpy as np

from parity.contract import TrainingConfig

COMPARED_STEPS = 1000
"""Steps over which two runs are compared step by step, as replicas are trained that far; it bounds what they cost."""
EVALUATIONS = 200
CHECKPOINTS = 24
LARGEST_BYTES = 256 * 2**20
"""Memory that the records of one run may take."""
STACK_BYTES = 4 * LARGEST_BYTES
"""Memory that the records of a stack of replicas may take."""

FIRST_SEED, MORE_SEED = 1_000_000, 2_000_000
"""Seeds of the replicas, and of those of a second look."""


def compared_steps(steps: int) -> int:
    """L, how many of the S steps are compared one by one."""
    return min(COMPARED_STEPS, steps)


def evaluated_at(steps: int, rows: int, outputs: int) -> tuple[int, ...]:
    """Steps at which the held-out rows are predicted, the first and the last among them."""
    affordable = max(2, LARGEST_BYTES // (8 * rows * outputs))
    return _evenly(steps, min(EVALUATIONS, affordable))


def checkpoints_at(config: TrainingConfig) -> tuple[int, ...]:
    """Steps at which all parameters are kept: close together at first, where a fault shows, then evenly, the last too."""
    affordable = max(2, LARGEST_BYTES // (8 * elements(config)))
    wanted = min(CHECKPOINTS, affordable)
    early = {int(step) for step in np.geomspace(1, compared_steps(config.steps), wanted)}
    return tuple(sorted(early | set(_evenly(config.steps, wanted)[1:])))


def members_at_once(config: TrainingConfig, rows: int, checkpoints: int) -> int:
    """How many replicas of a run are trained in one stack."""
    data = rows * (config.inputs + config.outputs) + compared_steps(config.steps)
    return max(1, STACK_BYTES // (8 * (elements(config) * (checkpoints + 1) + data)) - 1)


def elements(config: TrainingConfig) -> int:
    """Numbers in all parameters and buffers together."""
    specs = (*config.model.parameters(config.inputs, config.outputs), *config.model.buffers())
    return sum(int(np.prod(spec.shape)) for spec in specs)


def _evenly(steps: int, count: int) -> tuple[int, ...]:
    return tuple(sorted({int(step) for step in np.linspace(0, steps, min(count, steps) + 1)}))
