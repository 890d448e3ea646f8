"""Random healthy runs: correct programs on whatever a config allows, where every rung that breaks is a false alarm.

Drawn by a seed: network, data, loss, optimizer, rate, schedule, clipping, batches, and a start, from usual to degenerate.
What is compared with PyTorch, in either dtype: the JAX twin in one of its modes, the NumPy oracle, and PyTorch with the rows of
every batch reversed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from math import ceil, prod
from random import Random
from typing import Any, Literal, get_args

import numpy as np

import parity
from benchmarks.faults.copies import Twin, around, copied, oracle
from benchmarks.faults.experiments import told
from parity import registry
from parity.contender import Contender
from parity.contract import MLP, Arrays, Data, Loss, RegularizedMLP, State
from parity.contract.models import Activation
from parity.experiment import Experiment
from parity.kinds import KINDS
from parity.ladder import Calibration, Climb, Subject, Voices, calibrated, trainer_of
from parity.ladder.rungs import ENVELOPED
from parity.progress import Silent
from parity.result import Pair, Rung
from parity.start import Start, draw

EXPERIMENTS, FIRST = 140, 2000
"""How many, and the seed of the first: none that was looked at while the limits were made."""
STEP_OPERATIONS, RUN_OPERATIONS = 5e7, 2e8
"""Most multiplications of a step and of a run, which keep an experiment at some seconds."""
ACTIVATION = 30
"""Multiplications that take as long as an activation."""
LONGEST, TRAINED = 400, 100
"""Steps of the longest run; most steps in front of a trained start."""

# A cautious, a steep and a wild learning rate of each optimizer; a wild one may diverge.
RATES = {
    "sgd": (0.01, 0.3, 3.0),
    "adam": (1e-3, 2e-2, 0.3),
    "adamw": (1e-3, 2e-2, 0.3),
    "rmsprop": (1e-3, 1e-2, 0.3),
    "adagrad": (1e-2, 0.1, 1.0),
    "nadam": (2e-3, 1e-2, 0.3),
    "radam": (1e-3, 1e-2, 0.3),
    "adamax": (2e-3, 2e-2, 0.3),
    "adadelta": (0.1, 1.0, 10.0),
    "lion": (1e-4, 1e-3, 0.1),
}
CHOICES: dict[str, list[dict[str, Any]]] = {
    "sgd": [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}, {"weight_decay": 1e-2}],
    "rmsprop": [{}, {"momentum": 0.5}],
    "adamw": [{}, {"weight_decay": 0.1}],
    "lion": [{}, {"weight_decay": 0.1}],
}

Begin = Literal["drawn", "trained", "converged", "dead", "zero"]
"""How a run begins: from the drawn weights, behind some training, where the targets are the network's own predictions,
where every unit of the first layer is off in every row, or where all parameters are zero, as they are in a network that has
no such layer."""
BEGINS: tuple[Begin, ...] = ("drawn", "drawn", "drawn", "drawn", "trained", "converged", "dead", "zero")


RUNGS = ("start", "predict", "loss", "gradients", "step", "trajectory", "accuracy")
"""Those that can alarm; the last one does where a run's learning curve is not that of its own checkpoints."""


def jobs() -> list[tuple[int]]:
    """Every experiment by its seed."""
    return [(seed,) for seed in range(FIRST, FIRST + EXPERIMENTS)]


def row_of(job: tuple[int]) -> dict[str, Any]:
    """A row for each rung of each pair of an experiment, by its seed."""
    seed = job[0]
    experiment = draw_experiment(seed)
    with backends():
        pairs = list(climbed(start_of(seed), seed))
    of_all = {"seed": seed, "experiment": told(experiment), "rows_drawn": experiment.rows, "begin": begin_of(seed)}
    return {"rows": [of_all | row for pair in pairs for row in judged(pair)]}


def begin_of(seed: int) -> Begin:
    """How an experiment begins."""
    return Random(f"begin {seed}").choice(BEGINS)


def start_of(seed: int) -> Start:
    """What an experiment begins from."""
    return begun(draw(draw_experiment(seed)), begin_of(seed))


@contextmanager
def backends() -> Iterator[None]:
    """The correct ones that are compared beside the twins."""
    with oracle(), copied("torch", "reversed") as twin:
        with_rows_reversed(twin)
        yield


def judged(pair: Pair) -> Iterator[dict[str, Any]]:
    """The rungs of a pair on which two correct programs can alarm."""
    for rung in pair.rungs:
        if rung.name in RUNGS:
            yield {
                "candidate": pair.candidate,
                "dtype": pair.candidate.rsplit(":", 1)[1],
                "rung": rung.name,
                "alarm": not rung.passed,
                "compared": compared(rung),
                "gap": rung.gap,
                "limit": rung.limit,
                "where": rung.where,
                "covers": rung.covers,
            }


def compared(rung: Rung) -> bool:
    """Whether a rung compared anything and judged it; what alarms did."""
    if not rung.passed:
        return True
    something = rung.covers if rung.name == "trajectory" else rung.name not in ENVELOPED or rung.limit is not None
    return bool(something) and not rung.undecided


def draw_experiment(seed: int) -> Experiment:
    """A random experiment whose steps are affordable."""
    random = Random(seed)
    while True:
        experiment = _any_experiment(random, seed)
        operations = _operations(experiment)
        if operations <= STEP_OPERATIONS:
            break
    steps = min(max(5, int(RUN_OPERATIONS / operations)), random.choice([20, 100, LONGEST]))
    return replace(experiment, epochs=max(1, steps // experiment.steps))


def _any_experiment(random: Random, seed: int) -> Experiment:
    """One epoch of anything that a config allows."""
    problem = random.choice(["paraboloid", "polar", "rings"])
    kind = random.choice(sorted(RATES))
    constants = random.choice(CHOICES.get(kind, [{}]))
    model = random.choice([MLP, RegularizedMLP])
    rows = round(10 ** random.uniform(np.log10(16), 5)) if random.random() < 0.8 else random.choice([8, 10, 100_000])
    held_out = (ceil(0.15 * rows) if rows > 13 else 2) / rows
    train = rows - ceil(rows * held_out)
    loss = "cross_entropy" if problem == "rings" else random.choice(["mse", "mae", "huber", "log_cosh"])
    return parity.recipe(
        problem,
        rows=rows,
        held_out=held_out,
        model=model(
            hidden=tuple(round(2 ** random.uniform(0, 10)) for _ in range(random.randrange(5))),
            activation=random.choice(get_args(Activation)),
            initializer=random.choice(["uniform_fan_in", "lecun_normal", "he_normal"]),
        ),
        loss=Loss(
            loss, reduction=random.choice(["mean", "mean", "mean", "sum"]), huber_delta=random.choice([0.3, 1.0])
        ),
        optimizer=KINDS["optimizer"][kind](learning_rate=random.choice(RATES[kind]), **constants),
        schedule=random.choice(list(KINDS["schedule"].values()))(),
        clip_norm=random.choice([None, None, 1.0]),
        batch_size=random.choice([None, min(train, max(random.choice([4, 16, 64, 512]), -(-train // LONGEST)))]),
        last_batch=random.choice(["drop", "wrap"]),
        seed=seed,
        epochs=1,
    )


def _operations(experiment: Experiment) -> float:
    """Multiplications of a training step, forward and back, and of a prediction of all rows over the steps of a run."""
    widths = (2, *experiment.model.hidden, 3)
    weights = sum(prod(pair) for pair in pairwise(widths)) + ACTIVATION * sum(experiment.model.hidden)
    return 3.0 * weights * (experiment.batch_rows + experiment.rows / 10)


def begun(start: Start, begin: Begin) -> Start:
    """The start with another beginning."""
    state = start.state
    if begin == "trained":
        return replace(start, state=_trained(start))
    if begin == "converged":
        return replace(start, train=Data(start.train.inputs, _own_targets(start)))
    if begin == "dead" and start.config.model.hidden:
        off = {
            name: array - 1e3 for name, array in state.parameters.items() if name in ("layers.0.bias", "norms.0.bias")
        }
        return replace(start, state=replace(state, parameters={**state.parameters, **off}))
    if begin in ("dead", "zero"):
        return replace(start, state=replace(state, parameters=_zeros(state.parameters)))
    return start


def _zeros(arrays: Arrays) -> Arrays:
    return {name: np.zeros_like(array) for name, array in arrays.items()}


def _trainer(start: Start) -> Any:
    trainer = registry.load("torch").trainer(start.config, device="cpu", mode="eager", dtype="float64")
    trainer.set_state(start.state)
    return trainer


def _trained(start: Start) -> State:
    """Parameters and buffers behind some training, with the optimizer at its beginning."""
    order = start.order.part(0, min(TRAINED, start.order.steps))
    final = _trainer(start).fit(start.train, order).final
    finite = all(np.isfinite(array).all() for array in final.named().values())
    return replace(start.state, parameters=final.parameters, buffers=final.buffers) if finite else start.state


def _own_targets(start: Start) -> np.ndarray:
    """The network's own predictions; for classes as probabilities."""
    predictions = _trainer(start).predict(start.train.inputs)
    if start.config.loss.kind != "cross_entropy":
        return predictions
    powers = np.exp(predictions - predictions.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def with_rows_reversed(twin: Twin) -> None:
    """PyTorch with the rows of every batch in reverse: another order of summation, and as correct."""

    def differentiated(original, self, state, batch, training):
        masks = {name: mask.flip(0) for name, mask in batch.masks.items()}
        return original(
            self, state, twin.program.DeviceBatch(batch.inputs.flip(0), batch.targets.flip(0), masks), training
        )

    around(twin.program.Program, "loss_and_grads", differentiated)


def climbed(start: Start, seed: int) -> Iterator[Pair]:
    """Each candidate's climb against PyTorch in its own dtype."""
    calibration = calibrated(start.experiment.replicas, None)
    for dtype in ("float32", "float64"):
        reference = subject_of(Contender("torch", "cpu", "eager", dtype), start, calibration)
        for candidate in candidates_of(dtype, seed):
            yield Climb(reference, subject_of(candidate, start, calibration), SILENT_VOICES).pair()


def candidates_of(dtype: str, seed: int) -> list[Contender]:
    """What is compared with PyTorch in a dtype."""
    # Compiling takes JAX a hundred times as long as running: one mode of it an experiment, by turns.
    return [
        Contender("numpy", "cpu", "loop", dtype),
        Contender("reversed", "cpu", "eager", dtype),
        Contender("jax", "cpu", "step" if seed % 4 >= 2 else "scan", dtype),
    ]


def subject_of(contender: Contender, start: Start, calibration: Calibration) -> Subject:
    """A contender with the start it is given."""
    backend = registry.load(contender.backend)
    return Subject(contender, backend, trainer_of(backend, contender, start.config), start, Silent(), calibration)


SILENT_VOICES = Voices((), lambda name: None)
"""Who is off is not asked here."""
