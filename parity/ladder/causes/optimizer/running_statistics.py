"""The running statistics of a norm: their momentum, which variance they take, and whether they move."""

import numpy as np

from parity.contract import Arrays
from parity.ladder.causes.hypothesis import Floats, Suspected
from parity.ladder.causes.optimizer.steps import Edit, Steps, unmoved
from parity.ladder.causes.transitions import Transition

ALIGN_VARIANCE = (
    "the unbiased variance in the running one, n/(n-1) times the biased (PyTorch; nnx.BatchNorm keeps the biased)"
)
ALIGN_FROZEN = "keep the buffers that the step returns: jax.jit on an nnx module drops them, nnx.jit keeps them"


def running_statistics(steps: Steps) -> Suspected:
    """All about them, where the model has some."""
    momentum = getattr(steps.config.model, "momentum", None)
    if momentum is None:
        return
    yield from _momenta(steps, momentum)
    yield from _variances(steps, momentum)
    yield from _unmoved(steps)


def _momenta(steps: Steps, momentum: float) -> Suspected:
    def moved(value: float) -> Edit:
        return lambda seen: {
            name: (1 - value) * before + value * _of_batch(seen, name, momentum)
            for name, before in seen.before.buffers.items()
        }

    others = (1 - momentum, 0.1, 0.01, 0.9, 0.99, 1.0, 1 - (1 - momentum) ** 2)
    yield steps.family_by_edit(
        "norm.momentum",
        lambda value: f"consistent with a momentum of {value} instead of {momentum:g}",
        f"momentum={momentum:g} is the batch's weight in torch.nn.BatchNorm1d; nnx.BatchNorm takes one minus it, "
        "0.99 by default",
        moved,
        momentum,
        tuple(value for value in others if value),
    )


def _variances(steps: Steps, momentum: float) -> Suspected:
    rows = steps.scene.suspect.start.experiment.batch_rows

    def taking(factor: float) -> Edit:
        return lambda seen: {
            name: (1 - momentum) * before + momentum * factor * _of_batch(seen, name, momentum)
            for name, before in _running_variances(seen).items()
        }

    def deviations(seen: Transition) -> Arrays:
        return {
            name: (1 - momentum) * before + momentum * np.sqrt(np.abs(_of_batch(seen, name, momentum)))
            for name, before in _running_variances(seen).items()
        }

    for what, edit in (
        ("the biased variance of the batch", taking((rows - 1) / rows)),
        ("the unbiased variance twice over", taking(rows / (rows - 1))),
        ("the deviation of the batch", deviations),
    ):
        yield steps.by_edit("norm.variance", f"the running variance takes {what}", ALIGN_VARIANCE, edit)


def _unmoved(steps: Steps) -> Suspected:
    names = list(steps.first.before.buffers)
    kinds = [kind for kind in ("mean", "var") if any(name.endswith(kind) for name in names)]
    for chosen, what in (
        (kinds, "the running statistics do"),
        (["mean"], "the running mean does"),
        (["var"], "the running variance does"),
    ):
        kept = [name for name in names if name.rsplit(".", 1)[1] in chosen]
        yield steps.by_edit("norm.frozen", f"{what} not move", ALIGN_FROZEN, unmoved(kept))


def _running_variances(seen: Transition) -> Arrays:
    return {name: array for name, array in seen.before.buffers.items() if name.endswith("var")}


def _of_batch(seen: Transition, name: str, momentum: float) -> Floats:
    """The batch's own statistic, from what the healthy side made of it."""
    found: Floats = (seen.healthy[name] - (1 - momentum) * seen.before.buffers[name]) / momentum
    return found
