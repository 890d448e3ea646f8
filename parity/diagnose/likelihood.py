"""How likely a cause is before anything was tried: among changes that help, the one that evidence speaks for is named."""

from parity.diagnose.scene import Scene


def rank(code: str, scene: Scene) -> float:
    """How likely a code is before anything was tried: lower is likelier, and what nothing speaks for comes last."""
    order = ("missing-nonlinearity", "unscaled-inputs", "unscaled-targets", "output-range", "reduction-and-rate",
             "learning-rate-too-small", "learning-rate-too-large", "dead-units", "saturated-units", "too-few-epochs",
             "too-little-capacity")  # fmt: skip
    place = order.index(code) if code in order else len(order)
    return place if spoken_for(code, scene) is not False else len(order) + place


def spoken_for(code: str, scene: Scene) -> bool | None:
    """Whether the evidence speaks for a code; None where none would."""
    evidence = {
        "unscaled-inputs": scene.far(inputs=True),
        "unscaled-targets": scene.far(inputs=False),
        "reduction-and-rate": scene.setup.loss.reduction == "sum",
        "learning-rate-too-small": scene.usual_rate < 1,
        "dead-units": scene.units("off") > 0.5,
        "saturated-units": scene.units("ends") > 0.3,
    }
    return evidence.get(code)
