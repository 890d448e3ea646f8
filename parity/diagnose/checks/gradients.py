"""Do gradients arrive, and does what they ask for happen?"""

from collections.abc import Iterator

from parity.contract import Parameter
from parity.diagnose.finding import Finding
from parity.diagnose.program import Program

MANY = 20  # Backward passes for each update, above which gradients are not accumulated on purpose.
MOST = 0.5  # Share of the watched steps that must show a fault.


def names(parameters: list[Parameter]) -> str:
    """`layers.0.weight, layers.0.bias and 3 more`."""
    first = ", ".join(parameter.name for parameter in parameters[:2])
    return first if len(parameters) <= 2 else f"{first} and {len(parameters) - 2} more"


def backward(program: Program) -> Iterator[Finding]:
    """Updates without gradients change nothing."""
    training = program.training
    if training.updates and not training.backwards and training.optimizer is not None:
        evidence = f"The optimizer stepped {training.updates} times, and backward was not called once."
        yield Finding("missing-backward", "error", evidence, training.update_place or program.loss_place)


def update(program: Program) -> Iterator[Finding]:
    """Gradients that nobody uses change nothing."""
    training = program.training
    line_search = training.optimizer is not None and training.optimizer.kind == "LBFGS"
    if "updates-lost-in-jit" in training.facts or training.backwards < 2 or line_search:
        return
    applied = training.updates > 1 and any(p.reached for p in program.parameters)
    frozen_rate = "value-frozen-at-trace" in training.facts
    if applied and program.framework == "jax" and not frozen_rate and not any(p.moved for p in program.parameters):
        evidence = (
            f"The optimizer gave {training.updates} updates, and no parameter has moved: none of them was applied."
        )
        yield Finding("missing-optimizer-step", "error", evidence, training.update_place or training.backward_place)
        return
    none = training.updates == 0 and not any(p.moved for p in program.parameters)
    if none or training.backwards > MANY * max(training.updates, 1):
        times = f"{training.updates} times" if training.updates else "never"
        evidence = f"Gradients were computed {training.backwards} times, and the optimizer stepped {times}."
        yield Finding("missing-optimizer-step", "error", evidence, training.update_place or training.backward_place)


def attached(program: Program) -> Iterator[Finding]:
    """The optimizer must hold the parameters that the loss depends on."""
    training = program.training
    if not training.updates or "graph-not-rebuilt" in training.facts:
        return
    loose = [
        p
        for p in program.parameters
        if p.trainable and not p.held and not p.trained_before and p.reached and not p.moved
    ]
    if loose:
        every = len(loose) == len([p for p in program.parameters if p.trainable])
        what = "none of the tensors" if every else f"all but {names(loose)} of the tensors"
        evidence = f"The optimizer holds {what} that the loss depends on; {names(loose)} got gradients and never moved."
        yield Finding(
            "optimizer-not-attached", "error", evidence, training.optimizer.place if training.optimizer else None
        )


def frozen(program: Program) -> Iterator[Finding]:
    """Parameters that ask for no gradients stay at random values, unless they were trained before."""
    still = [
        p for p in program.parameters if not p.trainable and not p.trained_before and not p.moved and p.initial.ndim > 1
    ]
    if still and (program.training.updates or program.training.backwards):
        evidence = f"{names(still)} ask for no gradients and stayed at their first, random values."
        yield Finding("frozen-parameters", "error", evidence, program.training.forward_place)


def reached(program: Program) -> Iterator[Finding]:
    """Every parameter on the way must be given a gradient."""
    training = program.training
    if not training.backwards or "updates-lost-in-jit" in training.facts:
        return
    # A gradient in JAX is an array of zeros also where units are dead; there the watcher has to have seen the cut itself.
    told = program.framework == "torch" or "detached-graph" in training.facts
    cut = [p for p in program.parameters if told and p.trainable and not p.reached and not p.trained_before]
    place = training.facts.get("detached-graph") or next(
        (o.place for o in program.operations if o.name == "detach"), None
    )
    if (
        "detached-graph" in training.facts
        or (cut and any(p.reached for p in program.parameters))
        or (cut and training.backwards > 1)
    ):
        what = f"No gradient reached {names(cut)}" if cut else "The loss does not depend on any parameter"
        evidence = f"{what} in any step that was looked at, though the forward pass uses {'them' if cut else 'some'}."
        yield Finding("detached-graph", "error", evidence, place or training.forward_place or training.backward_place)


def cleared(program: Program) -> Iterator[Finding]:
    """A step's gradient is its own."""
    if list(attached(program)) or list(rebuilt(program)):
        return  # An optimizer clears what it holds.
    later = [step for step in program.steps if step.number > 0]
    left = [step for step in later if step.leftover]
    if left and len(left) > MOST * len(later):
        evidence = (
            f"In {len(left)} of {len(later)} steps that were looked at, the gradients of the step before were still there "
            "and were added to."
        )
        equivalent = ""
        optimizer = program.training.optimizer
        if optimizer is not None and optimizer.kind == "SGD" and not optimizer.settings.get("momentum"):
            equivalent = "Without zero_grad this is SGD with momentum 1.0: a velocity that nothing ever slows down."
        yield Finding("missing-zero-grad", "error", evidence, program.training.backward_place, equivalent=equivalent)


def rebuilt(program: Program) -> Iterator[Finding]:
    """A prediction is made anew from the weights as they are."""
    training = program.training
    stale = [step for step in program.steps if step.stale]
    if "graph-not-rebuilt" in training.facts:
        evidence = "The network's tensors were replaced by new ones, and the optimizer goes on changing the old."
        yield Finding("graph-not-rebuilt", "error", evidence, training.facts["graph-not-rebuilt"])
    elif stale and len(stale) > MOST * len(program.steps):
        evidence = (
            f"In {len(stale)} of {len(program.steps)} steps the loss was of a prediction made before the last update."
        )
        yield Finding("graph-not-rebuilt", "error", evidence, stale[0].loss_place or training.backward_place)
