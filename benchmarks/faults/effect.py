"""Does a change of a backend change what is computed? The float64 oracle says.

What a backend computes is a set of groups of arrays, each with a scale of its own. Its distance from the oracle is held against
that of the unchanged twin, which is rounding: where no group is `ROUNDING` times further away, nothing has changed.
"""

from collections.abc import Mapping
from dataclasses import replace
from math import inf
from typing import Any

import numpy as np

from benchmarks.faults.copies import oracle
from parity import registry
from parity.contract import Arrays
from parity.experiment import Experiment
from parity.start import Start, draw

FIRST_STEPS = 5
ROUNDING = 10.0
"""Two correct programs may differ in their rounding, by more than the unchanged twin and the oracle do."""
FLOOR = 16.0
"""In eps: a distance that every program may have, also where twin and oracle agree to the last bit."""

Groups = Mapping[str, Arrays]


def effect(backend: str, clean: str, experiment: Experiment, dtype: str) -> float:
    """How many times further from the oracle than `clean` a backend is, in the group where that is most."""
    start = draw(experiment)
    if not receives(backend, start, dtype):
        return inf
    found = computed(backend, start, dtype)
    with oracle():
        truth = computed("numpy", start, dtype)
    return further(found, computed(clean, start, dtype), truth, dtype)


def further(found: Groups, clean: Groups, truth: Groups, dtype: str) -> float:
    """How many times further from the truth than `clean` what was found is, in the group where that is most."""
    if any(array.dtype != clean[group][name].dtype for group in found for name, array in found[group].items()):
        return inf
    floor = FLOOR * float(np.finfo(dtype).eps)
    return max(distance(truth[group], found[group]) / (distance(truth[group], clean[group]) + floor) for group in truth)


def receives(backend: str, start: Start, dtype: str) -> bool:
    """Whether a backend says that it is what was asked for, and gives back bit for bit what it was given."""
    trainer, (state, train, _) = trainer_of(backend, start, dtype), start.cast(dtype)
    trainer.set_state(state)
    asked = {"device": "cpu", "dtype": dtype}
    as_asked = asked.items() <= trainer.describe().items() and trainer.config == start.config
    data, order = trainer.read_back(train, start.order)
    given = state.named() | start.order.named() | vars(train)
    back = trainer.get_state().named() | order.named() | vars(data)
    return as_asked and given.keys() == back.keys() and all(identical(given[name], back[name]) for name in given)


def computed(backend: str, start: Start, dtype: str, replicas: int = 1) -> Groups:
    """What the verbs of the contract give, by group; the oracle computes in float64 from the same rounded numbers.

    Of `fit_many` with `replicas`, the last one, for a quarter of the run.
    """
    trainer = trainer_of(backend, start, "float64" if backend == "numpy" else dtype)
    state, train, held_out = start.cast(dtype)
    order, first = start.order, start.order.batch(train, 0)
    trainer.set_state(state)
    predictions = {
        "evaluation": trainer.predict(train.inputs),
        "training": trainer.predict(first.inputs, training=True, masks=first.masks),
    }
    loss, gradients = trainer.loss_and_grads(first)
    stepped: dict[str, Any] = {}
    for step in range(min(FIRST_STEPS, order.steps)):
        stepped[f"loss {step}"] = np.array(trainer.step(order.batch(train, step)))
        stepped |= {f"{name} {step}": array for name, array in trainer.get_state().named().items()}
    trainer.set_state(state)
    steps = range(order.steps + 1)
    watched = {"evaluate": held_out.inputs, "evaluate_at": steps, "checkpoints_at": steps}
    history = trainer.fit(train, order, **watched)
    states = [replace(state, parameters=_scaled(state.parameters, 0.99**r)) for r in range(1, replicas + 1)]
    *_, other = trainer.fit_many(states, train, order.part(0, order.steps // 4))
    return {
        "predictions": predictions,
        "loss": {"loss": np.array(loss)},
        "gradients": gradients,
        **{f"steps, {name}": {name: array} for name, array in stepped.items()},
        "losses": {"losses": history.losses},
        "learning curve": {"predictions": history.predictions},
        "checkpoints": history.parameters,
        "buffers": history.buffers,
        "end": history.final.named() | {"step": np.array(history.final.step)},
        "another replica": other.final.named() | {"losses": other.losses},
    }


def trainer_of(backend: str, start: Start, dtype: str) -> Any:
    """A trainer on the CPU in the backend's first mode."""
    of_name = registry.load(backend)
    return of_name.trainer(start.config, device="cpu", mode=of_name.modes[0], dtype=dtype)


def _scaled(arrays: Arrays, factor: float) -> Arrays:
    return {name: (factor * array).astype(array.dtype) for name, array in arrays.items()}


def distance(truth: Arrays, found: Arrays) -> float:
    """The largest |found - truth| over the largest |truth| of a group; infinite where names, shapes or finiteness differ."""
    if truth.keys() != found.keys() or any(truth[name].shape != found[name].shape for name in truth):
        return inf
    scale, largest = 0.0, 0.0
    for name, array in truth.items():
        expected, got = array.astype(np.float64), found[name].astype(np.float64)
        if not np.array_equal(np.isfinite(expected), np.isfinite(got)):
            return inf
        finite = np.isfinite(expected)
        scale = max(scale, np.abs(expected[finite]).max(initial=0.0))
        largest = max(largest, np.abs((got - expected)[finite]).max(initial=0.0))
    return float(largest / scale) if scale else (inf if largest else 0.0)


def identical(given: Any, back: Any) -> bool:
    """The same dtype, shape and bytes."""
    return given.dtype == back.dtype and given.shape == back.shape and given.tobytes() == back.tobytes()
