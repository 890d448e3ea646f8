"""At which steps a run is looked at, and how much of it is kept at once."""

import numpy as np

from parity.contract import Solver, TrainingConfig
from parity.ladder.replicas import Given

COMPARED_STEPS = 1000
"""Steps over which two runs are compared step by step, as replicas are trained that far; it bounds what they cost."""
COMPARED_SOLUTIONS = 25
"""The same of a solver, a step of which looks at the loss of all rows at several points, and may solve for all parameters."""
EVALUATIONS = 200
CHECKPOINTS = 24
LARGEST_BYTES = 256 * 2**20
"""Memory that the records of one run may take."""
STACK_BYTES = 4 * LARGEST_BYTES
"""Memory that a stack of replicas may take: what each is given, and its records."""

FIRST_SEED, MORE_SEED = 1_000_000, 2_000_000
"""Seeds of the replicas, and of those of a second look."""


def compared_steps(config: TrainingConfig) -> int:
    """L, how many of the S steps are compared one by one."""
    most = COMPARED_SOLUTIONS if isinstance(config.optimizer, Solver) else COMPARED_STEPS
    return min(most, config.steps)


def evaluated_at(steps: int, rows: int, outputs: int) -> tuple[int, ...]:
    """Steps at which the held-out rows are predicted, the first and the last among them."""
    affordable = max(2, LARGEST_BYTES // (8 * rows * outputs))
    return _evenly(steps, min(EVALUATIONS, affordable))


def checkpoints_at(config: TrainingConfig) -> tuple[int, ...]:
    """Steps at which all parameters are kept: close together at first, where a fault shows, then evenly, the last too."""
    affordable = max(2, LARGEST_BYTES // (8 * elements(config)))
    wanted = min(CHECKPOINTS, affordable)
    early = {int(step) for step in np.geomspace(1, compared_steps(config), wanted)}
    return tuple(sorted(early | set(_evenly(config.steps, wanted)[1:])))


def members_at_once(given: Given, config: TrainingConfig, checkpoints: int, kept: int) -> int:
    """How many runs like the given one are trained in one stack, where the records of some are kept beside it.

    What a run is given and leaves is there twice: as drawn and measured, and in the trainer's stack. Its order is drawn from
    one of eight bytes a row.
    """
    arrays = [*given.state.named().values(), *given.order.named().values()]
    arrays += [array for data in (given.train, given.held_out) for array in (data.inputs, data.targets)]
    rows = 0 if given.order.rows is None else given.order.rows.size
    record = given.train.inputs.itemsize * (elements(config) * checkpoints + given.order.steps)
    run = 2 * (sum(array.nbytes for array in arrays) + record) + 8 * rows
    return max(1, STACK_BYTES // run - kept)


def elements(config: TrainingConfig) -> int:
    """Numbers in all parameters and buffers together."""
    specs = (*config.model.parameters(config.inputs, config.outputs), *config.model.buffers())
    return sum(int(np.prod(spec.shape)) for spec in specs)


def _evenly(steps: int, count: int) -> tuple[int, ...]:
    return tuple(sorted({int(step) for step in np.linspace(0, steps, min(count, steps) + 1)}))
