"""Does a change of a backend change what is computed? The float64 oracle says.

What a backend computes is a set of groups of tensors, each tensor with a scale of its own. Its distance from the oracle is held
against that of the unchanged twin, which is rounding: where no tensor is `ROUNDING` times further away, nothing has changed.
"""

from collections.abc import Mapping
from dataclasses import replace
from math import inf
from typing import Any

import numpy as np

from benchmarks.faults.copies import oracle
from parity import registry
from parity.conforming import Conforming
from parity.contract import Arrays
from parity.experiment import Experiment
from parity.start import Start, draw

FIRST_STEPS = 5
ROUNDING = 10.0
"""Two correct programs may differ in their rounding, by more than the unchanged twin and the oracle do."""
FLOOR = 16.0
"""In eps of the scale: a distance that every program may have, also where twin and oracle agree to the last bit."""

SMALLEST = float(np.finfo(np.float64).tiny)

Groups = Mapping[str, Arrays]


def effect(backend: str, clean: str, experiment: Experiment, dtype: str) -> float:
    """How many times further from the oracle than `clean` a backend is, in the tensor where that is most."""
    start = draw(experiment)
    if not receives(backend, start, dtype):
        return inf
    found = computed(backend, start, dtype)
    with oracle():
        truth = computed("numpy", start, dtype)
    return further(found, computed(clean, start, dtype), truth, dtype)


def further(found: Groups, clean: Groups, truth: Groups, dtype: str) -> float:
    """How many times further from the truth than `clean` what was found is, in the tensor where that is most.

    The scale of a tensor is its largest element. Where twin and oracle share less than half of its digits, the tensor is
    hardly more than rounding, as the gradient of a bias in front of a normalization is, and its scale is that of its group.
    """
    if any(not alike(clean[group], found[group]) for group in truth):
        return inf
    eps, most = float(np.finfo(dtype).eps), 0.0
    for group, tensors in truth.items():
        largest = max(map(size, tensors.values()), default=0.0)
        for name, tensor in tensors.items():
            missed, own = distance(tensor, clean[group][name]), size(tensor)
            floor = FLOOR * eps * (own if missed < eps**0.5 * own else largest)
            most = max(most, distance(tensor, found[group][name]) / max(missed + floor, SMALLEST))
    return most


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

    Of `fit_many` with `replicas`, the last one, for a quarter of the run from behind the first steps on.
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
        stepped[f"loss of step {step}"] = {"loss": np.array(trainer.step(order.batch(train, step)))}
        stepped[f"step {step}"] = trainer.get_state().named()
    behind = trainer.get_state()
    trainer.set_state(state)
    steps = range(order.steps + 1)
    watched = {"evaluate": held_out.inputs, "evaluate_at": steps, "checkpoints_at": steps}
    history = trainer.fit(train, order, **watched)
    states = [replace(behind, parameters=_scaled(behind.parameters, 0.99**r)) for r in range(1, replicas + 1)]
    *_, other = trainer.fit_many(states, train, order.part(behind.step, behind.step + order.steps // 4))
    return {
        "predictions": predictions,
        "loss": {"loss": np.array(loss)},
        "gradients": gradients,
        **stepped,
        "losses": {"losses": history.losses},
        "learning curve": {"predictions": history.predictions},
        "checkpoints": history.parameters,
        "buffers": history.buffers,
        "end": history.final.named(),
        "count of steps": {"step": np.array(history.final.step)},
        "another replica": other.final.named(),
        "count of steps of another replica": {"step": np.array(other.final.step)},
        "losses of another replica": {"losses": other.losses},
    }


def trainer_of(backend: str, start: Start, dtype: str) -> Any:
    """A trainer on the CPU in the backend's first mode."""
    of_name = registry.load(backend)
    return Conforming(of_name.trainer(start.config, device="cpu", mode=of_name.modes[0], dtype=dtype), backend)


def _scaled(arrays: Arrays, factor: float) -> Arrays:
    return {name: (factor * array).astype(array.dtype) for name, array in arrays.items()}


def alike(clean: Arrays, found: Arrays) -> bool:
    """Whether names, shapes and dtypes are those of the twin, and the same elements finite."""
    return clean.keys() == found.keys() and all(
        (found[name].dtype, found[name].shape) == (tensor.dtype, tensor.shape)
        and np.array_equal(np.isfinite(tensor), np.isfinite(found[name]))
        for name, tensor in clean.items()
    )


def size(tensor: Any) -> float:
    """The largest finite |element|."""
    return float(np.abs(tensor.astype(np.float64)[np.isfinite(tensor)]).max(initial=0.0))


def distance(truth: Any, found: Any) -> float:
    """The largest |found - truth|, where both are finite."""
    finite = np.isfinite(truth) & np.isfinite(found)
    return float(np.abs(found.astype(np.float64)[finite] - truth.astype(np.float64)[finite]).max(initial=0.0))


def identical(given: Any, back: Any) -> bool:
    """The same dtype, shape and bytes."""
    return given.dtype == back.dtype and given.shape == back.shape and given.tobytes() == back.tobytes()
