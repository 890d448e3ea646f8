"""Climbs of chosen subjects, so that a fault can be put into one of them, at one step of its run."""

from dataclasses import replace
from functools import cache

from parity import registry
from parity.conforming import Conforming
from parity.contender import Contender
from parity.ladder import Calibration, Climb, Subject, Voices, calibrated
from parity.progress import Silent
from parity.start import draw

drawn = cache(draw)


def subject(
    experiment, name="torch", dtype="float64", *, backend=None, mode=None, plant=None, calibration=None, start=None
):
    """A backend under a name of its own; `plant(trainer)` puts a fault into its trainer."""
    found = registry.load(backend or name)
    start, mode = start or drawn(experiment), mode or found.modes[0]
    trainer = found.trainer(start.config, device="cpu", mode=mode, dtype=dtype)
    if plant is not None:
        plant(trainer)
        trainer.fit_many = one_after_the_other(trainer)
    contender = Contender(name, "cpu", mode, dtype)
    return Subject(
        contender,
        found,
        Conforming(trainer, str(contender)),
        start,
        Silent(),
        calibration or calibrated(experiment.replicas, None),
    )


def by(factor, replicas=4):
    """A calibration of that factor."""
    return Calibration(replicas, factor, 1, factor, 1, 1, 1, "cpu", 0.5)


def wrong(experiment, plant, dtype="float64", *, name="wrong", **of_subject):
    """The oracle with a fault, in the place of a backend `wrong`."""
    return subject(experiment, name, dtype, backend="numpy", plant=plant, **of_subject)


def climb(reference, candidate, *truths):
    """The pair, with these subjects as further voices."""
    voices = {truth.contender.backend: truth for truth in truths}
    return Climb(reference, candidate, Voices(tuple(voices), voices.get)).pair()


def broken_at(pair):
    """The names of the rungs that broke."""
    return [rung.name for rung in pair.rungs if not rung.passed]


def one_after_the_other(trainer):
    """`fit_many` of a spoiled trainer: the oracle's makes fresh trainers, which would be healthy."""

    def fit_many(states, data, order, *, progress=None, **watched):
        before, histories = trainer.get_state(), []
        for one_state, one_data, one_order in zip(states, data, order, strict=True):
            trainer.set_state(one_state)
            histories.append(trainer.fit(one_data, one_order, **watched))
        trainer.set_state(before)
        return histories

    return fit_many


def behind_step(at, change):
    """A fault in a step: its state goes through `change`; `at` is the step, counted from 1, or None for every one."""

    def plant(trainer):
        step = trainer.step

        def faulty(batch):
            loss = step(batch)
            state = trainer.get_state()
            if at in (None, state.step):
                trainer.set_state(change(state))
            return loss

        trainer.step = faulty

    return plant


def in_gradient(at, change):
    """A fault in the gradients of one step, or of every one."""

    def plant(trainer):
        differentiate = trainer._differentiate

        def faulty(batch, *, training):
            loss, gradients, buffers = differentiate(batch, training=training)
            if at in (None, trainer.get_state().step + 1):
                gradients = change(gradients)
            return loss, gradients, buffers

        trainer._differentiate = faulty

    return plant


def in_fit(change_order=None, change_history=None):
    """A fault in the run alone: what feeds its steps, or what it reports."""

    def plant(trainer):
        fit = trainer.fit

        def faulty(data, order, **watched):
            history = fit(data, change_order(order) if change_order else order, **watched)
            return change_history(history, watched) if change_history else history

        trainer.fit = faulty

    return plant


def scaled(tensor, factor, slot=None):
    """A change of a state: one tensor, or one of a slot, times a factor."""

    def change(state):
        if slot is None:
            return replace(state, parameters=times(state.parameters, tensor, factor))
        return replace(state, optimizer={**state.optimizer, slot: times(state.optimizer[slot], tensor, factor)})

    return change


def times(arrays, tensor, factor):
    """Arrays of which one is multiplied."""
    return {**arrays, tensor: (arrays[tensor] * factor).astype(arrays[tensor].dtype)}
