"""What may be wrong where gradients differ behind a loss that does not."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from parity.contract import Arrays, RegularizedMLP
from parity.ladder.causes.hypothesis import Family, Hypothesis, Judged, Suspected, judged
from parity.ladder.causes.loss import Slope, valued
from parity.ladder.causes.network import Floats, Network, leaky, round_to, round_to_float32
from parity.ladder.causes.scene import Scene
from parity.ladder.causes.tensors import groups

Edit = Callable[[Floats], Floats]
"""Of the gradient of a tensor."""


def gradient_causes(scene: Scene) -> list[Judged]:
    """What would make the suspect's gradients of the healthy side's."""
    return Gradients(scene).judged()


class Gradients:
    """Gradients with something altered, by hand or computed anew."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.config, self.batch = scene, scene.config, scene.batch
        self.parameters = scene.state.parameters
        self.network = Network.of(self.config.model)
        self.evidence = scene.evidence(lambda view: view.gradients)
        self.healthy = {name: g.astype(np.float64) for name, g in self.evidence.healthy.items()}

    def judged(self) -> list[Judged]:
        """The hypotheses that hold."""
        return judged(self.hypotheses(), self.evidence.roughened(self.of(self.network)))

    def of(self, network: Network, slope: Callable[[Floats, Floats], Slope] | None = None) -> Arrays:
        """Through another network, or from another slope of the loss."""
        state, batch = self.scene.state, self.batch
        p, backward = network.run(state.parameters, state.buffers, batch.inputs, True, batch.masks)
        return backward((slope(p, batch.targets) if slope else valued(self.config.loss, p, batch.targets))[1])

    def hypotheses(self) -> Suspected:
        """All of them, the likelier first."""
        yield from self._conventions()
        yield from self._tensors()
        yield from self._factors()
        yield from self._penalties()
        yield from self._digits()

    def _edited(self, code: str, text: str, align: str, names: list[str], edit: Edit) -> Hypothesis:
        found = {name: edit(g) if name in names else g for name, g in self.healthy.items()}
        return Hypothesis(code, text, align, lambda: found)

    def _conventions(self) -> Suspected:
        align = "relu, never maximum or clamp: relu'(0) is 0, clamp's 1 and maximum's 1/2; |x|'(0) is 0 in torch and 1 in JAX"
        slopes = {"relu": 0.0, "leaky_relu": 0.01}
        if self.config.model.activation in slopes:
            asked = slopes[self.config.model.activation]
            for at_zero in (0.0, asked, 0.5, (1 + asked) / 2, 1.0):
                text = f"the slope of {self.config.model.activation} at 0 is {at_zero:g}"
                network = replace(self.network, activation=leaky(asked, at_zero))
                yield Hypothesis("gradient.kink", text, align, partial(self.of, network))
        if self.config.loss.kind == "mae":
            for sign in (1.0, -1.0, 0.0):
                text = f"the slope of the absolute error at 0 is {sign:g}"
                yield Hypothesis("gradient.kink", text, align, partial(self.of, self.network, self._mae(sign)))
        if isinstance(self.config.model, RegularizedMLP):
            text = "no gradient flows through the mean and variance of the batch"
            align = "differentiate through the statistics of the batch: no .detach(), no stop_gradient on them"
            network = replace(self.network, detached=True)
            yield Hypothesis("norm.detached", text, align, partial(self.of, network))

    def _mae(self, at_zero: float) -> Callable[[Floats, Floats], Slope]:
        def slope(p: Floats, t: Floats) -> Slope:
            value, found = valued(self.config.loss, p, t)
            scale = 1.0 if self.config.loss.reduction == "sum" else 1 / p.size
            return value, np.where(p == t, at_zero * scale, found)

        return slope

    def _tensors(self) -> Suspected:
        for names, what in groups(self.healthy):
            align = "requires_grad and no .detach() (PyTorch); nnx.Param and no stop_gradient (Flax)"
            yield self._edited("gradient.frozen", f"{what} gets no gradient", align, names, np.zeros_like)
            text, align = f"the gradient of {what} has the wrong sign", "the gradient of the loss, not of its negative"
            yield self._edited("gradient.sign", text, align, names, np.negative)
        square = [name for name, g in self.healthy.items() if g.ndim == 2 and g.shape[0] == g.shape[1] > 1]
        for names in (*([name] for name in square), square):
            if names:
                text = f"the gradient of {' and '.join(names)} is transposed"
                align = "nn.Linear stores outputs x inputs, nnx.Linear inputs x outputs: transpose gradients as kernels"
                yield self._edited("gradient.transposed", text, align, names, np.transpose)

    def _factors(self) -> Suspected:
        rows, outputs = self.batch.targets.shape
        align = "the gradient of the very loss that is told: the same reduction, no factor, no second backward pass"
        sizes = (rows, outputs, rows * outputs)
        known = (0.5, 2.0, *(size for size in sizes if size != 1), *(1 / size for size in sizes if size != 1))
        clip = self._clip_scale()
        for names, what in groups(self.healthy):
            text = f"the gradient of {what} is {{}} times what it should be"
            yield Family("gradient.scale", text.format, align, partial(self._scaled, names), 1.0, known)
        if clip is not None:
            text, align = "the gradient is clipped already", "clip behind loss_and_grads"
            yield Hypothesis("gradient.scale", text, align, partial(self._scaled, list(self.healthy), clip))

    def _scaled(self, names: list[str], factor: float) -> Arrays:
        return {name: factor * g if name in names else g for name, g in self.healthy.items()}

    def _clip_scale(self) -> float | None:
        if self.config.clip_norm is None:
            return None
        norm = float(np.sqrt(sum((g**2).sum() for g in self.healthy.values())))
        return min(1.0, self.config.clip_norm / (norm + 1e-6))

    def _penalties(self) -> Suspected:
        align = "no weight decay in the gradients: it belongs to the optimizer"
        for names, what in groups(self.healthy):
            text = f"{{}} times the parameters themselves is added to the gradient of {what}"
            known = (1e-2, 1e-3, 1e-4, 2e-3, 5e-4, 0.1)
            yield Family("gradient.penalty", text.format, align, partial(self._penalized, names), 0.0, known)

    def _penalized(self, names: list[str], factor: float) -> Arrays:
        return {n: g + factor * self.parameters[n] if n in names else g for n, g in self.healthy.items()}

    def _digits(self) -> Suspected:
        align = "full precision: float64 throughout a float64 run, no TF32 or bfloat16 in products"
        roundings = {"10 bits of mantissa (TF32, float16)": round_to(10), "7 bits of mantissa (bfloat16)": round_to(7)}
        if self.scene.suspect.contender.dtype == "float64":
            roundings = {"float32": round_to_float32, **roundings}
        for what, rounding in roundings.items():
            for names, which in groups(self.healthy):
                text = f"the gradient of {which} is rounded to {what}"
                yield self._edited("precision.lower", text, align, names, rounding)
