"""Weight decay: how much, where in the update, and of which tensors."""

from collections.abc import Callable

from parity.ladder.causes.advice import align_constant
from parity.ladder.causes.hypothesis import Family, Suspected
from parity.ladder.causes.optimizer.steps import Doing, Steps
from parity.ladder.causes.tensors import groups
from parity.ladder.causes.update import DecayPlace

KNOWN = (0.0, 1e-2, 1e-4, 1e-3, 5e-4, 0.1)
"""Values that it is often given, the frameworks' defaults among them."""
WORDS: dict[DecayPlace, str] = {
    "gradient": "an L2 term of the gradient",
    "weights": "decoupled, beside the update",
}
ALIGN_PLACE = (
    "torch.optim.SGD and Adam: an L2 term; AdamW and Lion: decoupled (optax.add_decayed_weights before or behind)"
)
ALIGN_TENSORS = "all parameters are decayed, as torch and Optax do without groups or a mask"


def weight_decays(steps: Steps) -> Suspected:
    """All about it; where none was asked for, only how much there is."""
    rule, align = steps.declared.rule, align_constant(steps.optimizer, "weight_decay")
    own: DecayPlace = "gradient" if rule.decay_place == "gradient" else "weights"
    other: DecayPlace = "weights" if own == "gradient" else "gradient"
    yield _some(steps, own, "")
    if rule.decay:
        text = f"the decay of {rule.decay:g} is {WORDS[other]}"
        yield steps.by_rule("optimizer.decay_coupled", text, ALIGN_PLACE, decay_place=other)
        text = "the decay is not multiplied by the learning rate"
        yield steps.by_rule("optimizer.weight_decay", text, align, decay_place="weights, without the rate")
        yield from _of_tensors(steps)
    yield _some(steps, other, f", {WORDS[other]}")


def _some(steps: Steps, place: DecayPlace, how: str) -> Family:
    asked = steps.declared.rule.decay

    def text(value: str) -> str:
        return f"consistent with weight_decay = {value}{how} instead of {asked:g}"

    def doing(value: float) -> Doing:
        return steps.ruled(decay=value, decay_place=place)

    align = align_constant(steps.optimizer, "weight_decay")
    return steps.family("optimizer.weight_decay", text, align, doing, asked, KNOWN)


def _of_tensors(steps: Steps) -> Suspected:
    code, trained = "optimizer.decay_tensors", steps.first.before.parameters
    for names, what in groups(trained):
        if len(names) < len(trained):
            yield steps.by_rule(code, f"{what} is not decayed", ALIGN_TENSORS, decayed=_all_but(names))
    for names, what in groups(trained):
        if len(names) == 1:
            yield steps.by_rule(code, f"only {what} is decayed", ALIGN_TENSORS, decayed=names.__contains__)


def _all_but(names: list[str]) -> Callable[[str], bool]:
    return lambda name: name not in names
