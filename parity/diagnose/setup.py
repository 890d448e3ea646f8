"""How a captured network is trained again: as its program does, or with changes.

A setup is a description; `parity.diagnose.trials` carries it out.
"""

from dataclasses import dataclass, field, fields, replace
from typing import Any

from parity.contract import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Constant,
    FirstOrder,
    Loss,
    NAdam,
    RAdam,
    RMSprop,
    Schedule,
    WatchedOptimizer,
)  # fmt: skip

KINDS: dict[str, type[Any]] = {
    "SGD": SGD, "Adam": Adam, "AdamW": AdamW, "RMSprop": RMSprop, "Adagrad": Adagrad, "NAdam": NAdam, "RAdam": RAdam,
    "Adamax": Adamax, "Adadelta": Adadelta, "by hand": SGD,
}  # fmt: skip


@dataclass(frozen=True)
class Setup:
    """A training of a captured network."""

    optimizer: FirstOrder
    loss: Loss
    batch: int | None
    """Rows of a batch; None for all."""
    steps: int
    paired: bool = True
    """Each prediction meets its own target; False: all of a batch, as a broadcast does."""
    updates: bool = True
    """Updates reach the network at all."""
    still: frozenset[str] = frozenset()
    """Names of the parameters that updates do not reach."""
    finite: bool = True
    """Rows that are not finite are left out."""
    accumulate: bool = False
    """Gradients are never cleared."""
    misled: bool = False
    """The loss is not that of the task (its sign, its kind): nothing is learned with it."""
    schedule: Schedule = field(default_factory=Constant)
    factor: float = 1.0
    """What the loss is multiplied by."""
    scale_inputs: bool = False
    scale_targets: bool = False
    width: int = 1
    """How many times as wide the hidden layers are."""
    layers: int | None = None
    """Hidden layers; None for as many as there are."""
    activation: str | None = None
    """Of the hidden layers; None for the network's own."""
    bare_output: bool = False
    """Without the activation behind the last layer."""
    redraw: bool = False
    """From fresh initial weights, as frameworks draw them."""

    @property
    def as_captured(self) -> bool:
        """The network itself is as the program made it."""
        return (
            self.width == 1
            and self.layers is None
            and self.activation is None
            and not self.redraw
            and not self.bare_output
        )


def optimizer_of(watched: WatchedOptimizer | None, peak: float | None) -> FirstOrder | None:
    """The contract's optimizer with the program's settings, at the highest rate that was seen; None where it has none."""
    kind = KINDS.get(watched.kind) if watched is not None else None
    if watched is None or kind is None:
        return None
    known = {field.name: field.type for field in fields(kind)}
    settings: dict[str, Any] = {name: value for name, value in watched.settings.items() if name in known}
    if "nesterov" in settings:
        settings["nesterov"] = bool(settings["nesterov"]) and settings.get("momentum", 0.0) > 0
    if peak is not None:
        settings["learning_rate"] = peak
    if not settings.get("learning_rate", 1.0) > 0:
        return None
    optimizer: FirstOrder = kind(**settings)
    return optimizer


def with_rate(setup: Setup, times: float) -> Setup:
    """The same at another learning rate."""
    return replace(setup, optimizer=replace(setup.optimizer, learning_rate=setup.optimizer.learning_rate * times))
