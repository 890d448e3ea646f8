"""Do the ladder's tolerances cry wolf? `python -m benchmarks.healthy [N]`

N random healthy experiments, each climbed in both dtypes. Every problem, optimizer, schedule, activation and loss can be drawn,
with rates from cautious to steep. The twins are correct, so every verdict but "equivalent" (or "diverged", where a rate was too
steep) is a false alarm.
"""

import sys
from dataclasses import replace
from random import Random
from typing import get_args

from rich.progress import track

import parity
from benchmarks.results import keep
from parity.contract import MLP, Loss, RegularizedMLP
from parity.contract.models import Activation
from parity.experiment import Experiment
from parity.kinds import KINDS

# A cautious and a steep learning rate of each optimizer.
RATES = {
    "sgd": (0.01, 0.3),
    "adam": (1e-3, 2e-2),
    "adamw": (1e-3, 2e-2),
    "rmsprop": (1e-3, 1e-2),
    "adagrad": (1e-2, 0.1),
    "nadam": (2e-3, 1e-2),
    "radam": (1e-3, 1e-2),
    "adamax": (2e-3, 2e-2),
    "adadelta": (0.1, 1.0),
    "lion": (1e-4, 1e-3),
}


def draw_experiment(seed: int) -> Experiment:
    """A random experiment of at most 1200 steps."""
    random = Random(seed)
    problem = random.choice(["paraboloid", "polar", "rings"])
    kind = random.choice(sorted(RATES))
    optimizer = KINDS["optimizer"][kind](learning_rate=random.choice(RATES[kind]))
    model = random.choice([MLP, RegularizedMLP])(
        hidden=tuple(random.choice([1, 3, 10, 32, 64]) for _ in range(random.randrange(4))),
        activation=random.choice(get_args(Activation)),
    )
    loss = "cross_entropy" if problem == "rings" else random.choice(["mse", "mae", "huber", "log_cosh"])
    experiment = parity.recipe(
        problem,
        rows=random.choice([20, 200, 1000]),
        model=model,
        loss=Loss(loss),
        optimizer=optimizer,
        schedule=random.choice(list(KINDS["schedule"].values()))(),
        clip_norm=random.choice([None, 1.0]),
        batch_size=random.choice([None, 8, 16]),
        seed=seed,
        epochs=1,
    )
    return replace(experiment, epochs=max(1, random.choice([50, 300, 1200]) // experiment.steps))


def main(count: int) -> None:
    """Climb, print what alarmed, and keep a row a pair."""
    rows = []
    for seed in track(range(count), "climbing"):
        result = parity.run(draw_experiment(seed), throughput=False)
        if result.verdict not in ("equivalent", "diverged"):
            print(f"seed {seed}: {result.summary}")
        for pair in result.pairs:
            judged = [rung for rung in pair.rungs if rung.limit]
            closest = max(judged, key=lambda rung: (rung.gap or 0.0) / (rung.limit or 1.0))
            rows.append(
                {
                    "seed": seed,
                    "candidate": pair.candidate,
                    "verdict": pair.verdict,
                    "closest_rung": closest.name,
                    "gap_over_limit": (closest.gap or 0.0) / (closest.limit or 1.0),
                }
            )
    alarms = sum(row["verdict"] not in ("equivalent", "diverged") for row in rows)
    print(f"{alarms} false alarms in {len(rows)} climbs; kept in {keep('healthy', rows, ['jax', 'torch'])}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 24)
