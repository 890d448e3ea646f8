"""What may be wrong where the loss differs and the predictions do not; the gradients must follow from the same mistake."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import log, sqrt
from operator import attrgetter
from typing import Any

import numpy as np

from parity.contract import Arrays, Loss
from parity.ladder.causes.hypothesis import Evidence, Family, Hypothesis, Judged, Suspected, judged, judged_by_size
from parity.ladder.causes.network import Floats, Network, round_to_float32
from parity.ladder.causes.scene import Scene
from parity.ladder.view import LOSS_OF_STEP, View

Slope = tuple[float, Floats]
"""A loss, and its (B, K) gradient by the predictions."""

ALIGN_PENALTY = "no penalty in the loss: weight decay belongs to the optimizer"


def loss_causes(scene: Scene) -> list[Judged]:
    """What would make the suspect's loss and gradients of the same predictions."""
    return Losses(scene).judged() or judged(_told_late(scene), scene.evidence(attrgetter("losses")))


def _told_late(scene: Scene) -> Suspected:
    """The loss is right, and the one that a step tells is another."""
    own = scene.views[0]
    if own.stepped:
        late = View(own.trainer, replace(own.given, state=own.stepped[0]), 1).loss["loss"]
        text, align = "a step tells the loss behind its update", "a step tells the loss of its batch before the update"
        yield Hypothesis("report.loss_late", text, align, lambda: {**own.loss, LOSS_OF_STEP: late})


class Losses:
    """Loss and gradients computed anew with something altered."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.loss = scene, scene.config.loss
        state, batch = scene.state, scene.batch
        self.parameters, self.targets = state.parameters, batch.targets
        network = Network.of(scene.config.model)
        self.predictions, self.backward = network.run(state.parameters, state.buffers, batch.inputs, True, batch.masks)
        losses, gradients = scene.evidence(lambda view: view.loss), scene.evidence(lambda view: view.gradients)
        self.evidence = Evidence(
            {**losses.shown, **gradients.shown},
            {**losses.healthy, **gradients.healthy},
            {**losses.allowed, **gradients.allowed},
        )

    def judged(self) -> list[Judged]:
        """The hypotheses that hold."""
        evidence = self.evidence.roughened(self.of(partial(valued, self.loss)))
        found = judged(self.hypotheses(), evidence) or judged(self._reported(), evidence)
        return found or judged_by_size(self._in_single(), evidence.of([n for n in evidence.allowed if n != "loss"]))

    def of(self, loss: Callable[[Floats, Floats], Slope]) -> Arrays:
        """Loss and gradients where the loss is another function of predictions and targets."""
        value, slope = loss(self.predictions, self.targets)
        return {"loss": np.array(value), **self.backward(slope)}

    def scaled(self, factor: float) -> Arrays:
        """A multiple of everything."""
        return {name: factor * np.asarray(array, np.float64) for name, array in self.evidence.healthy.items()}

    def hypotheses(self) -> Suspected:
        """All of them, the likelier first."""
        yield from self._reductions()
        yield from self._deltas()
        yield from self._kinds()
        yield from self._penalties()
        yield from self._broadcast()
        yield Family(
            "loss.factor",
            lambda value: f"the loss and its gradients are {value} times what they should be",
            "the factor of the contract: torch's mse_loss and optax.squared_error have none, optax.l2_loss has 1/2",
            self.scaled,
            1.0,
            (0.5, 2.0, -1.0),
        )
        yield from self._digits()

    def _reductions(self) -> Suspected:
        (rows, outputs), asked = self.targets.shape, self.loss.reduction
        align = f"reduction {asked!r}: torch's losses take the mean by default, Optax's give every element and you reduce them"
        by_row = self.loss.kind == "cross_entropy"
        terms = rows if by_row else rows * outputs
        for factor, text in (
            (terms, "the sum is taken where the mean was asked for"),
            (1 / terms, "the mean is taken where the sum was asked for"),
            (outputs, "the sum over the outputs is taken, and the mean over the rows alone"),
            (rows, "the mean is taken over the outputs alone, and the sum over the rows"),
            (1 / rows, "the loss is divided by the rows once more"),
        ):
            if factor != 1:
                yield Hypothesis("loss.reduction", text, align, partial(self.scaled, factor))
        if outputs > 1:
            text = "the loss is divided by the outputs once more"
            yield Hypothesis("loss.reduction", text, align, lambda: self.scaled(1 / outputs), 1)

    def _deltas(self) -> Suspected:
        if self.loss.kind != "huber":
            return
        asked = self.loss.huber_delta
        yield Family(
            "loss.delta",
            lambda value: f"consistent with a huber_delta of {value} instead of {asked:g}",
            f"delta={asked:g} (torch.nn.HuberLoss and optax.huber_loss: 1 by default)",
            lambda value: self.of(partial(valued, replaced(self.loss, huber_delta=value))),
            asked,
            (1.0, 0.5, 0.1, 2.0),
        )

    def _kinds(self) -> Suspected:
        align = f"the loss {self.loss.kind} as declared"
        for text, loss in self._others().items():
            yield Hypothesis("loss.kind", f"the loss is {text}", align, partial(self.of, loss))

    def _others(self) -> dict[str, Callable[[Floats, Floats], Slope]]:
        own, delta = self.loss, self.loss.huber_delta
        found: dict[str, Callable[[Floats, Floats], Slope]] = {}
        for kind in ("mse", "mae", "huber", "log_cosh", "cross_entropy"):
            if kind != own.kind:
                found[kind] = partial(valued, replaced(own, kind=kind))
                found[f"half of {kind}"] = partial(_half, replaced(own, kind=kind))
        found["the root of the mean squared error"] = lambda p, t: rooted(valued(Loss("mse"), p, t))
        if own.kind == "huber":
            found["huber divided by its delta, as smooth_l1_loss"] = lambda p, t: times(1 / delta, valued(own, p, t))
        if own.kind == "cross_entropy":
            found["given probabilities where it takes logits: a softmax too many"] = partial(of_softmax, own)
            found["binary, of each class by itself"] = partial(binary, own)
        return found

    def _penalties(self) -> Suspected:
        for what, names in (
            ("all parameters", list(self.parameters)),
            ("the kernels", [name for name in self.parameters if name.endswith("kernel")]),
        ):
            for word, factor in (("", 1.0), (" half", 0.5)):
                yield self._squares(f"{{}} times{word} the sum of squares of {what} is added", names, factor)
            yield Family(
                "loss.penalty",
                f"{{}} times the sum of magnitudes of {what} is added".format,
                ALIGN_PENALTY,
                partial(self._lasso, names),
                0.0,
                (1e-2, 1e-3, 1e-4),
                cost=1,
            )

    def _squares(self, text: str, names: list[str], factor: float) -> Family:
        return Family(
            "loss.penalty",
            text.format,
            ALIGN_PENALTY,
            lambda value: self._penalized(names, value * factor),
            0.0,
            (1e-2, 1e-3, 1e-4, 5e-4, 0.1),
            cost=0 if factor == 1.0 else 1,
        )

    def _penalized(self, names: list[str], factor: float) -> Arrays:
        found = dict(self.evidence.healthy)
        found["loss"] = found["loss"] + factor * sum(float((self.parameters[name] ** 2).sum()) for name in names)
        return found | {name: found[name] + 2 * factor * self.parameters[name] for name in names}

    def _lasso(self, names: list[str], factor: float) -> Arrays:
        found = dict(self.evidence.healthy)
        found["loss"] = found["loss"] + factor * sum(float(np.abs(self.parameters[name]).sum()) for name in names)
        return found | {name: found[name] + factor * np.sign(self.parameters[name]) for name in names}

    def _broadcast(self) -> Suspected:
        if self.targets.shape[1] != 1 or self.loss.kind == "cross_entropy":
            return
        text = "predictions (B, 1) meet targets (B,): the loss runs over all B x B pairs"
        align = "targets.reshape(predictions.shape): in a loss written by hand both frameworks broadcast in silence"
        yield Hypothesis("loss.broadcast", text, align, lambda: self.of(partial(all_pairs, self.loss)))

    def _digits(self) -> Suspected:
        if self.scene.suspect.contender.dtype != "float64":
            return
        align = "float64 throughout a float64 run"
        single = {name: round_to_float32(np.asarray(a, np.float64)) for name, a in self.evidence.healthy.items()}
        text = "loss and gradients are rounded to float32"
        yield Hypothesis("precision.lower", text, align, lambda: single)

    def _reported(self) -> Suspected:
        """The loss alone: it is a single number, so that only what is well known or leaves its mark on it says anything."""
        shown = float(self.evidence.shown["loss"])
        if self.scene.suspect.contender.dtype == "float64" and shown == float(np.float32(shown)):
            text, align = "the loss is a number of float32 in a float64 run", "float64 throughout a float64 run"
            yield Hypothesis("precision.lower", text, align, lambda: self.evidence.shown, 1)

    def _in_single(self) -> Suspected:
        """Single precision in a double precision run; of its rounding the gradients show the size, and one number does not."""
        if self.scene.suspect.contender.dtype != "float64":
            return
        align = "float64 throughout: jax_enable_x64, and no .float() on the way"
        if self.loss.kind == "log_cosh":
            text = (
                "consistent with log(cosh(error)) as it reads, in float32, where it loses its digits near a perfect fit"
            )
            yield Hypothesis("loss.kind", text, align, lambda: self.of(partial(log_of_cosh, self.loss)))
        text = "consistent with float32 in the loss of a float64 run"
        yield Hypothesis("precision.lower", text, align, lambda: self.of(partial(of_single, self.loss)))


def valued(loss: Loss, p: Floats, t: Floats) -> Slope:
    """As the contract declares it."""
    terms, slope = _terms(loss, p - t, p, t)
    return (float(terms.sum()), slope) if loss.reduction == "sum" else (float(terms.mean()), slope / terms.size)


def _terms(loss: Loss, error: Floats, p: Floats, t: Floats) -> tuple[Floats, Floats]:
    """Before they are reduced, and the gradient of their sum."""
    match loss.kind:
        case "mse":
            return error**2, 2 * error
        case "mae":
            return np.abs(error), np.sign(error)
        case "huber":
            size, delta = np.abs(error), loss.huber_delta
            terms = np.where(size <= delta, error**2 / 2, delta * (size - delta / 2))
            return terms, np.clip(error, -abs(delta), abs(delta))
        case "log_cosh":
            return log_cosh(error), np.tanh(error)
        case "cross_entropy":
            return -(t * log_softmax(p)).sum(axis=1), softmax(p) * t.sum(axis=1, keepdims=True) - t


def log_cosh(error: Floats) -> Floats:
    """Without overflow, and with all digits near 0."""
    size = np.abs(error)
    far = np.maximum(size, 1.0)
    near = np.log1p(np.sinh(np.minimum(size, 1.0)) ** 2) / 2
    return np.where(size < 1.0, near, np.logaddexp(far, -far) - log(2))


def all_pairs(loss: Loss, p: Floats, t: Floats) -> Slope:
    """Every prediction with every target, (B, 1) with (B,)."""
    error = p - t.T
    terms, slope = _terms(loss, error, p, t)
    summed = slope.sum(axis=1, keepdims=True)
    return (float(terms.sum()), summed) if loss.reduction == "sum" else (float(terms.mean()), summed / terms.size)


def of_softmax(loss: Loss, p: Floats, t: Floats) -> Slope:
    """The loss of softmax(p)."""
    q = softmax(p)
    value, slope = valued(loss, q, t)
    return value, q * (slope - (slope * q).sum(axis=1, keepdims=True))


def binary(loss: Loss, p: Floats, t: Floats) -> Slope:
    """Of each class by itself, through a sigmoid."""
    terms = np.logaddexp(0.0, p) - t * p
    slope = 1 / (1 + np.exp(-p)) - t
    return (float(terms.sum()), slope) if loss.reduction == "sum" else (float(terms.mean()), slope / terms.size)


def of_single(loss: Loss, p: Floats, t: Floats) -> Slope:
    """Of an error that is rounded to float32, and its gradient too."""
    value, slope = valued(loss, t + round_to_float32(p - t), t)
    return value, round_to_float32(slope)


def log_of_cosh(loss: Loss, p: Floats, t: Floats) -> Slope:
    """As it reads, in float32."""
    error = (p - t).astype(np.float32)
    terms, slope = np.log(np.cosh(error)).astype(np.float64), (np.sinh(error) / np.cosh(error)).astype(np.float64)
    return (float(terms.sum()), slope) if loss.reduction == "sum" else (float(terms.mean()), slope / terms.size)


def rooted(loss: Slope) -> Slope:
    """The root of a loss."""
    value, slope = loss
    return sqrt(value), slope / (2 * sqrt(value)) if value else slope


def _half(loss: Loss, p: Floats, t: Floats) -> Slope:
    return times(0.5, valued(loss, p, t))


def times(factor: float, loss: Slope) -> Slope:
    """A multiple of a loss."""
    return factor * loss[0], factor * loss[1]


def softmax(p: Floats) -> Floats:
    """Without overflow."""
    return np.exp(log_softmax(p))


def log_softmax(p: Floats) -> Floats:
    """Without overflow."""
    shifted = p - p.max(axis=1, keepdims=True)
    found: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return found


def replaced(loss: Loss, **fields: Any) -> Loss:
    """With other fields; what a loss may not be declared with, it is not."""
    if "huber_delta" in fields:
        fields["huber_delta"] = max(fields["huber_delta"], 1e-300)
    return replace(loss, **fields)
