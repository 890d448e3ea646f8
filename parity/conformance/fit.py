"""Whole runs: that they are their steps, what they record, and many at once."""

from dataclasses import replace
from typing import Any

import numpy as np

from parity.conformance.case import OUTPUTS, ROWS, STEPS, Case, checkpoint, same, same_state, summary
from parity.contract import BatchOrder, Data, InputError, State


def fits_as_it_steps(case: Case) -> None:
    """`fit` over a batch order does what `step` does over its batches."""
    stepping, fitting = case.trainer(), case.trainer()
    losses = [stepping.step(case.order.batch(case.data, i)) for i in range(STEPS)]
    history = fitting.fit(case.data, case.order)
    case.close({"losses": np.array(losses)}, {"losses": history.losses.astype(np.float64)}, "losses of fit")
    case.close(stepping.get_state().named(), fitting.get_state().named(), "state behind fit")


def fits_the_full_batch(case: Case) -> None:
    """Without row numbers each step sees all rows in their own order."""
    masks = {name: np.ones((STEPS, ROWS, width), bool) for name, width in case.model.masks().items()}
    everything = np.tile(np.arange(ROWS, dtype=np.int32), (STEPS, 1))
    histories = [case.trainer().fit(case.data, BatchOrder(STEPS, rows, masks)) for rows in (None, everything)]
    case.close(histories[1].final.named(), histories[0].final.named(), "state behind full batches")


def continues(case: Case) -> None:
    """Two fits in a row are one fit: rate and bias corrections follow the count of steps, and so it is from a kept state."""
    whole, parts = case.trainer(), case.trainer()
    expected = whole.fit(case.data, case.order)
    first = parts.fit(case.data, case.order.part(0, 3))
    parts.set_state(first.final)
    second = parts.fit(case.data, case.order.part(3, STEPS))
    assert second.final.step == STEPS, f"the count behind {STEPS} steps is {second.final.step}"
    case.close(expected.final.named(), second.final.named(), "state behind two fits")


def records(case: Case) -> None:
    """A history has losses, predictions and checkpoints where they were asked for, the first and last step included."""
    trainer = case.trainer()
    done: list[int] = []
    at: dict[str, Any] = {"evaluate_at": (0, 2, STEPS), "checkpoints_at": (0, 1, 5, STEPS)}
    inputs = case.data.inputs[:5]
    history = trainer.fit(case.data, case.order, evaluate=inputs, progress=done.append, **at)
    shapes = {"losses": (STEPS,), "predictions": (3, 5, OUTPUTS)}
    for name, expected in shapes.items():
        array = getattr(history, name)
        assert array.shape == expected, f"history.{name} has shape {array.shape}; expected {expected}"
        assert array.dtype == case.dtype, f"history.{name} is {array.dtype}; expected {case.dtype}"
    assert done, "progress was never called"
    assert done == sorted(done), f"progress went backwards: {done}"
    assert done[-1] == STEPS, f"progress ended at {done[-1]}; expected {STEPS}"
    same_state(trainer.get_state(), history.final, "history.final")
    same(case.state.parameters, checkpoint(history, 0), "parameters at step 0")
    same(trainer.get_state().parameters, checkpoint(history, -1), "parameters at the last step")
    case.close({"last": trainer.predict(inputs)}, {"last": history.predictions[-1]}, "predictions at the last step")
    early = case.trainer()
    early.fit(case.data, case.order.part(0, 1))
    case.close(
        early.get_state().named(), {**early.get_state().named(), **checkpoint(history, 1)}, "parameters at step 1"
    )


def records_nothing_unasked(case: Case) -> None:
    """Where nothing is to be seen the arrays have no rows, but their names, shapes and dtype."""
    history = case.trainer().fit(case.data, case.order)
    assert history.predictions.shape[0] == 0, f"predictions have shape {history.predictions.shape}; expected no rows"
    assert history.predictions.dtype == case.dtype, f"predictions are {history.predictions.dtype}"
    for name, array in case.state.parameters.items():
        kept = history.parameters.get(name)
        assert kept is not None, f"history.parameters has no {name}"
        assert kept.shape == (0, *array.shape), f"{name} has shape {kept.shape}; expected {(0, *array.shape)}"


def refuses_steps_outside_the_run(case: Case) -> None:
    """A step behind the end, or steps that do not rise, raise InputError before any training."""
    for at in ((0, STEPS + 1), (2, 1), (-1,)):
        trainer = case.trainer()
        try:
            trainer.fit(case.data, case.order, checkpoints_at=at)
        except InputError:
            same_state(case.state, trainer.get_state(), "the state behind a refused fit")
            continue
        raise AssertionError(f"fit took checkpoints_at={at} in a run of {STEPS} steps; expected InputError")


def repeats(case: Case) -> None:
    """The same run twice is the same, bit for bit."""
    one, other = (case.trainer().fit(case.data, case.order) for _ in range(2))
    same({"losses": one.losses}, {"losses": other.losses}, "losses of a second run")
    same_state(one.final, other.final, "the state of a second run")


def fits_many(case: Case) -> None:
    """`fit_many` does what `fit` does from each state, with shared or own data and order, and leaves its own state."""
    before = 3
    begun = case.trainer().fit(case.data, case.order.part(0, before)).final
    own = [case.data, Data(case.data.inputs[::-1].copy(), case.data.targets)]
    orders = [
        case.order,
        replace(case.order, rows=case.order.rows[::-1].copy() if case.order.rows is not None else None),
    ]
    for first, data, order, steps in (
        (case.state, case.data, case.order, STEPS),
        (case.state, own, case.order, STEPS),
        (case.state, own, orders, STEPS),
        (begun, case.data, case.order.part(before, STEPS), STEPS - before),
    ):
        trainer, states = case.trainer(), _opposite(first)
        at: dict[str, Any] = {"evaluate": case.data.inputs[:4], "evaluate_at": (0, steps), "checkpoints_at": (2,)}
        done: list[int] = []
        together = trainer.fit_many(states, data, order, progress=done.append, **at)
        assert done[-1:] == [len(states) * steps], f"progress ended at {done[-1:]}; expected {len(states) * steps}"
        same_state(case.state, trainer.get_state(), "the trainer's own state behind fit_many")
        for r, history in enumerate(together):
            alone = case.trainer()
            alone.set_state(states[r])
            mine = data if isinstance(data, Data) else data[r]
            expected = alone.fit(mine, order if isinstance(order, BatchOrder) else order[r], **at)
            case.close(summary(expected), summary(history), f"replica {r} of fit_many")
            count, behind = history.final.step, first.step + steps
            assert count == behind, f"the count of steps of replica {r} of fit_many is {count}; expected {behind}"


def _opposite(state: State) -> list[State]:
    """A state, and that with the parameters' signs changed."""
    return [state, replace(state, parameters={name: -array for name, array in state.parameters.items()})]
