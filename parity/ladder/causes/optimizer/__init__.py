"""What may be wrong where a step differs though its gradient does not: the update, its rate, or what a step carries on.

`steps` computes the suspect's steps anew with something done otherwise; each file beside it holds the hypotheses of one kind.
What a solver does is no function of the gradient: its steps are taken anew by the healthy side itself, told something else.
"""

from parity.contract import Solver
from parity.ladder.causes.hypothesis import Judged, Suspected, judged
from parity.ladder.causes.optimizer.carried import what_is_carried
from parity.ladder.causes.optimizer.clipping import clippings
from parity.ladder.causes.optimizer.constants import constants
from parity.ladder.causes.optimizer.digits import digits
from parity.ladder.causes.optimizer.rule import bias_corrections, eps_places, kinds
from parity.ladder.causes.optimizer.running_statistics import running_statistics
from parity.ladder.causes.optimizer.schedule import schedules
from parity.ladder.causes.optimizer.solver import solver_causes
from parity.ladder.causes.optimizer.steps import Steps
from parity.ladder.causes.optimizer.weight_decay import weight_decays
from parity.ladder.causes.scene import Scene


def optimizer_causes(scene: Scene) -> list[Judged]:
    """What would make the suspect's steps of the healthy side's gradients, or of its solver."""
    if isinstance(scene.config.optimizer, Solver):
        return solver_causes(scene)
    steps = Steps(scene)
    return judged(_hypotheses(steps), steps.evidence())


def _hypotheses(steps: Steps) -> Suspected:
    """All of them, the likelier first."""
    yield from what_is_carried(steps)
    yield from schedules(steps)
    yield from constants(steps)
    yield from bias_corrections(steps)
    yield from eps_places(steps)
    yield from weight_decays(steps)
    yield from clippings(steps)
    yield from kinds(steps)
    yield from running_statistics(steps)
    yield from digits(steps)
