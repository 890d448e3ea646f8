"""What a change that helped says about the program."""

from parity.contract import Place
from parity.diagnose.changes import NO_FALL, Change, rate_at_half
from parity.diagnose.finding import Effect, Finding
from parity.diagnose.scene import Scene
from parity.diagnose.signals import signals

CLEAR = 0.1  # Of the score, above which what a change buys is no longer a matter of taste.
ENOUGH_ROWS = 8  # Below this many, sum and mean are not far apart.
AS_GOOD = 0.06


def finding_of(change: Change, effect: Effect, scene: Scene) -> Finding:
    """The finding that a change speaks for."""
    code = "reduction-and-rate" if blames_reduction(change, effect, scene) else change.code
    evidence, place = _EVIDENCE.get(code, _other)(change, scene), _place(code, scene)
    severity = "error" if effect.after - max(effect.before, -1.0) > CLEAR else "warning"
    return Finding(code, severity, f"{evidence} {scene.metric} is {effect.after:.3f}.", place, effect=effect)  # type: ignore[arg-type]


def blames_reduction(change: Change, effect: Effect, scene: Scene) -> bool:
    """A rate that is too large for a sum, and right for the mean."""
    suspected = change.code == "learning-rate-too-large" and scene.setup.loss.reduction == "sum"
    if not suspected or scene.batch_rows < ENOUGH_ROWS:
        return False
    return any(t.name == "the mean in the loss" and t.score >= effect.after - AS_GOOD for t in scene.tried)


def _place(code: str, scene: Scene) -> Place | None:
    program = scene.program
    made = program.training.optimizer.place if program.training.optimizer else None
    if code == "unscaled-inputs":
        return program.training.forward_place
    if code == "unscaled-targets":
        return program.loss_place
    if code in ("missing-nonlinearity", "too-little-capacity", "saturated-units", "output-range"):
        return next((o.place for o in program.operations if o.kind == "linear"), made)
    return made


def _rate(change: Change, scene: Scene) -> str:
    rate = scene.setup.optimizer.learning_rate
    ratio = signals(scene.program).get("update over weight")
    if change.name == NO_FALL:
        half = rate_at_half(scene.setup)
        return (
            f"Half way through, the schedule has brought the rate from {rate:.3g} to {rate * half:.2g}; with {NO_FALL}"
        )
    instead = f"a rate of {rate * change.size:.3g} instead of {rate:.3g}, and all else the same,"
    if change.size > 1 and ratio is not None:
        return f"An update is {ratio:.1g} of the weights; with {instead}"
    return f"With {instead}"


def _reduction(change: Change, scene: Scene) -> str:
    now = scene.setup.loss.reduction
    other, rate = "mean" if now == "sum" else "sum", scene.setup.optimizer.learning_rate
    return f"The loss is a {now} over {scene.batch_rows} rows, and the rate {rate:.3g} suits their {other}: with that"


def _scaling(change: Change, scene: Scene) -> str:
    return f"{scene.worst_off(inputs='inputs' in change.code)}; scaled to 0 and 1, and all else the same,"


def _linear(change: Change, scene: Scene) -> str:
    return f"There is no activation between the layers: together they are one linear layer. With {change.name}"


def _epochs(change: Change, scene: Scene) -> str:
    fall = signals(scene.program).get("fall of the loss in the last tenth", 0.0)
    falling = f", and the loss was still falling, by {fall:.0%} in the last tenth" if fall > 0.01 else ""
    return f"{scene.program.updates} updates are too few{falling}: with {change.size:g} times as many"


def _dead(change: Change, scene: Scene) -> str:
    return f"At the end {scene.units('off'):.0%} of the units of a layer were 0 for every row; with {change.name}"


def _saturated(change: Change, scene: Scene) -> str:
    return f"At the end {scene.units('ends'):.0%} of a layer's values were at an end of their range; with {change.name}"


def _other(change: Change, scene: Scene) -> str:
    return f"With {change.name}, and all else the same,"


_EVIDENCE = {
    "learning-rate-too-small": _rate,
    "learning-rate-too-large": _rate,
    "reduction-and-rate": _reduction,
    "unscaled-inputs": _scaling,
    "unscaled-targets": _scaling,
    "missing-nonlinearity": _linear,
    "too-few-epochs": _epochs,
    "dead-units": _dead,
    "saturated-units": _saturated,
}
