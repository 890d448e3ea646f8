"""What a replica costs, in units of a run of its own: `python -m benchmarks.replica_cost`

Replicas as the noise envelope has them, each with data and batch order of its own, trained by `fit_many`, against one run by
`fit`, in CPU time on one core. Both are warm, and take turns; the median of the ratios is told with its quartiles.
"""

from collections.abc import Callable
from time import process_time
from typing import Any

import numpy as np

import parity
from benchmarks.results import keep
from parity import registry
from parity.contract import MLP, Adam
from parity.experiment import Experiment
from parity.ladder.replicas import Given, disturb
from parity.start import draw

REPLICAS, ROUNDS = 16, 9
# Hidden widths, rows of a batch, steps.
SIZES = (
    ((10, 5), 32, 1000),
    ((10, 5), None, 1000),
    ((64, 64), 128, 200),
    ((256, 256), 256, 40),
    ((1024, 1024), 512, 3),
)


def experiment_of(hidden: tuple[int, ...], batch_size: int | None, steps: int) -> Experiment:
    """Paraboloid with so many steps, or a few more."""
    of_epoch = parity.recipe("paraboloid", model=MLP(hidden=hidden), optimizer=Adam(1e-2), batch_size=batch_size)
    return parity.recipe(
        "paraboloid",
        model=of_epoch.model,
        optimizer=of_epoch.optimizer,
        batch_size=batch_size,
        epochs=-(-steps // (of_epoch.train_rows // of_epoch.batch_rows)),
    )


def ratios(backend: str, experiment: Experiment, steps: int) -> list[float]:
    """Of CPU seconds of a replica and of a run, one for each round."""
    start, loaded = draw(experiment), registry.load(backend)
    trainer = loaded.trainer(start.config, device="cpu", mode=loaded.modes[0], dtype="float32")
    given = Given(*start.cast("float32"), start.order).part(0, steps)
    replicas = [disturb(given, start.config, seed).given for seed in range(REPLICAS)]
    many = [[each.state for each in replicas], [each.train for each in replicas], [each.order for each in replicas]]

    def alone() -> None:
        trainer.set_state(given.state)
        trainer.fit(given.train, given.order, checkpoints_at=(steps,))

    def together() -> None:
        trainer.fit_many(*many, checkpoints_at=(steps,))

    alone(), together()
    return [seconds(together) / REPLICAS / seconds(alone) for _ in range(ROUNDS)]


def seconds(work: Callable[[], Any]) -> float:
    """CPU seconds that some work takes."""
    begin = process_time()
    work()
    return process_time() - begin


def main() -> None:
    """Measure, print and keep."""
    rows = []
    for backend in ("jax", "torch"):
        for hidden, batch_size, steps in SIZES:
            found = ratios(backend, experiment_of(hidden, batch_size, steps), steps)
            low, middle, high = np.percentile(found, [25, 50, 75])
            size = f"2-{'-'.join(map(str, hidden))}-1, {'all rows' if batch_size is None else f'batch {batch_size}'}"
            print(f"{backend}, {size}: a replica costs {middle:.2f} ({low:.2f} to {high:.2f}) of a run", flush=True)
            rows.append(
                {"backend": backend, "size": size, "replicas": REPLICAS, "ratio": middle, "quartiles": [low, high]}
            )
    print(f"kept in {keep('replica_cost', rows, ['jax', 'torch'])}")


if __name__ == "__main__":
    main()
