"""The likely cause of a difference: what one side does otherwise, found by doing it on the other side too.

Read `hypothesis` (what a hypothesis is, and how it is judged), then the file of a rung: `start`, `forward`, `loss`, `gradient`,
`optimizer`, and `loop` for what a run does beyond its steps. `network`, `update` and `rates` are what training computes, in NumPy
and with every choice open.
"""

from collections.abc import Iterator

from parity.ladder.causes.forward import forward_causes
from parity.ladder.causes.hypothesis import Judged, named
from parity.ladder.causes.optimizer import optimizer_causes
from parity.ladder.causes.scene import Scene
from parity.ladder.parting import Place
from parity.ladder.subject import Subject
from parity.ladder.trajectory import Followed
from parity.result import Cause, Rung


def causes_of(
    reference: Subject, candidate: Subject, rung: Rung, place: Place, culprit: str, followed: Followed | None
) -> tuple[Cause, ...]:
    """At most three causes, the likeliest first; none where nothing explains the difference.

    Where it is not known who is off, the candidate is suspected first, then the reference.
    """
    for scene in _scenes(reference, candidate, place, culprit):
        causes = named(_found(scene, rung, followed), str(scene.suspect.contender))
        if causes:
            return causes
    return ()


def _scenes(reference: Subject, candidate: Subject, place: Place, culprit: str) -> Iterator[Scene]:
    for suspect, healthy in ((candidate, reference), (reference, candidate)):
        if culprit in ("", str(suspect.contender)):
            yield Scene(suspect, healthy, place, suspect is reference)


def _found(scene: Scene, rung: Rung, followed: Followed | None) -> list[Judged]:
    place = scene.place
    if place.envelope is None:
        return []
    return {"predict": forward_causes, "step": optimizer_causes}.get(place.rung.name, lambda scene: [])(scene)
