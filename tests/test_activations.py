"""What rounding of an activation and its slope makes of gradients: no less than it does, and of others next to nothing."""

from dataclasses import replace

import climbing
import numpy as np
import pytest
from climbing import by, climb, subject

import parity
from benchmarks.faults.healthy import backends, candidates_of, start_of, subject_of
from parity.contender import Contender
from parity.contract import MLP, Data, RegularizedMLP
from parity.ladder.activations import of_activations, of_outputs
from parity.ladder.parting import envelope_at_start
from parity.ladder.rungs import ENVELOPED
from parity.start import draw

UNIT = float(np.finfo("float64").eps)
ALL_LAYERS = {f"layers.{layer}.{part}" for layer in (0, 1) for part in ("kernel", "bias")}


def experiment(activation, model=MLP):
    return parity.recipe("polar", rows=20, epochs=2, batch_size=16, model=model((4, 3), activation))


def far_out(asked, shift):
    """A start whose rows are all the same, and whose hidden units are that far from 0."""
    start = draw(asked)
    inputs, targets = (np.repeat(array[:1], len(array), axis=0) for array in (start.train.inputs, start.train.targets))
    parameters = {
        name: array + shift if name in ("layers.0.bias", "layers.1.bias") else array
        for name, array in start.state.parameters.items()
    }
    return replace(start, state=replace(start.state, parameters=parameters), train=Data(inputs, targets))


def gradients(start, monkeypatch, value=0.0, slope=0.0):
    """The oracle's, with every activation and every slope that much larger."""
    from numpy_impl import activations, model

    name = start.config.model.activation
    original = activations.ACTIVATIONS[name]

    def inexact(x):
        y, dy = original(x)
        return y + value, dy + slope

    monkeypatch.setitem(model.ACTIVATIONS, name, inexact)
    mine = subject(start.experiment, "numpy", start=start)
    found = mine.first.gradients, mine.first.predictions
    monkeypatch.setitem(model.ACTIVATIONS, name, original)
    return found


def largest_by_tensor(start, right):
    found = {name: np.zeros(gradient.shape) for name, gradient in right.items()}
    for name, error in of_activations(start.config, start.state.parameters, right, "float64"):
        found[name] = np.maximum(found[name], error)
    return found


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "silu", "elu", "gelu"])
@pytest.mark.parametrize("shift", [-6.0, 0.0, 6.0])
def test_what_a_slope_is_off_by_is_bounded_in_every_layer_in_front_of_it(activation, shift, monkeypatch):
    start = far_out(experiment(activation), shift)
    off = 1e-9
    right, _ = gradients(start, monkeypatch)
    wrong, _ = gradients(start, monkeypatch, slope=off)
    bound = largest_by_tensor(start, right)
    for name in ALL_LAYERS:
        found = np.abs(wrong[name] - right[name])
        # Of both layers at once the product of two errors is left over, and the wrong sums are rounded themselves.
        assert found.max() <= 1.01 * off / UNIT * bound[name].max() + 1e-15, name


def test_a_slope_that_is_chosen_and_not_computed_has_no_error(monkeypatch):
    for activation in ("relu", "leaky_relu", "identity"):
        start = far_out(experiment(activation), 0.0)
        right, _ = gradients(start, monkeypatch)
        assert not list(of_activations(start.config, start.state.parameters, right, "float64"))


def test_behind_a_normalisation_only_the_last_layer_can_be_told(monkeypatch):
    start = draw(experiment("gelu", RegularizedMLP))
    right, _ = gradients(start, monkeypatch)
    names = {name for name, _ in of_activations(start.config, start.state.parameters, right, "float64")}
    assert names == {"layers.2.kernel"}


@pytest.mark.parametrize(("activation", "units"), [("gelu", 5.0), ("gelu_tanh", 5.0), ("tanh", 0.0)])
def test_a_gelu_far_below_zero_is_off_in_its_output_too(activation, units, monkeypatch):
    start = far_out(experiment(activation), -6.0)
    off = 1e-9
    _, right = gradients(start, monkeypatch)
    _, wrong = gradients(start, monkeypatch, value=off)
    found = np.abs(wrong["predictions"] - right["predictions"]).max(axis=0)
    bound = of_outputs(start.config, start.state.parameters, "float64")
    assert (bound == 0).all() if units == 0 else (found <= off / UNIT * bound).all()


@pytest.mark.parametrize(("seed", "dtype"), [(1101, "float64"), (8_000_078, "float32")])
def test_saturated_units_of_healthy_runs_raise_no_alarm(seed, dtype):
    """Random correct experiments in which nothing but this explains what the rung `step` finds."""
    with backends():
        start = start_of(seed)
        reference = subject_of(Contender("torch", "cpu", "eager", dtype), start, by(2.0, replicas=16))
        for contender in candidates_of(dtype, seed):
            envelope = envelope_at_start(reference, subject_of(contender, start, by(2.0, replicas=16)))
            assert ENVELOPED["step"](envelope).passed, contender


def test_a_gradient_that_is_wrong_is_not_excused_by_a_saturated_unit():
    start = far_out(experiment("tanh"), 6.0)
    fault = climbing.in_gradient(None, lambda found: climbing.times(found, "layers.0.kernel", 1.001))
    candidate = climbing.wrong(start.experiment, fault, start=start)
    assert climb(subject(start.experiment, start=start), candidate).verdict == "different"
