"""What a backend answers in another form is refused, with the verb, what it gave and what was expected."""

from dataclasses import replace

import numpy as np
import pytest

import parity
from parity import registry
from parity.conforming import Conforming
from parity.contract import MLP, InputError
from parity.replicate import fit_many
from parity.start import draw

START = draw(parity.recipe("polar", rows=40, epochs=3, batch_size=8, model=MLP((3,), "tanh")))
STATE, DATA, HELD_OUT = START.cast("float64")
WATCHED = {"evaluate": HELD_OUT.inputs, "evaluate_at": (0, 2), "checkpoints_at": (1,)}


def made():
    backend = registry.load("numpy")
    trainer = backend.trainer(START.config, device="cpu", mode=backend.modes[0], dtype="float64")
    trainer.set_state(STATE)
    return trainer


def answering(verb, changed):
    """A trainer whose verb gives what `changed` makes of its answer."""
    trainer = made()
    answer = getattr(trainer, verb)
    setattr(trainer, verb, lambda *args, **named: changed(answer(*args, **named)))
    return Conforming(trainer, "mine:cpu:loop:float64")


CALLS = {
    "describe": lambda trainer: trainer.describe(),
    "read_back": lambda trainer: trainer.read_back(DATA, START.order),
    "get_state": lambda trainer: trainer.get_state(),
    "predict": lambda trainer: trainer.predict(DATA.inputs),
    "loss_and_grads": lambda trainer: trainer.loss_and_grads(START.order.batch(DATA, 0)),
    "step": lambda trainer: trainer.step(START.order.batch(DATA, 0)),
    "fit": lambda trainer: trainer.fit(DATA, START.order, **WATCHED),
    "fit_many": lambda trainer: trainer.fit_many([STATE] * 2, DATA, START.order, **WATCHED),
}


@pytest.mark.parametrize("verb", CALLS)
def test_an_answer_of_the_contracts_form_goes_through(verb):
    answer = CALLS[verb](Conforming(made(), "mine"))
    assert type(answer) is type(CALLS[verb](made()))


@pytest.mark.parametrize(
    ("verb", "changed", "told"),
    [
        (
            "describe",
            lambda answer: None,
            "describe of mine:cpu:loop:float64 gave an answer as NoneType; expected Mapping",
        ),
        ("read_back", lambda answer: answer[::-1], "gave the first as BatchOrder; expected Data"),
        ("read_back", lambda answer: answer[0], "gave an answer as Data; expected a tuple of two"),
        ("get_state", lambda state: state.parameters, "gave a state as dict; expected State"),
        ("get_state", lambda state: replace(state, buffers=None), "gave buffers as NoneType; expected Mapping"),
        ("get_state", lambda state: replace(state, step="3"), "gave a count of steps as str; expected int"),
        ("predict", lambda predictions: predictions.tolist(), "gave predictions as list; expected ndarray"),
        ("loss_and_grads", lambda answer: (answer[1], answer[0]), "gave a loss as dict; expected float"),
        (
            "loss_and_grads",
            lambda answer: (answer[0], {"layers.0.bias": 1.0}),
            "layers.0.bias as float; expected ndarray",
        ),
        ("step", lambda loss: np.array([loss, loss]), "step of mine:cpu:loop:float64 gave a loss as ndarray"),
        ("fit", lambda history: None, "gave an answer as NoneType; expected History"),
        (
            "fit",
            lambda history: replace(history, losses=history.losses[1:]),
            r"losses of shape \(11,\); expected \(12,\)",
        ),
        (
            "fit",
            lambda history: replace(history, predictions=history.predictions[:1]),
            r"predictions of shape \(1, 6, 2\)",
        ),
        (
            "fit",
            lambda history: replace(history, parameters=history.buffers, buffers=history.parameters),
            r"layers.0.bias of shape None; expected \(1, 3\)",
        ),
        ("fit_many", lambda histories: histories[:1], "gave 1 histories; expected 2"),
        ("fit_many", iter, "gave an answer as list_iterator; expected Sequence"),
    ],
)
def test_another_form_is_refused(verb, changed, told):
    with pytest.raises(InputError, match=told) as refused:
        CALLS[verb](answering(verb, changed))
    assert "python -m parity.conformance mine" in str(refused.value)


def test_a_trainer_without_fit_many_is_trained_one_run_after_the_other():
    class Alone:
        config = START.config

        def __init__(self):
            self.get_state, self.set_state, self.fit = (
                getattr(trainer, name) for name in ("get_state", "set_state", "fit")
            )

    trainer = made()
    histories, note = fit_many(Conforming(Alone(), "mine"), [STATE], DATA, START.order)
    assert len(histories) == 1
    assert "one after the other" in note
