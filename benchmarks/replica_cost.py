"""What a replica costs, in units of a run of its own: `python -m benchmarks.replica_cost`

Timed is all that the ladder does for its replicas, `Subject.path`: drawing, training and measuring 16 replicas, with the
original that they are measured from and the runs of other seeds that say how far apart strangers are. Divided by all runs that
it trains, 20, it is what a replica costs; beside it stands the whole path. A run of its own is `fit` with the same checkpoints.
CPU time on one core; both are warm, and take turns; the median of the ratios is told with its quartiles. Large networks are
trained for fewer steps than the ladder compares, with as many checkpoints a step; drawing and measuring weigh the more.
"""

from collections.abc import Callable
from dataclasses import replace
from time import process_time
from typing import Any

import numpy as np

import parity
from benchmarks.results import keep
from parity import registry
from parity.contender import Contender
from parity.contract import MLP, Adam
from parity.experiment import Experiment
from parity.ladder import Subject, calibrated
from parity.ladder.plan import COMPARED_STEPS, checkpoints_at
from parity.ladder.subject import SEEDS
from parity.progress import Silent
from parity.start import draw

REPLICAS, ROUNDS = 16, 5
RUNS = 1 + REPLICAS + SEEDS
# Hidden widths, rows of a batch, steps.
SIZES = (
    ((10, 5), 32, 1000),
    ((10, 5), None, 1000),
    ((64, 64), 128, 200),
    ((256, 256), 256, 100),
    ((1024, 1024), 512, 80),
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


def ratios(backend: str, experiment: Experiment) -> list[float]:
    """Of CPU seconds of a path and of a run, one for each round."""
    start, loaded = draw(experiment), registry.load(backend)
    contender = Contender(backend, "cpu", loaded.modes[0], "float32")
    trainer = loaded.trainer(start.config, device="cpu", mode=contender.mode, dtype=contender.dtype)
    subject = Subject(contender, loaded, trainer, start, Silent(), calibrated(REPLICAS, None))
    subject.checkpoints_at = as_dense(subject)
    given = subject.given.part(0, subject.compared)

    def alone() -> None:
        trainer.set_state(given.state)
        trainer.fit(given.train, given.order, checkpoints_at=subject.compared_at)

    def together() -> None:
        vars(subject).pop("path", None)
        _ = subject.path

    alone(), together()
    return [seconds(together) / seconds(alone) for _ in range(ROUNDS)]


def as_dense(subject: Subject) -> tuple[int, ...]:
    """As many checkpoints a step as the ladder keeps of a run that is as long as it compares."""
    config, steps = subject.start.config, subject.compared
    count = len(checkpoints_at(replace(config, steps=COMPARED_STEPS)))
    return tuple(sorted({int(step) for step in np.linspace(0, steps, max(2, count * steps // COMPARED_STEPS))}))


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
            found = ratios(backend, experiment_of(hidden, batch_size, steps))
            low, middle, high = np.percentile(found, [25, 50, 75]) / RUNS
            size = f"2-{'-'.join(map(str, hidden))}-1, {'all rows' if batch_size is None else f'batch {batch_size}'}"
            print(
                f"{backend}, {size}: a replica costs {middle:.2f} ({low:.2f} to {high:.2f}) of a run, "
                f"the path of {RUNS} costs {middle * RUNS:.1f}",
                flush=True,
            )
            rows.append(
                {
                    "backend": backend,
                    "size": size,
                    "replicas": REPLICAS,
                    "runs": RUNS,
                    "ratio": middle,
                    "quartiles": [low, high],
                }
            )
    print(f"kept in {keep('replica_cost', rows, ['jax', 'torch'])}")


if __name__ == "__main__":
    main()
