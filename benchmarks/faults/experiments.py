"""Small experiments to plant faults in: four settings that share no choice, and any of them with some choices fixed."""

from dataclasses import fields
from typing import Any

import parity
from parity.contract import (
    MLP,
    SGD,
    Adam,
    AdamW,
    Cosine,
    Exponential,
    Loss,
    OneCycle,
    RegularizedMLP,
    RMSprop,
    WarmupCosine,
)
from parity.experiment import Experiment
from parity.kinds import KINDS, kind_of

ROWS, STEPS = 200, 120
"""Of every setting; with 170 rows to train on, a batch of 16 makes `EPOCH` steps an epoch."""
EPOCH = 10

Setting = dict[str, Any]
ONE_OUTPUT: Setting = {
    "problem": "paraboloid",
    "hidden": (8, 8),
    "activation": "tanh",
    "loss": Loss("mse"),
    "optimizer": Adam(1e-2),
    "schedule": Cosine(),
}
TWO_OUTPUTS: Setting = {
    "problem": "polar",
    "hidden": (12,),
    "activation": "gelu",
    "loss": Loss("huber", huber_delta=0.5),
    "optimizer": SGD(0.05, momentum=0.9),
    "schedule": Exponential(0.99),
}
CLASSES: Setting = {
    "problem": "rings",
    "hidden": (6, 6, 6),
    "activation": "elu",
    "loss": Loss("cross_entropy"),
    "optimizer": AdamW(5e-3),
    "schedule": OneCycle(),
}
STEEP: Setting = {
    "problem": "polar",
    "hidden": (5, 4),
    "activation": "silu",
    "loss": Loss("log_cosh"),
    "optimizer": RMSprop(3e-3),
    "schedule": WarmupCosine(start=0.1),
    "seed": 1,
}

ANY = (ONE_OUTPUT, TWO_OUTPUTS, CLASSES)
REGRESSION = (ONE_OUTPUT, TWO_OUTPUTS, STEEP)
SEVERAL_OUTPUTS = (TWO_OUTPUTS, CLASSES, STEEP)


def across(*settings: Setting, **fixed: Any) -> tuple[Experiment, ...]:
    """The experiment of each setting (of `ANY`, where none is named), with some fields of it or of its model fixed."""
    return tuple(small(**(setting | fixed)) for setting in settings or ANY)


def small(batch_size: int | None = 16, steps: int = STEPS, regularized: bool = False, **choices: Any) -> Experiment:
    """An experiment of a second or less."""
    model = RegularizedMLP if regularized else MLP
    of_model = {field.name: choices.pop(field.name) for field in fields(model) if field.name in choices}
    epochs = steps if batch_size is None else max(1, steps // (170 // batch_size))
    return parity.recipe(
        choices.pop("problem"),
        rows=ROWS,
        model=model(**of_model),
        batch_size=batch_size,
        epochs=epochs,
        **choices,
    )


def told(experiment: Experiment) -> str:
    """What tells an experiment from others, in a few words."""
    model, optimizer, batch = experiment.model, experiment.optimizer, experiment.batch_size
    defaults = KINDS["optimizer"][kind_of(optimizer)]()
    constants = [
        f"{name} {value:g}"
        for name, value in vars(optimizer).items()
        if name != "learning_rate" and value != getattr(defaults, name)
    ]
    parts = [
        experiment.problem,
        f"{kind_of(model)} {'-'.join(map(str, model.hidden)) or 'linear'} {model.activation}",
        experiment.loss.kind + (" sum" if experiment.loss.reduction == "sum" else ""),
        " ".join([kind_of(optimizer), f"{optimizer.learning_rate:g}", *constants]),
        kind_of(experiment.schedule),
        "all rows" if batch is None else f"batch {batch}",
    ]
    parts += [] if experiment.clip_norm is None else [f"clip {experiment.clip_norm:g}"]
    return ", ".join([*parts, f"seed {experiment.seed}"])
