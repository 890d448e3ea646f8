"""One forward pass, one gradient, one step."""

from dataclasses import replace

import numpy as np

from parity.conformance.case import OUTPUTS, ROWS, Case, same_state
from parity.contract import (
    RegularizedMLP,
)


def predicts(case: Case) -> None:
    """Predictions are (N, K) in the dtype, each row's own, and change no state."""
    trainer = case.trainer()
    inputs = case.data.inputs
    found = trainer.predict(inputs)
    assert found.shape == (ROWS, OUTPUTS), f"predictions have shape {found.shape}; expected {(ROWS, OUTPUTS)}"
    assert found.dtype == case.dtype, f"predictions are {found.dtype}; expected {case.dtype}"
    case.close({"predictions": found[::-1]}, {"predictions": trainer.predict(inputs[::-1].copy())}, "rows reversed")
    same_state(case.state, trainer.get_state(), "the state behind predict")


def tells_training_from_evaluation(case: Case) -> None:
    """Training mode uses the batch's statistics and the masks, evaluation mode does not; neither changes the state."""
    trainer = case.trainer()
    training = trainer.predict(case.batch.inputs, training=True, masks=case.batch.masks)
    evaluation = trainer.predict(case.batch.inputs)
    differs = not np.allclose(training, evaluation)
    depends = isinstance(case.model, RegularizedMLP)
    assert differs == depends, f"training and evaluation mode {'differ' if differs else 'agree'}"
    if depends:
        none_dropped = {name: np.ones_like(mask) for name, mask in case.batch.masks.items()}
        undropped = trainer.predict(case.batch.inputs, training=True, masks=none_dropped)
        assert not np.allclose(training, undropped), "predictions in training mode do not depend on the masks"
    trainer.loss_and_grads(case.batch)
    same_state(case.state, trainer.get_state(), "the state behind predict and loss_and_grads in training mode")


def differentiates(case: Case) -> None:
    """Gradients are those of the loss: central differences along random directions, in either mode."""
    if case.dtype != "float64":
        return
    trainer = case.trainer()
    random = np.random.default_rng(4)
    for training in (True, False):
        _, gradients = trainer.loss_and_grads(case.batch, training=training)
        for name, gradient in gradients.items():
            direction = random.standard_normal(gradient.shape)
            losses = []
            for sign in (1, -1):
                moved = {**case.state.parameters, name: case.state.parameters[name] + sign * 1e-5 * direction}
                trainer.set_state(replace(case.state, parameters=moved))
                losses.append(trainer.loss_and_grads(case.batch, training=training)[0])
            expected, found = (losses[0] - losses[1]) / 2e-5, float((gradient * direction).sum())
            # Central differences leave the third derivative times h^2 and the rounding of the loss over h.
            assert abs(expected - found) < 1e-7, f"gradient of {name}: {found}; differences of the loss say {expected}"
            trainer.set_state(case.state)


def steps(case: Case) -> None:
    """A step returns the loss before it, counts, and moves every parameter, buffer and slot."""
    trainer = case.trainer()
    loss, _ = trainer.loss_and_grads(case.batch)
    case.close({"loss": np.array(loss)}, {"loss": np.array(trainer.step(case.batch))}, "loss of a step")
    before, after = case.state, trainer.get_state()
    assert after.step == 1, f"the count behind one step is {after.step}"
    for name, array in before.named().items():
        assert not np.array_equal(array, after.named()[name]), f"{name} did not move in a step"
