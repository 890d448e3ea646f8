"""The likely cause of a difference: what one side does otherwise, found by doing it on the other side too.

Read `hypothesis` (what a hypothesis is, and how it is judged), then what holds those of a rung: the files `start`, `forward`,
`loss` and `gradient`, the folder `optimizer`, the folder `loop` for what a run does beyond its steps, and `curve` for what it
tells of the held-out rows. `network`, `update` and `rates` are what training computes, in NumPy and with every choice open.
"""

from collections.abc import Callable, Iterator

import numpy as np

from parity.ladder.causes.curve import curve_causes
from parity.ladder.causes.forward import forward_causes
from parity.ladder.causes.gradient import gradient_causes
from parity.ladder.causes.hypothesis import Judged, named
from parity.ladder.causes.loop import loop_causes
from parity.ladder.causes.loss import loss_causes
from parity.ladder.causes.optimizer import optimizer_causes
from parity.ladder.causes.scene import Scene
from parity.ladder.causes.start import start_causes
from parity.ladder.curve import ACCURACY
from parity.ladder.parting import HIDDEN, Place
from parity.ladder.rungs import START, looked_at
from parity.ladder.subject import Subject
from parity.ladder.trajectory import Followed
from parity.result import Cause, Rung

HIDES = "a step depends on what is carried from the one before it beside its state: put at its own state anew, it is another"
ALIGN_HIDDEN = (
    "carry all of it in the state: what get_state leaves out is lost in every checkpoint, a scheduler's own count too"
)


# The suspect's own steps are computed anew too, and may overflow as they did.
@np.errstate(all="ignore")
def causes_of(
    reference: Subject, candidate: Subject, rung: Rung, place: Place, culprit: str, followed: Followed | None
) -> tuple[Cause, ...]:
    """At most three causes, the likeliest first; none where nothing explains the difference.

    Where it is not known who is off, the candidate is suspected first, then the reference.
    """
    for scene in _scenes(reference, candidate, place, culprit):
        causes = _of(scene, followed)
        if causes:
            return causes
    return ()


BY_RUNG: dict[str, Callable[[Scene], list[Judged]]] = {
    "predict": forward_causes,
    "loss": loss_causes,
    "gradients": gradient_causes,
    "step": optimizer_causes,
}


def _scenes(reference: Subject, candidate: Subject, place: Place, culprit: str) -> Iterator[Scene]:
    for suspect, healthy in ((candidate, reference), (reference, candidate)):
        if str(suspect.contender) in (place.side, culprit) or not (place.side or culprit):
            yield Scene(suspect, healthy, place, suspect is reference)


def _of(scene: Scene, followed: Followed | None) -> tuple[Cause, ...]:
    side, place = str(scene.suspect.contender), scene.place
    if place.rung.name == START:
        return start_causes(scene.suspect)
    if place.rung.name == ACCURACY:
        return named(curve_causes(scene.suspect, place), side)
    if place.envelope is None and place.stage == HIDDEN:
        return (Cause("state.hidden", HIDES, ALIGN_HIDDEN, side),)
    if place.envelope is None:
        return named(loop_causes(scene.suspect, place, followed), side) if followed is not None else ()
    unkept = _unkept(scene)
    if unkept:
        align = "one dtype throughout: jax_enable_x64 for float64 in JAX, no .float() on the way in PyTorch"
        return (Cause("dtype.kept", unkept, align, side),)
    return named(BY_RUNG[place.rung.name](scene), side) if _alike(scene) else ()


def _alike(scene: Scene) -> bool:
    """Whether both sides show arrays of the same names and shapes, without which nothing can be explained."""
    one, other = (looked_at(scene.place.rung)(view) for view in scene.views)
    return {name: array.shape for name, array in one.items()} == {name: array.shape for name, array in other.items()}


def _unkept(scene: Scene) -> str:
    """What comes in another dtype than the suspect was asked for, in words."""
    asked, found = scene.suspect.contender.dtype, looked_at(scene.place.rung)(scene.views[0])
    names = [name for name, array in found.items() if array.ndim and array.dtype != asked]
    return f"{names[0]} comes in {found[names[0]].dtype}, and {asked} was asked for" if names else ""
