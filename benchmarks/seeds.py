"""Does the recipe of `paraboloid` converge on every seed, in every contender? `python -m benchmarks.seeds [SEEDS]`

The asked network, 2-10-5-1 with relu; each seed draws weights anew, data and split stay the asked ones.
"""

import sys
from dataclasses import replace

import numpy as np

from benchmarks.results import keep
from parity import registry
from parity.accuracy import accuracy
from parity.contender import expand, parse
from parity.ladder.plan import evaluated_at
from parity.problems import recipe
from parity.start import draw


def main(seeds: int) -> None:
    """Train all seeds in all contenders, print a table and keep it."""
    rows = []
    starts = [draw(replace(recipe("paraboloid"), seed=seed)) for seed in range(seeds)]
    target = recipe("paraboloid").target_r2
    for contender in expand(parse("")):
        backend = registry.load(contender.backend)
        trainer = backend.trainer(starts[0].config, device=contender.device, mode=contender.mode, dtype=contender.dtype)
        states, (_, train, held_out) = (
            [start.cast(contender.dtype)[0] for start in starts],
            starts[0].cast(contender.dtype),
        )
        at = evaluated_at(starts[0].order.steps, *held_out.targets.shape)
        order = starts[0].order
        histories = trainer.fit_many(states, train, order, evaluate=held_out.inputs, evaluate_at=at)
        scores = [accuracy(starts[0], history, at, target) for history in histories]
        reached = sum(score.r2 >= target for score in scores)
        worst, middle = min(score.r2 for score in scores), float(np.median([score.r2 for score in scores]))
        print(
            f"{contender}: R2 of at least {target} on {reached} of {seeds} seeds; median {middle:.5f}, worst {worst:.5f}"
        )
        rows += [
            {"contender": str(contender), "seed": seed, "r2": score.r2, "steps_to_target": score.steps_to_target}
            for seed, score in enumerate(scores)
        ]
    print(f"kept in {keep('seeds', rows, ['jax', 'torch'])}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
