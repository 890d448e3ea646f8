"""What the interventions of one diagnosis share."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from parity.contract import SGD, Data
from parity.diagnose.finding import Trial
from parity.diagnose.network import Floats
from parity.diagnose.program import Program
from parity.diagnose.setup import Setup
from parity.diagnose.trials import Trials

FAR = 10.0  # A mean or a standard deviation above this is far from scaled, and a spread below this too:
NARROW = 0.05
# The smallest rates that are usual: of gradient descent on a mean, and of the optimizers that normalise their steps.
USUAL_SGD = 1e-3
USUAL_ADAPTIVE = 3e-4


@dataclass
class Scene:
    """A program, its training as a setup, the rows to try it on, and what was tried so far."""

    program: Program
    setup: Setup
    trials: Trials
    train: Data
    judge: Data
    as_it_stands: float
    """The score of the program; -1 where it is not finite."""
    attainable: float
    """What can be learned from these rows."""
    say: Callable[[str], None]
    tried: list[Trial] = field(default_factory=list)
    untried: dict[str, str] = field(default_factory=dict)
    """What was not tried, and why."""
    notes: list[str] = field(default_factory=list)
    """What the trials showed besides."""

    @property
    def metric(self) -> str:
        """`R2`, or of classes the share of hits."""
        return "the share of hits" if self.program.classes else "R2"

    @property
    def loss_is_ours(self) -> bool:
        """The program's own loss has no name here, and the trials have another in its place."""
        own = self.program.loss
        return not self.program.classes and not self.setup.misled and (own is None or own.loss is None)

    @property
    def batch_rows(self) -> int:
        """B, over which the loss is reduced."""
        return self.setup.batch or len(self.train.inputs)

    @property
    def usual_rate(self) -> float:
        """The learning rate as a multiple of the smallest that is usual for its optimizer and reduction."""
        rate = self.setup.optimizer.learning_rate
        if not isinstance(self.setup.optimizer, SGD):
            return rate / USUAL_ADAPTIVE
        return rate * (self.batch_rows if self.setup.loss.reduction == "sum" else 1) / USUAL_SGD

    def columns(self, inputs: bool) -> Floats:
        """(N, columns) of the inputs or of the targets."""
        numbers: Floats = (self.train.inputs if inputs else self.train.targets).reshape(len(self.train.inputs), -1)
        return numbers.astype(float)

    def far(self, inputs: bool) -> bool:
        """Whether a column is far from mean 0 and standard deviation 1."""
        columns = self.columns(inputs)
        spread, mean = columns.std(0), np.abs(columns.mean(0))
        return bool(((mean > FAR) | (spread > FAR) | ((spread > 0) & (spread < NARROW))).any())

    def worst_off(self, inputs: bool) -> str:
        """`Column 1 of the inputs has mean 300 and standard deviation 12`."""
        columns = self.columns(inputs)
        spread, mean = columns.std(0), columns.mean(0)
        worst = int(
            np.argmax(np.maximum(np.abs(mean), np.maximum(spread, 1 / np.maximum(spread, 1e-9) * (spread > 0))))
        )
        alone = columns.shape[1] == 1
        what = (
            f"{'The input' if inputs else 'The target'}"
            if alone
            else f"Column {worst} of the {'inputs' if inputs else 'targets'}"
        )
        return f"{what} has mean {mean[worst]:.4g} and standard deviation {spread[worst]:.4g}"

    def units(self, of: str) -> float:
        """The largest share, over the layers at the end, of units that are `off`, or of values at their `ends`."""
        return max((float(getattr(o, of)) for o in self.program.last_operations if o.kind == "activation"), default=0.0)
