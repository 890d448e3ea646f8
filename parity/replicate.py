"""Many runs of one trainer: together where its backend can, one after the other where it can't."""

from collections.abc import Callable, Sequence
from typing import Any

from parity.contract import BatchOrder, Data, History, State, Trainer


def fit_many(
    trainer: Trainer,
    states: Sequence[State],
    data: Data | Sequence[Data],
    order: BatchOrder | Sequence[BatchOrder],
    *,
    progress: Callable[[int], None] | None = None,
    **watched: Any,
) -> tuple[Sequence[History], str]:
    """The histories of `Trainer.fit_many`, and a sentence where the backend has none and `fit` ran for each state instead.

    Data and order are shared or one for each state; `watched` is what `fit` takes beside them. `progress` counts the steps of
    all runs. The trainer's own state stays as it was.
    """
    together = getattr(trainer, "fit_many", None)
    if together is not None:
        try:
            return together(states, data, order, progress=progress, **watched), ""
        except NotImplementedError:
            pass
    histories = _one_after_the_other(trainer, states, data, order, progress, watched)
    return histories, "without fit_many, its runs were trained one after the other"


def _one_after_the_other(
    trainer: Trainer,
    states: Sequence[State],
    data: Data | Sequence[Data],
    order: BatchOrder | Sequence[BatchOrder],
    progress: Callable[[int], None] | None,
    watched: dict[str, Any],
) -> list[History]:
    every_data = [data] * len(states) if isinstance(data, Data) else data
    every_order = [order] * len(states) if isinstance(order, BatchOrder) else order
    before = trainer.get_state()
    histories: list[History] = []

    def told(steps: int) -> None:
        if progress is not None:
            progress(sum(len(history.losses) for history in histories) + steps)

    try:
        for state, its_data, its_order in zip(states, every_data, every_order, strict=True):
            trainer.set_state(state)
            histories.append(trainer.fit(its_data, its_order, progress=told, **watched))
    finally:
        trainer.set_state(before)
    return histories
