"""Faults in the gradients, behind a loss that is right."""

from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.faults.catalogue.layers import REGULARIZED, SQUARE, round_to
from benchmarks.faults.copies import Twin, around
from benchmarks.faults.experiments import across
from benchmarks.faults.fault import fault
from parity.contract import SGD

# Zero biases and few units: where all units of a layer are dead, the next layer's sums are exactly 0.
KINKED = across(hidden=(2, 3, 3), activation="relu", initializer="lecun_normal", batch_size=None)


def each_gradient(twin: Twin, change: Callable[[str, Tensor, Tensor], Tensor]) -> None:
    """Change gradients; `change` is given PyTorch's name, the gradient and the parameter."""

    def differentiated(original, self, state, batch, training):
        loss, gradients = original(self, state, batch, training)
        return loss, {name: change(name, g, state.parameters[name].detach()) for name, g in gradients.items()}

    around(twin.program.Program, "loss_and_grads", differentiated)


@fault("gradients", "gradient.scale", across())
def gradients_halved(twin: Twin) -> None:
    """All gradients are half of what they should be."""
    each_gradient(twin, lambda name, g, p: g / 2)


@fault("gradients", "gradient.scale", across())
def gradients_summed_over_the_batch(twin: Twin) -> None:
    """The loss is a mean and its gradients a sum over the 16 rows of the batch."""
    each_gradient(twin, lambda name, g, p: g * 16)


@fault("gradients", "gradient.scale", across())
def bias_gradients_summed_over_the_batch(twin: Twin) -> None:
    """The gradients of the biases alone are summed over the 16 rows."""
    each_gradient(twin, lambda name, g, p: g * 16 if name.endswith("bias") else g)


@fault("gradients", "gradient.frozen", across())
def first_kernel_without_gradient(twin: Twin) -> None:
    """The first kernel gets no gradient."""
    each_gradient(twin, lambda name, g, p: torch.zeros_like(g) if name == "layers.0.weight" else g)


@fault("gradients", "gradient.sign", across())
def first_bias_climbs(twin: Twin) -> None:
    """The gradient of the first bias has the wrong sign."""
    each_gradient(twin, lambda name, g, p: -g if name == "layers.0.bias" else g)


@fault("gradients", "gradient.transposed", SQUARE)
def gradient_of_the_square_kernel_transposed(twin: Twin) -> None:
    """The gradient of a square kernel is transposed."""
    each_gradient(twin, lambda name, g, p: g.T if name == "layers.1.weight" else g)


@fault("gradients", "gradient.penalty", across())
def gradients_with_a_penalty(twin: Twin) -> None:
    """An L2 term of 1e-3 stands in the gradients, and not in the loss."""
    each_gradient(twin, lambda name, g, p: g + 1e-3 * p)


@fault("gradients", "precision.lower", across(optimizer=SGD(0.1)))
def gradient_of_one_kernel_in_bfloat16(twin: Twin) -> None:
    """The gradient of the first kernel is rounded to seven bits of mantissa."""
    each_gradient(twin, lambda name, g, p: round_to(7, g) if name == "layers.0.weight" else g)


@fault("gradients", "precision.lower", across())
def gradients_in_float32(twin: Twin) -> None:
    """The gradients pass through float32 in a float64 run."""
    each_gradient(twin, lambda name, g, p: g.float().to(g.dtype))


@fault("gradients", "gradient.kink", KINKED)
def slope_one_at_the_kink(twin: Twin) -> None:
    """relu has the slope 1 at 0, as clamp has it."""
    twin.model.ACTIVATIONS["relu"] = lambda x: x.clamp(min=0.0)


@fault("gradients", "norm.detached", REGULARIZED)
def batch_statistics_detached(twin: Twin) -> None:
    """The gradient does not flow through the mean and variance of the batch."""

    def forward(original, self, x):
        moved = original(self, x)
        if not self.training:
            return moved
        mean, var = x.mean(0).detach(), x.var(0, unbiased=False).detach()
        return (x - mean) / (var + self.eps).sqrt() * self.weight + self.bias

    around(twin.model.BatchNorm, "forward", forward)


@fault("step", "gradient.accumulated", across())
def gradients_accumulated(twin: Twin) -> None:
    """No zero_grad: every step adds its gradients to those of all steps before."""

    def step(original, self, state, batch, scalars):
        before = {p: p.grad for p in state.parameters.values() if p.grad is not None}
        differentiate = self.loss_and_grads

        def added(state, batch, training):
            loss, gradients = differentiate(state, batch, training)
            return loss, {name: g + before.get(state.parameters[name], 0.0) for name, g in gradients.items()}

        self.loss_and_grads = added
        try:
            return original(self, state, batch, scalars)
        finally:
            del self.loss_and_grads

    around(twin.program.Program, "step", step)
