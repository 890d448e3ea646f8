"""An experiment of ours as a program that was watched: trained by the fastest backend here, and told in the same terms."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from parity.contract import (
    Evaluation,
    History,
    Operation,
    Parameter,
    Recording,
    State,
    Training,
    WatchedOptimizer,
    WatchedStep,
)
from parity.contract.models import RegularizedMLP
from parity.diagnose.finding import Diagnosis
from parity.diagnose.judge import judge
from parity.diagnose.trials import Floats, fastest
from parity.experiment import Experiment
from parity.progress import Done, Silent, Watcher
from parity.start import Start, draw

DTYPE = "float32"
LOOKED_AT = 16  # Steps that are told closely.
FUNCTIONS = {"mse": "mse_loss", "mae": "l1_loss", "huber": "huber_loss"}
NEAR_END = 1e-3


def diagnose_experiment(experiment: Experiment, *, seconds: float, watcher: Watcher | None = None) -> Diagnosis:
    """Train an experiment once and say why it does not learn, or that nothing keeps it from it."""
    start = draw(experiment)
    with (watcher or Silent()).task(f"training {experiment.problem}", start.config.steps) as done:
        recording = record(start, done)
    return judge(experiment.problem, recording, 0, None, seconds=seconds)[0]


def record(start: Start, done: Done) -> Recording:
    """Train, and tell what a watcher would have seen."""
    backend, config = fastest(start.config.steps), start.config
    state, train, held_out = start.cast(DTYPE)
    trainer = backend.trainer(config, device="cpu", mode=backend.modes[0], dtype=DTYPE)
    trainer.set_state(state)
    at = sorted({*np.linspace(0, config.steps - 1, min(LOOKED_AT, config.steps)).astype(int).tolist()})
    watched: dict[str, Any] = {"evaluate": held_out.inputs, "evaluate_at": (config.steps,), "checkpoints_at": at}
    history = trainer.fit(train, start.order, progress=done, **watched)

    def step(i: int, number: int) -> WatchedStep:
        parameters = {name: values[i] for name, values in history.parameters.items()}
        buffers = {name: values[i] for name, values in history.buffers.items()}
        batch = start.order.batch(train, number)
        trainer.set_state(replace(history.final, parameters=parameters, buffers=buffers))
        return WatchedStep(
            number=number,
            loss=float(history.losses[number]),
            loss_place=None,
            loss_function=FUNCTIONS.get(config.loss.kind, config.loss.kind),
            inputs=batch.inputs,
            predictions=trainer.predict(batch.inputs, training=True, masks=batch.masks),
            targets=batch.targets,
            operations=operations(start, parameters, batch.inputs),
            training=True,
        )

    steps = tuple(step(i, number) for i, number in enumerate(at))
    judged = Evaluation(config.steps, held_out.inputs, history.predictions[-1], held_out.targets, False, ())
    return Recording(backend.name, (_training(start, state, history, steps, judged),))


def _training(
    start: Start, first: State, history: History, steps: tuple[WatchedStep, ...], evaluation: Evaluation
) -> Training:
    config = start.config
    settings = {name: float(value) for name, value in asdict(config.optimizer).items() if value is not None}
    return Training(
        network=type(config.model).__name__,
        optimizer=WatchedOptimizer(type(config.optimizer).__name__, settings),
        losses=np.asarray(history.losses, float),
        backwards=config.steps,
        updates=config.steps,
        parameters=tuple(
            Parameter(name, values, history.final.parameters[name]) for name, values in first.parameters.items()
        ),
        steps=steps,
        evaluations=(evaluation,),
    )


def operations(start: Start, parameters: dict[str, Floats], x: Floats) -> tuple[Operation, ...]:
    """The network's operations, with what the units of those activations did that can die or sit at an end."""
    model = start.config.model
    told: list[Operation] = []
    values: Floats | None = x
    for i in range(len(model.hidden) + 1):
        names = tuple(name for name in (f"layers.{i}.kernel", f"layers.{i}.bias") if name in parameters)
        told.append(Operation("linear", "linear", None, names))
        if i == len(model.hidden):
            break
        values = None if values is None else values @ parameters[names[0]] + (parameters[names[1]] if names[1:] else 0)
        if isinstance(model, RegularizedMLP):
            shift = 0.0 if values is None else float(np.abs(values.mean(0) / (values.std(0) + model.epsilon)).max())
            told.append(
                Operation("batch_norm", "batch_norm", None, constants={"momentum": model.momentum}, shift=shift)
            )
            values = None
        if model.activation != "identity":
            function, ends = MEASURED.get(model.activation, (None, ()))
            values = function(values) if function is not None and values is not None else None
            told.append(_measured(model.activation, values, ends))
        if isinstance(model, RegularizedMLP) and model.dropout:
            told.append(Operation("dropout", "dropout", None, constants={"rate": model.dropout}))
    return tuple(told)


def _measured(name: str, values: Floats | None, ends: tuple[float, ...]) -> Operation:
    if values is None:
        return Operation("activation", name, None)
    if not ends:
        return Operation("activation", name, None, off=float((values == 0).all(0).mean()))
    near = np.any([np.abs(values - end) < NEAR_END for end in ends], axis=0)
    return Operation("activation", name, None, ends=float(near.mean()))


def _relu(x: Floats) -> Floats:
    return np.maximum(x, 0)


def _sigmoid(x: Floats) -> Floats:
    half: Floats = 0.5 * (1 + np.tanh(0.5 * x))
    return half


MEASURED: dict[str, tuple[Callable[[Floats], Floats], tuple[float, ...]]] = {
    "relu": (_relu, ()),
    "tanh": (np.tanh, (-1.0, 1.0)),
    "sigmoid": (_sigmoid, (0.0, 1.0)),
}
