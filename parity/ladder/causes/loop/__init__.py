"""What may be wrong where a run differs from its own steps: what it is fed with, what it reports, and what it forgets.

`walk` takes the suspect's own steps once more with something altered, from shortly before the first difference to some steps
behind it; each file beside it holds the hypotheses of one kind.
"""

from parity.ladder.causes.hypothesis import Judged, Suspected, judged
from parity.ladder.causes.loop.fed import masks, orders
from parity.ladder.causes.loop.forgets import rates, resets
from parity.ladder.causes.loop.reports import reports
from parity.ladder.causes.loop.searched import batches, single_rows
from parity.ladder.causes.loop.walk import Loop
from parity.ladder.parting import Place
from parity.ladder.subject import Subject
from parity.ladder.trajectory import Followed


def loop_causes(suspect: Subject, place: Place, followed: Followed) -> list[Judged]:
    """What would make the suspect's run of its own steps."""
    loop = Loop(suspect, place, followed)
    return judged(_hypotheses(loop), loop.evidence)


def _hypotheses(loop: Loop) -> Suspected:
    """All of them, the likelier first."""
    yield from reports(loop)
    yield from orders(loop)
    yield from masks(loop)
    yield from resets(loop)
    yield from rates(loop)
    yield from batches(loop)
    yield from single_rows(loop)
