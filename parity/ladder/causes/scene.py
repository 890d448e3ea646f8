"""Scene: the two sides at the place where they part, one of them under suspicion, and what rounding explains of their difference."""

from dataclasses import dataclass
from math import isfinite

import numpy as np

from parity.contract import Arrays, Batch, State, TrainingConfig
from parity.ladder.causes.hypothesis import Evidence
from parity.ladder.envelope import Envelope, Look, coarseness, ulp
from parity.ladder.parting import Place
from parity.ladder.replicas import Given
from parity.ladder.subject import Subject
from parity.ladder.view import View


@dataclass(frozen=True)
class Scene:
    """Who is suspected, who is taken to be right, and where they part."""

    suspect: Subject
    healthy: Subject
    place: Place
    suspect_first: bool
    """Whether the suspect is the reference, whose view is the first of the envelope."""

    @property
    def config(self) -> TrainingConfig:
        """What both were asked to train."""
        return self.suspect.start.config

    @property
    def envelope(self) -> Envelope:
        """Of both at the place."""
        assert self.place.envelope is not None
        return self.place.envelope

    @property
    def views(self) -> tuple[View, View]:
        """The suspect's and the healthy side's."""
        one, other = self.envelope.views
        return (one, other) if self.suspect_first else (other, one)

    @property
    def given(self) -> Given:
        """What the suspect was given there, in float64."""
        return self.views[0].given.cast("float64")

    @property
    def batch(self) -> Batch:
        """The batch of the place, in float64."""
        return self.given.batch(0)

    @property
    def state(self) -> State:
        """The state in front of it, in float64."""
        return self.given.state

    def evidence(self, look: Look, rounded: int = 1) -> Evidence:
        """What both show, and how far apart rounding may bring them, tensor by tensor."""
        shown, healthy = (look(view) for view in self.views)
        return Evidence(shown, healthy, allowed(self.envelope, look, shown, healthy, rounded))


def allowed(envelope: Envelope, look: Look, shown: Arrays, healthy: Arrays, rounded: int = 1) -> dict[str, float]:
    """By tensor, what the ladder would let pass, of the larger of the two sides."""
    spread = look(envelope.first)
    dtype = max(envelope.dtypes, key=coarseness)
    found = {}
    for name in healthy:
        floor = rounded * ulp(max(_scale(shown[name]), _scale(healthy[name])), dtype)
        furthest = spread.largest(name)
        found[name] = envelope.calibration.factor * (max(floor, furthest) if isfinite(furthest) else floor)
    return found


def _scale(array: np.ndarray) -> float:  # type: ignore[type-arg]
    return float(np.max(np.abs(array), initial=0.0, where=np.isfinite(array)))
