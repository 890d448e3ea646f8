"""The optimizers of the contract once more, in float64 NumPy and with every choice open, so that each can be made otherwise.

g is the gradient, p a parameter, t the step counted from 1; the formulas stand in `parity.contract.optimizers`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from parity.contract import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Lion,
    NAdam,
    Optimizer,
    RAdam,
    RMSprop,
)

Floats = NDArray[np.float64]
New = tuple[Floats, ...]
"""What is subtracted from a parameter, and its new slots."""
Memory = dict[str, Floats]
"""What an update keeps beside the slots that it declares."""
Root = Callable[[Floats, float, float], Floats]
"""The denominator, from a second moment, its bias correction and eps."""
EpsPlace = Literal["outside", "before", "inside", "inside before", "nowhere"]
DecayPlace = Literal["gradient", "weights", "weights, without the rate"]

ROOTS: dict[EpsPlace, Root] = {
    "outside": lambda v, c, eps: np.sqrt(v / c) + eps,
    "before": lambda v, c, eps: (np.sqrt(v) + eps) / np.sqrt(c),
    "inside": lambda v, c, eps: np.sqrt(v / c + eps),
    "inside before": lambda v, c, eps: np.sqrt((v + eps) / c),
    "nowhere": lambda v, c, eps: np.sqrt(v / c),
}
EPS_PLACES: dict[type, EpsPlace] = {RAdam: "before", Adadelta: "inside"}
"""Of the optimizers that do not add it outside."""


@dataclass(frozen=True)
class Rule:
    """How a step is made of a gradient."""

    optimizer: Optimizer
    eps_place: EpsPlace
    decay: float
    """Of the weights."""
    decay_place: DecayPlace
    decayed: Callable[[str], bool] = lambda name: True
    """Which tensors are."""
    corrected: Callable[[float, int], float] = lambda b, t: 1.0 - b**t
    """The bias correction of a moment."""
    dampening: float = 0.0
    rate_in_velocity: bool = False
    largest: Literal["", "raw", "corrected", "squared gradient"] = ""
    """What a second moment is never below: the largest so far (AMSGrad, arXiv:1904.09237), or the squared gradient."""
    reset: bool = False
    """Whether the slots are taken for zero."""
    slot_rounded: Mapping[str, Callable[[Floats], Floats]] | None = None
    """How a slot is rounded before it is used."""
    sign: float = 1.0

    @classmethod
    def of(cls, optimizer: Optimizer) -> "Rule":
        """As declared."""
        decay_place: DecayPlace = "gradient" if isinstance(optimizer, SGD) else "weights"
        eps_place = EPS_PLACES.get(type(optimizer), "outside")
        return cls(optimizer, eps_place, getattr(optimizer, "weight_decay", 0.0), decay_place)

    def update(
        self, name: str, rate: float, t: int, p: Floats, g: Floats, slots: Mapping[str, Floats], memory: Memory
    ) -> tuple[Floats, dict[str, Floats]]:
        """One parameter and its slots behind step t."""
        kept = [self._kept(slot, array) for slot, array in slots.items()]
        decay = self.decay if self.decayed(name) else 0.0
        if decay and self.decay_place == "gradient":
            g = g + decay * p
        remembered = _Remembered(memory, name)
        move, *new = UPDATES[type(self.optimizer)](self, self.optimizer, rate, t, g, *kept, remembered)
        if decay and self.decay_place != "gradient":
            move = move + (rate if self.decay_place == "weights" else 1.0) * decay * p
        return p - self.sign * move, {**slots, **dict(zip(slots, new, strict=False))}

    def _kept(self, slot: str, array: Floats) -> Floats:
        """A slot as the update finds it."""
        if self.reset:
            array = np.zeros_like(array)
        rounding = (self.slot_rounded or {}).get(slot)
        return array if rounding is None else rounding(array)

    def root(self, v: Floats, c: float) -> Floats:
        """The denominator."""
        return ROOTS[self.eps_place](v, c, getattr(self.optimizer, "eps", 0.0))

    def bounded(self, v: Floats, c: float, g: Floats, remembered: "_Remembered") -> Floats:
        """A second moment, not below what bounds it."""
        if self.largest == "raw":
            return remembered.largest(v)
        if self.largest == "corrected":
            return remembered.largest(v / c) * c
        return v


@dataclass
class _Remembered:
    memory: Memory
    name: str

    def largest(self, v: Floats) -> Floats:
        """Of all that was seen of this tensor."""
        self.memory[self.name] = np.maximum(self.memory.get(self.name, 0.0), v)
        return self.memory[self.name]


def sgd(rule: Rule, c: SGD, rate: float, t: int, g: Floats, *slots: Any) -> New:
    if len(slots) == 1:
        return rate * g, g
    v, _ = slots
    taken = (1.0 - rule.dampening) * g
    if rule.rate_in_velocity:
        v = c.momentum * v + rate * taken
        return (rate * g + c.momentum * v if c.nesterov else v), v
    v = c.momentum * v + taken
    return rate * (g + c.momentum * v if c.nesterov else v), v


def adam(rule: Rule, c: Adam | AdamW, rate: float, t: int, g: Floats, m: Floats, v: Floats, kept: Any) -> New:
    m, v = _moments(rule, c, g, m, v)
    c2 = rule.corrected(c.b2, t)
    return rate * (m / rule.corrected(c.b1, t)) / rule.root(rule.bounded(v, c2, g, kept), c2), m, v


def nadam(rule: Rule, c: NAdam, rate: float, t: int, g: Floats, m: Floats, v: Floats, kept: Any) -> New:
    m, v = _moments(rule, c, g, m, v)
    mu = c.b1 * (1 - 0.96 ** (np.arange(1, t + 2) * c.momentum_decay) / 2)  # mu_1 to mu_(t+1)
    direction = (1 - mu[-2]) / (1 - np.prod(mu[:-1])) * g + mu[-1] / (1 - np.prod(mu)) * m
    c2 = rule.corrected(c.b2, t)
    return rate * direction / rule.root(rule.bounded(v, c2, g, kept), c2), m, v


def radam(rule: Rule, c: RAdam, rate: float, t: int, g: Floats, m: Floats, v: Floats, kept: Any) -> New:
    m, v = _moments(rule, c, g, m, v)
    c2, rho = rule.corrected(c.b2, t), 2 / (1 - c.b2) - 1
    rho_t = rho - 2 * t * c.b2**t / (1 - c.b2**t)
    direction = m / rule.corrected(c.b1, t)
    if rho_t > 5:
        r = np.sqrt((rho_t - 4) * (rho_t - 2) * rho / ((rho - 4) * (rho - 2) * rho_t))
        direction = direction * r / rule.root(rule.bounded(v, c2, g, kept), c2)
    return rate * direction, m, v


def adamax(rule: Rule, c: Adamax, rate: float, t: int, g: Floats, m: Floats, u: Floats, kept: Any) -> New:
    m = c.b1 * m + (1 - c.b1) * g
    eps = 0.0 if rule.eps_place == "nowhere" else c.eps
    u = np.maximum(c.b2 * u, np.abs(g) + eps) if rule.eps_place != "before" else np.maximum(c.b2 * u, np.abs(g))
    return rate * m / (rule.corrected(c.b1, t) * (u + eps if rule.eps_place == "before" else u)), m, u


def rmsprop(rule: Rule, c: RMSprop, rate: float, t: int, g: Floats, v: Floats, *slots: Any) -> New:
    v = c.decay * v + (1 - c.decay) * g**2
    d = g / rule.root(v, 1.0)
    if len(slots) == 1:
        return rate * d, v
    b = c.momentum * slots[0] + (rate * d if rule.rate_in_velocity else d)
    return (b if rule.rate_in_velocity else rate * b), v, b


def adagrad(rule: Rule, c: Adagrad, rate: float, t: int, g: Floats, s: Floats, kept: Any) -> New:
    s = s + g**2
    return rate * g / rule.root(s, 1.0), s


def adadelta(rule: Rule, c: Adadelta, rate: float, t: int, g: Floats, v: Floats, w: Floats, kept: Any) -> New:
    v = c.decay * v + (1 - c.decay) * g**2
    d = rule.root(w, 1.0) / rule.root(v, 1.0) * g
    return rate * d, v, c.decay * w + (1 - c.decay) * d**2


def lion(rule: Rule, c: Lion, rate: float, t: int, g: Floats, m: Floats, kept: Any) -> New:
    return rate * np.sign(c.b1 * m + (1 - c.b1) * g), c.b2 * m + (1 - c.b2) * g


def _moments(rule: Rule, c: Any, g: Floats, m: Floats, v: Floats) -> tuple[Floats, Floats]:
    v = c.b2 * v + (1 - c.b2) * g**2
    if rule.largest == "squared gradient":
        v = np.maximum(v, g**2)
    return c.b1 * m + (1 - c.b1) * g, v


UPDATES: dict[type, Callable[..., New]] = {
    SGD: sgd,
    Adam: adam,
    AdamW: adam,
    RMSprop: rmsprop,
    Adagrad: adagrad,
    NAdam: nadam,
    RAdam: radam,
    Adamax: adamax,
    Adadelta: adadelta,
    Lion: lion,
}
