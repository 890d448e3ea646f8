"""Clipping of the gradient: at another norm, by another norm, or not at all."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from parity.contract import Arrays
from parity.ladder.causes.hypothesis import Family, Suspected
from parity.ladder.causes.optimizer.steps import Clip, Doing, Steps, clip_scale, clipped, norm, scaled
from parity.ladder.causes.transitions import Transition

ALIGN = "clip by the global norm, scale = max / (norm + 1e-6) as torch.nn.utils.clip_grad_norm_; Optax's is max / norm"


def clippings(steps: Steps) -> Suspected:
    """All about it; where none was asked for, only at which norm there is."""
    largest = steps.config.clip_norm
    if largest is None:
        text = "consistent with gradients clipped at a norm of {}"
        yield _at_a_norm(steps, text, "no clipping", 1.0, (0.1, 0.5, 5.0, 10.0))
        return
    doing = replace(steps.declared, clip=lambda seen: seen.gradients)
    yield steps.by_doing("clip.missing", "the gradient is not clipped", ALIGN, doing)
    for text, clip in _by_other_norms(largest).items():
        yield steps.by_doing("clip.norm", text, ALIGN, replace(steps.declared, clip=clip))
    text = f"consistent with clip_norm = {{}} instead of {largest:g}"
    yield _at_a_norm(steps, text, ALIGN, largest, (1.0, 0.1, 0.5, 5.0, 10.0, largest * 2, largest / 2))
    yield steps.family(
        "clip.norm",
        lambda value: f"each element of the gradient is clipped at {value}",
        ALIGN,
        lambda value: replace(steps.declared, clip=_by_element(abs(value))),
        np.inf,
        (largest, largest / 2, largest / 10, 1.0, 0.1, 0.01),
    )


def _at_a_norm(steps: Steps, text: str, align: str, asked: float, known: tuple[float, ...]) -> Family:
    def doing(value: float) -> Doing:
        return replace(steps.declared, clip=lambda seen: clipped(seen, value))

    return steps.family("clip.norm", text.format, align, doing, asked, known)


def _by_element(largest: float) -> Clip:
    return lambda seen: {name: np.clip(g, -largest, largest) for name, g in seen.gradients.items()}


def _by_other_norms(largest: float) -> dict[str, Clip]:
    def each_by_its_own(seen: Transition) -> Arrays:
        return {name: g * clip_scale(largest, seen.norms[name]) for name, g in seen.gradients.items()}

    def always(seen: Transition) -> Arrays:
        return {name: g * largest / (norm(seen) + 1e-6) for name, g in seen.gradients.items()}

    def by(size: Callable[[Transition], float], eps: float = 1e-6) -> Clip:
        return lambda seen: scaled(seen, largest / (size(seen) + eps))

    return {
        "each tensor is clipped by its own norm": each_by_its_own,
        "the gradient is scaled by max / norm, without 1e-6": by(norm, eps=0.0),
        "the gradient is clipped by its largest element": by(lambda seen: seen.peak),
        "the gradient is clipped by the sum of its tensors' norms": by(lambda seen: sum(seen.norms.values())),
        "the gradient is always scaled to the largest norm": always,
    }
