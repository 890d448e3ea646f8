"""Up to which width the loop in C is ahead of a compiled framework: `python -m benchmarks.c_limit`

Two hidden layers with tanh, two inputs, one output, Adam, one core, CPU time. JAX trains in one compiled loop; both
take turns, and the least time of each is kept. Where JAX draws level the loop is no limit (`parity.throughput.limit.TINY`).
"""

import os
from math import inf
from time import process_time

os.environ |= {
    "OMP_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}

import numpy as np

from benchmarks.results import keep
from parity import registry
from parity.contract import MLP, Adam, BatchOrder, Constant, Data, Loss, State, TrainingConfig, zero_state
from parity.throughput.c_loop import c_loop
from parity.throughput.roofline import roofline
from parity.throughput.work import work_of

NETWORKS = (
    ((10, 5), 32),
    ((10, 5), 850),
    ((16, 16), 32),
    ((16, 16), 1024),
    ((24, 24), 32),
    ((24, 24), 256),
    ((32, 32), 32),
)
ROWS, ROWS_IN_ALL, ROUNDS = 1024, 60_000, 5
"""Rows of the data; rows that a training sees in all its steps; trainings of each."""


def compared(hidden: tuple[int, ...], batch_size: int, dtype: str) -> dict[str, object]:
    """Microseconds of a step in C and in JAX, and of the roofline."""
    steps = max(60, ROWS_IN_ALL // batch_size)
    config = TrainingConfig(MLP(hidden, "tanh"), 2, 1, Loss(), Adam(), Constant(), None, steps)
    random = np.random.default_rng(0)
    zero = zero_state(config, dtype)
    weights = {name: random.uniform(-0.5, 0.5, a.shape).astype(dtype) for name, a in zero.parameters.items()}
    state = State(weights, {}, zero.optimizer)
    data = Data(*(random.standard_normal((ROWS, columns)).astype(dtype) for columns in (2, 1)))
    order = BatchOrder(steps, random.integers(0, ROWS, (steps, batch_size), np.int32))

    loop = c_loop(config, batch_size, dtype)
    if isinstance(loop, str):
        raise SystemExit(loop)
    in_c = loop.prepared(state, data, order, np.full(steps, config.optimizer.learning_rate))
    trainer = registry.load("jax").trainer(config, device="cpu", mode="scan", dtype=dtype)
    best = {"c": inf, "jax": inf}
    for _ in range(ROUNDS):
        trainer.set_state(state)
        for name, train in (("c", in_c), ("jax", lambda: trainer.fit(data, order))):
            begin = process_time()
            train()
            best[name] = min(best[name], process_time() - begin)
    work = work_of(config, batch_size, dtype)
    least = roofline(dtype, 1, work.bytes).seconds(work.flops, work.bytes)
    microseconds = {**{name: 1e6 * seconds / steps for name, seconds in best.items()}, "roofline": 1e6 * least}
    return {
        "hidden": hidden,
        "batch_size": batch_size,
        "dtype": dtype,
        **microseconds,
        "ratio": best["jax"] / best["c"],
    }


LINE = "{dtype} {hidden} x {batch_size}: C {c:.2f} us, JAX {jax:.2f} us ({ratio:.2f} times), roofline {roofline:.2f} us"


def main() -> None:
    """Time, print and keep."""
    rows = []
    for dtype in ("float32", "float64"):
        for hidden, batch_size in NETWORKS:
            rows.append(compared(hidden, batch_size, dtype))
            print(LINE.format(**rows[-1]), flush=True)
    print(f"kept in {keep('c_limit', rows, ['jax'])}")


if __name__ == "__main__":
    main()
