"""At which steps a run is looked at."""

import numpy as np

from parity.contract import TrainingConfig

HORIZON = 1000
"""Steps over which two runs are compared step by step; training amplifies rounding, and behind them only outcomes count."""
EVALUATIONS = 200
CHECKPOINTS = 24
LARGEST_BYTES = 256 * 2**20
"""Memory that the records of one run may take."""


def evaluated_at(steps: int, rows: int, outputs: int) -> tuple[int, ...]:
    """Steps at which the held-out rows are predicted, the first and the last among them."""
    affordable = max(2, LARGEST_BYTES // (8 * rows * outputs))
    return _evenly(steps, min(EVALUATIONS, affordable))


def checkpoints_at(config: TrainingConfig) -> tuple[int, ...]:
    """Steps at which all parameters are kept: close together at first, where a fault shows, then evenly, the last too."""
    specs = (*config.model.parameters(config.inputs, config.outputs), *config.model.buffers())
    affordable = max(2, LARGEST_BYTES // (8 * sum(int(np.prod(spec.shape)) for spec in specs)))
    wanted = min(CHECKPOINTS, affordable)
    horizon = min(HORIZON, config.steps)
    early = {int(step) for step in np.geomspace(1, horizon, wanted)}
    return tuple(sorted(early | set(_evenly(config.steps, wanted)[1:])))


def _evenly(steps: int, count: int) -> tuple[int, ...]:
    return tuple(sorted({int(step) for step in np.linspace(0, steps, min(count, steps) + 1)}))
