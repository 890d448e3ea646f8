"""Scene: the two sides at the place where they part, one of them suspected, and what rounding explains of their difference."""

from dataclasses import dataclass
from math import isfinite

from parity.contract import Arrays, Batch, State, TrainingConfig
from parity.ladder.causes.hypothesis import Evidence
from parity.ladder.cloud import Spread
from parity.ladder.envelope import Envelope, Look, coarseness, ulp
from parity.ladder.gap import scales
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
    limits = limited(look(envelope.first), shown, healthy, envelope.dtypes, rounded)
    return {name: envelope.calibration.factor * size for name, size in limits.items()}


def limited(
    spread: Spread, shown: Arrays, healthy: Arrays, dtypes: tuple[str, str], rounded: int = 1
) -> dict[str, float]:
    """By tensor, the distance of the furthest replica, and at least the unit in the last place of the larger side."""
    dtype, found = max(dtypes, key=coarseness), {}
    sizes, others = scales(shown), scales(healthy)
    for name in healthy:
        unit = rounded * ulp(max(sizes[name], others[name]), dtype)
        found[name] = max(unit, spread.largest(name)) if isfinite(spread.largest(name)) else unit
    return found
