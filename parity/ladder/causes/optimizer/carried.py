"""What a step carries to the next: tensors and slots that stay behind, slots that start anew, gradients that are kept."""

from dataclasses import replace

import numpy as np

from parity.ladder.causes.hypothesis import Suspected
from parity.ladder.causes.optimizer.steps import Steps, unmoved
from parity.ladder.causes.tensors import groups
from parity.ladder.causes.transitions import COUNT

ALIGN_FROZEN = "hand every tensor to the optimizer (model.parameters(), wrt=nnx.Param), and keep what the step returns"
ALIGN_RESET = "make the optimizer once, in front of the loop"
ALIGN_ACCUMULATED = "optimizer.zero_grad() in every step (PyTorch adds to .grad; JAX's gradients are new)"


def what_is_carried(steps: Steps) -> Suspected:
    """What is forgotten or kept between steps, and an update of the wrong sign."""
    yield from _frozen(steps)
    if steps.first.before.optimizer:
        text = "the optimizer's slots start at zero in every step"
        yield steps.by_rule("state.reset", text, ALIGN_RESET, reset=True)
    yield steps.by_rule("gradient.sign", "the update climbs: its sign is wrong", "subtract the update", sign=-1.0)
    text = "every step adds its gradients to those of all steps before"
    doing = replace(steps.declared, accumulated=True)
    yield steps.by_doing("gradient.accumulated", text, ALIGN_ACCUMULATED, doing)


def _frozen(steps: Steps) -> Suspected:
    trained, slots = steps.first.before.parameters, steps.first.before.optimizer
    for names, what in groups(trained):
        whole = [*names, *(f"{slot} of {name}" for slot in slots for name in names)]
        for kept, which in ((names, what), (whole, f"{what} with its slots")):
            yield steps.by_edit("state.frozen", f"{which} is not updated", ALIGN_FROZEN, unmoved(kept))
    for slot in slots:
        kept = [f"{slot} of {name}" for name in trained]
        yield steps.by_edit("state.frozen", f"the slot {slot} is not updated", ALIGN_FROZEN, unmoved(kept))
    text, align = "the count of steps does not advance", "advance the count with every step"
    yield steps.by_edit("state.frozen", text, align, lambda seen: {COUNT: np.zeros(())})
