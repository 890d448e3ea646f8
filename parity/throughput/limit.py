"""What the speed of a training step is held against: the least time that this machine could take for it.

Two numbers bound it. The roofline lies below every program: no step is over before its operations are done at the rate of the
machine's matrix product, and its bytes are moved at the rate of a copy. For a tiny network it lies so far below that it says
little: there are hardly matrices to multiply, but vectors of a few rows, and functions. What a compiler reaches there is
measured on the same training written out in C for one network, which lies above the least time. Neither counts for being the
smaller: the loop in C counts where the network is tiny and there is one, the roofline elsewhere, and both are told.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import prod

import numpy as np

from parity.contract import BatchOrder, Data, State, TrainingConfig, require, zero_state
from parity.throughput.c_loop import CLoop, c_loop
from parity.throughput.clock import best_seconds
from parity.throughput.compiler import FLAGS
from parity.throughput.roofline import roofline
from parity.throughput.work import work_of

TINY = 16 * 16
"""Numbers in a network's largest kernel up to which it is tiny. A framework multiplies larger matrices in blocks that stay in
registers, which the plain loops of C don't: `python -m benchmarks.c_limit` shows where JAX draws level, in wide layers and
large batches first, and then they are no limit. The time of a step does not tell: a narrow network on many rows is tiny too."""
ROWS, TRIAL_STEPS, MOST_STEPS, SECONDS = 1024, 200, 100_000, 0.02
"""Rows of the data that C is timed on; steps of a first call; steps, and seconds, of those that count."""


@dataclass(frozen=True)
class Limit:
    """The least time of a step, and what it rests on."""

    seconds_per_step: float
    """What `limit_ratio` is held against: that of the kind."""
    kind: str
    """`c loop` or `roofline`."""
    flags: str
    """What the C was compiled with; empty where there is none."""
    reason: str
    """Why no C was timed; empty where it was."""
    c_loop_seconds: float | None
    """CPU seconds of a step in C."""
    roofline_seconds: float
    """The larger of the two times that operations and bytes take."""
    flops: int
    """Operations of a step."""
    bytes: int
    """Bytes that a step reads and writes."""
    matmul_rate: float
    """Operations a second."""
    copy_rate: float
    """Bytes a second."""


def limit_of(config: TrainingConfig, batch_size: int, dtype: str, threads: int = 1) -> Limit:
    """The limit of a step on batches of so many rows, on so many threads of this machine's CPU (the C takes one).

    Another device has none: its rates can't be measured without a framework. Raises InputError for a batch or threads below 1.
    """
    require(batch_size >= 1, f"batch_size is {batch_size!r}; expected a whole number of at least 1.")
    work = work_of(config, batch_size, dtype)
    rates = roofline(dtype, threads, work.bytes)
    least = rates.seconds(work.flops, work.bytes)
    in_c, reason = _seconds_in_c(config, batch_size, dtype)
    return Limit(
        seconds_per_step=least if in_c is None else in_c,
        kind="roofline" if in_c is None else "c loop",
        flags="" if in_c is None else " ".join(FLAGS),
        reason=reason,
        c_loop_seconds=in_c,
        roofline_seconds=least,
        flops=work.flops,
        bytes=work.bytes,
        matmul_rate=rates.matmul_rate,
        copy_rate=rates.copy_rate,
    )


def _seconds_in_c(config: TrainingConfig, batch_size: int, dtype: str) -> tuple[float | None, str]:
    """Seconds of a step in C, or why there are none."""
    widths = (config.inputs, *config.model.hidden, config.outputs)
    below, units = max(pairwise(widths), key=prod)
    if below * units > TINY:
        return None, f"a kernel has {below} x {units} numbers; C loops are a limit up to {TINY}"
    loop = c_loop(config, batch_size, dtype)
    return (None, loop) if isinstance(loop, str) else (seconds_per_step(loop, config, batch_size), "")


def seconds_per_step(loop: CLoop, config: TrainingConfig, batch_size: int) -> float:
    """CPU seconds of a step of a compiled training, from random weights on random rows."""
    random = np.random.default_rng(0)
    zero = zero_state(config, "float64")
    specs = config.model.parameters(config.inputs, config.outputs)
    weights = {spec.name: random.uniform(-1, 1, spec.shape) / np.sqrt(spec.fan_in) for spec in specs}
    state = State(weights, {}, zero.optimizer)
    data = Data(*(random.standard_normal((ROWS, columns)) for columns in (config.inputs, config.outputs)))

    def seconds(steps: int) -> float:
        order = BatchOrder(steps, random.integers(0, ROWS, (steps, batch_size), np.int32))
        run = loop.prepared(state, data, order, np.full(steps, config.optimizer.learning_rate))
        return best_seconds(run) / steps

    return seconds(int(min(max(SECONDS / seconds(TRIAL_STEPS), TRIAL_STEPS), MOST_STEPS)))
