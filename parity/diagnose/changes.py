"""The changes that are tried, one at a time and then together; the first of them are what people try by themselves."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from parity.contract import Adam
from parity.diagnose.setup import Setup, with_rate


@dataclass(frozen=True)
class Change:
    """One thing done otherwise."""

    name: str
    """As a person says it."""
    code: str
    """The finding that it speaks for; empty where it is only told."""
    apply: Callable[[Setup], Setup]
    size: float = 1.0
    """How many times something was changed, for a rate or a number of epochs."""

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Change) and self.name == other.name


RATES = (10.0, 100.0, 1000.0, 10_000.0)
FAR = 1000.0  # A factor of the rate from which it is tried only where a smaller one of the same direction helped.
EPOCHS = 10
WIDER = 4


def changes(setup: Setup, hidden: tuple[int, ...], activation: str | None, output: str | None) -> Iterator[Change]:
    """All that can be tried on this setup, whose network has these hidden layers, their activation and that of the output."""
    yield Change(f"{EPOCHS} times the epochs", "too-few-epochs", lambda s: replace(s, steps=s.steps * EPOCHS), EPOCHS)
    if hidden:
        yield Change(f"{WIDER} times as wide", "too-little-capacity", lambda s: replace(s, width=WIDER))
        deeper = len(hidden) + 1
        yield Change("one more layer", "too-little-capacity", lambda s: replace(s, layers=deeper))
        if len(hidden) > 1:
            yield Change("one hidden layer", "", lambda s: replace(s, layers=1))
        if activation != "tanh":
            code = "dead-units" if activation == "relu" else "missing-nonlinearity" if activation is None else ""
            yield Change("tanh", code, lambda s: replace(s, activation="tanh"))
        if activation != "relu":
            code = "missing-nonlinearity" if activation is None else "saturated-units"
            yield Change("relu", code, lambda s: replace(s, activation="relu"))
        yield Change(
            "fresh initial weights",
            "dead-units" if activation == "relu" else "saturated-units",
            lambda s: replace(s, redraw=True),
        )
    elif activation is None:
        yield Change(
            "a hidden layer of 16 units",
            "missing-nonlinearity",
            lambda s: replace(s, layers=1, width=16, activation="tanh"),
        )
    if output is not None:
        yield Change("no activation behind the last layer", "output-range", lambda s: replace(s, bare_output=True))
    yield Change("Adam", "", lambda s: replace(s, optimizer=Adam(learning_rate=1e-2)))
    for times in RATES:
        yield Change(f"rate x {times:g}", "learning-rate-too-small", lambda s, t=times: with_rate(s, t), times)
    for times in RATES:
        yield Change(f"rate / {times:g}", "learning-rate-too-large", lambda s, t=times: with_rate(s, 1 / t), 1 / times)
    other = "mean" if setup.loss.reduction == "sum" else "sum"
    yield Change(
        f"the {other} in the loss", "reduction-and-rate", lambda s: replace(s, loss=replace(s.loss, reduction=other))
    )
    yield Change("inputs scaled", "unscaled-inputs", lambda s: replace(s, scale_inputs=True))
    yield Change("targets scaled", "unscaled-targets", lambda s: replace(s, scale_targets=True))
