"""The changes that are tried, one at a time and then together; the first of them are what people try by themselves."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from parity.contract import Adam, Constant, Exponential, Loss
from parity.contract.losses import Reduction
from parity.diagnose.setup import Setup, with_rate


@dataclass(frozen=True, eq=False)
class Change:
    """One thing done otherwise."""

    name: str
    """As a person says it."""
    code: str
    """The finding that it speaks for; empty where it is only told."""
    apply: Callable[[Setup], Setup]
    size: float = 1.0
    """How many times something was changed, for a rate or a number of epochs."""

    @property
    def far(self) -> bool:
        """So much of it that it is tried only where less helped."""
        return max(self.size, 1 / self.size) >= FAR


RATES = (10.0, 100.0, 1000.0, 10_000.0)
FAR = 1000.0  # A factor of the rate from which it is tried only where a smaller one of the same direction helped.
EPOCHS = 10
WIDER = 4
FAR_WIDER = 16
NO_FALL = "the rate kept as it began"
GONE = 0.01  # Of a rate, at half of the steps.
NARROW = 16  # Units of the widest layer up to which that is tried.


# Tried while a fault is still there, because people do.
TRIED_BY_PEOPLE = frozenset(
    f"{EPOCHS} times the epochs;{WIDER} times as wide;one more layer;one hidden layer;tanh;relu;Adam;"
    "rate x 10;rate x 100;rate / 10;rate / 100".split(";")
)


def changes(setup: Setup, hidden: tuple[int, ...], activation: str | None, output: str | None) -> Iterator[Change]:
    """All that can be tried on this setup, whose network has these hidden layers, their activation and that of the output."""
    yield from _of_length()
    yield from _of_layers(hidden, activation)
    if output is not None:
        yield Change("no activation behind the last layer", "output-range", lambda s: replace(s, bare_output=True))
    yield Change("Adam", "", lambda s: replace(s, optimizer=Adam(learning_rate=1e-2)))
    yield from (_rate(times) for times in RATES)
    yield from (_rate(1 / times) for times in RATES)
    if falls_fast(setup):
        yield Change(NO_FALL, "learning-rate-too-small", lambda s: replace(s, schedule=Constant()))
    yield _reduction(setup.loss)
    yield Change("inputs scaled", "unscaled-inputs", lambda s: replace(s, scale_inputs=True))
    yield Change("targets scaled", "unscaled-targets", lambda s: replace(s, scale_targets=True))


def falls_fast(setup: Setup) -> bool:
    """The rate is gone before most of the steps are done, as where a schedule made for epochs steps with every batch."""
    return rate_at_half(setup) < GONE


def rate_at_half(setup: Setup) -> float:
    """The rate half way through, as a part of what it began with."""
    schedule = setup.schedule
    return schedule.decay ** (setup.steps / 2) if isinstance(schedule, Exponential) else 1.0


def farther(far: Change, tried: Sequence[tuple[Change, float]], worth: float) -> bool:
    """Whether less of the same helped, or was not finite and so says nothing."""
    less = [score for change, score in tried if change.code == far.code and (change.size > 1) == (far.size > 1)]
    return bool(less) and (max(less) > worth or (far.size < 1 and not np.isfinite(less).any()))


def _of_length() -> Iterator[Change]:
    yield Change(f"{EPOCHS} times the epochs", "too-few-epochs", lambda s: replace(s, steps=s.steps * EPOCHS), EPOCHS)


def _of_layers(hidden: tuple[int, ...], activation: str | None) -> Iterator[Change]:
    if not hidden:
        if activation is None:
            yield Change(
                "a hidden layer of 16 units",
                "missing-nonlinearity",
                lambda s: replace(s, layers=1, width=16, activation="tanh"),
            )
        return
    deeper = len(hidden) + 1
    for times in (WIDER, FAR_WIDER) if max(hidden) <= NARROW else (WIDER,):
        yield Change(f"{times} times as wide", "too-little-capacity", lambda s, n=times: replace(s, width=n))  # type: ignore[misc]
    yield Change("one more layer", "too-little-capacity", lambda s: replace(s, layers=deeper))
    if len(hidden) > 1:
        yield Change("one hidden layer", "", lambda s: replace(s, layers=1))
    if activation != "tanh":
        code = {"relu": "dead-units", None: "missing-nonlinearity"}.get(activation, "")
        yield Change("tanh", code, lambda s: replace(s, activation="tanh"))
    if activation != "relu":
        code = "missing-nonlinearity" if activation is None else "saturated-units"
        yield Change("relu", code, lambda s: replace(s, activation="relu"))
    code = "dead-units" if activation == "relu" else "saturated-units"
    yield Change("fresh initial weights", code, lambda s: replace(s, redraw=True))


def _rate(times: float) -> Change:
    name = f"rate x {times:g}" if times > 1 else f"rate / {1 / times:g}"
    code = "learning-rate-too-small" if times > 1 else "learning-rate-too-large"
    return Change(name, code, lambda s: with_rate(s, times), times)


def _reduction(loss: Loss) -> Change:
    other: Reduction = "mean" if loss.reduction == "sum" else "sum"
    return Change(
        f"the {other} in the loss", "reduction-and-rate", lambda s: replace(s, loss=replace(s.loss, reduction=other))
    )
