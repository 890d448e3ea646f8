"""Faults in the update: other constants, other places of a constant, other rules."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from benchmarks.faults.copies import Twin, around
from benchmarks.faults.experiments import ANY, across
from benchmarks.faults.fault import fault
from parity.contract import SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, Lion, NAdam, RAdam, RMSprop

ADAM = across(optimizer=Adam(1e-2))
ADAMW = across(optimizer=AdamW(1e-2, weight_decay=0.05))
MOMENTUM = across(optimizer=SGD(0.05, momentum=0.9))
CLIPPED = across(clip_norm=0.1)


def with_constants(twin: Twin, kind: type, **constants: float) -> None:
    """Build an optimizer with other constants than it is told."""
    build = twin.optimizers.OPTIMIZERS[kind]
    twin.optimizers.OPTIMIZERS[kind] = lambda config, parameters: build(replace(config, **constants), parameters)


def before_each_step(twin: Twin, kind: type, act: Callable[[torch.optim.Optimizer, Any], None]) -> None:
    """Do something with the optimizer and its config in front of each of its steps."""
    build = twin.optimizers.OPTIMIZERS[kind]

    def built(config, parameters):
        optimizer = build(config, parameters)
        step = optimizer.step

        def acted():
            with torch.no_grad():
                act(optimizer, config)
            step()

        optimizer.step = acted
        return optimizer

    twin.optimizers.OPTIMIZERS[kind] = built


class Moments(torch.optim.Optimizer):
    """Adam with its update left open: `update(p, m, v, t, config)` is what is subtracted, over the rate."""

    def __init__(self, parameters: Any, config: Any, update: Callable[..., Tensor]) -> None:
        super().__init__(parameters, {"lr": config.learning_rate})
        self.config, self.update = config, update

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        b1, b2, group = self.config.b1, self.config.b2, self.param_groups[0]
        for p in group["params"]:
            state = self.state[p]
            state["step"] += 1
            state["exp_avg"].mul_(b1).add_(p.grad, alpha=1 - b1)
            state["exp_avg_sq"].mul_(b2).addcmul_(p.grad, p.grad, value=1 - b2)
            update = self.update(p, state["exp_avg"], state["exp_avg_sq"], state["step"].item(), self.config)
            p.sub_(group["lr"] * update)


def with_update(twin: Twin, kind: type, update: Callable[..., Tensor]) -> None:
    twin.optimizers.OPTIMIZERS[kind] = lambda config, parameters: Moments(parameters, config, update)


def corrected(m: Tensor, v: Tensor, t: int, c: Any) -> Tensor:
    """Adam's own update."""
    return m / (1 - c.b1**t) / ((v / (1 - c.b2**t)).sqrt() + c.eps)


@fault("step", "optimizer.b1", ADAM)
def adam_b1_of_08(twin: Twin) -> None:
    """Adam's b1 is 0.8 for 0.9."""
    with_constants(twin, Adam, b1=0.8)


@fault("step", "optimizer.b2", ADAM)
def adam_b2_of_099(twin: Twin) -> None:
    """Adam's b2 is 0.99 for 0.999."""
    with_constants(twin, Adam, b2=0.99)


@fault("step", "optimizer.b2", across(optimizer=Adamax(5e-3)))
def adamax_b2_of_09999(twin: Twin) -> None:
    """Adamax's b2 is 0.9999 for 0.999."""
    with_constants(twin, Adamax, b2=0.9999)


@fault("step", "optimizer.eps", ADAM)
def adam_eps_of_1e_7(twin: Twin) -> None:
    """Adam's eps is 1e-7, Keras' default, for 1e-8."""
    with_constants(twin, Adam, eps=1e-7)


@fault("step", "optimizer.eps", across(optimizer=Adadelta(1.0)))
def adadelta_eps_of_1e_7(twin: Twin) -> None:
    """Adadelta's eps is 1e-7 for 1e-6."""
    with_constants(twin, Adadelta, eps=1e-7)


@fault("step", "optimizer.eps", across(optimizer=Adagrad(0.05)))
def adagrad_eps_of_1e_7(twin: Twin) -> None:
    """Adagrad's eps is 1e-7, Optax's default, for 1e-10."""
    with_constants(twin, Adagrad, eps=1e-7)


@fault("step", "optimizer.decay", across(optimizer=RMSprop(3e-3)))
def rmsprop_decay_of_09(twin: Twin) -> None:
    """RMSprop's decay is 0.9, Optax's default, for 0.99."""
    with_constants(twin, RMSprop, decay=0.9)


@fault("step", "optimizer.decay", across(optimizer=Adadelta(1.0)))
def adadelta_decay_of_095(twin: Twin) -> None:
    """Adadelta's decay is 0.95 for 0.9."""
    with_constants(twin, Adadelta, decay=0.95)


@fault("step", "optimizer.momentum", MOMENTUM)
def momentum_of_08(twin: Twin) -> None:
    """The momentum is 0.8 for 0.9."""
    with_constants(twin, SGD, momentum=0.8)


@fault("step", "optimizer.nesterov", across(optimizer=SGD(0.05, momentum=0.9, nesterov=True)))
def nesterov_missing(twin: Twin) -> None:
    """The momentum does not look ahead."""
    with_constants(twin, SGD, nesterov=False)


@fault("step", "optimizer.weight_decay", ADAMW)
def adamw_decay_of_optax(twin: Twin) -> None:
    """AdamW's decay is 1e-4, Optax's default, for 0.05."""
    with_constants(twin, AdamW, weight_decay=1e-4)


@fault("step", "optimizer.weight_decay", across(optimizer=Lion(1e-3, weight_decay=0.1)))
def lion_decay_missing(twin: Twin) -> None:
    """Lion does not decay the weights."""
    with_constants(twin, Lion, weight_decay=0.0)


@fault("step", ("optimizer.momentum_decay", "optimizer.kind"), across(optimizer=NAdam(2e-3)))
def nadam_with_constant_mu(twin: Twin) -> None:
    """NAdam's mu does not rise, as in Optax: its product is that of b1 / 2."""
    scalars = twin.optimizers.SCALARS[NAdam]
    twin.optimizers.SCALARS[NAdam] = lambda c, rate, t: scalars(replace(c, momentum_decay=0.0), rate, t)


@fault("step", "optimizer.learning_rate", ADAM)
def rate_a_tenth_too_high(twin: Twin) -> None:
    """The learning rate is 10 % too high."""
    around(twin.optimizers, "learning_rates", lambda rates, *args: 1.1 * rates(*args))


@fault("step", "optimizer.learning_rate", across())
def rate_a_billionth_too_high(twin: Twin) -> None:
    """The learning rate is a billionth too high."""
    around(twin.optimizers, "learning_rates", lambda rates, *args: (1 + 1e-9) * rates(*args))


@fault("step", "optimizer.bias_correction", ADAM)
def adam_uncorrected(twin: Twin) -> None:
    """Adam's moments are not corrected for their start at zero."""
    with_update(twin, Adam, lambda p, m, v, t, c: m / (v.sqrt() + c.eps))


@fault("step", "optimizer.bias_correction", across(optimizer=AdamW(5e-3)))
def bias_correction_a_step_ahead(twin: Twin) -> None:
    """AdamW corrects its moments as if it had done a step more."""
    around(twin.trainer.Trainer, "_step_count", lambda count, self, step: count(self, step + 1))


@fault("step", "optimizer.bias_correction", ADAM)
def count_of_steps_not_advanced(twin: Twin) -> None:
    """Adam corrects its moments at every step as at the first."""

    def forget(optimizer, config):
        for state in optimizer.state.values():
            state["step"].zero_()

    before_each_step(twin, Adam, forget)


@fault("step", "optimizer.eps_place", ADAM)
def adam_eps_inside_the_root(twin: Twin) -> None:
    """Adam's eps stands under the root."""
    with_update(twin, Adam, lambda p, m, v, t, c: m / (1 - c.b1**t) / (v / (1 - c.b2**t) + c.eps).sqrt())


@fault("step", "optimizer.eps_place", ADAM)
def adam_eps_before_the_correction(twin: Twin) -> None:
    """Adam's eps is added to the root of the uncorrected moment."""
    with_update(twin, Adam, lambda p, m, v, t, c: m / (1 - c.b1**t) * (1 - c.b2**t) ** 0.5 / (v.sqrt() + c.eps))


@fault("step", "optimizer.eps_place", across(optimizer=RMSprop(3e-3, eps=1e-6)))
def rmsprop_eps_inside_the_root(twin: Twin) -> None:
    """RMSprop's eps stands under the root, as Optax has it."""

    class Inside(torch.optim.Optimizer):
        @torch.no_grad()
        def step(self, closure: None = None) -> None:
            (group,) = self.param_groups
            for p in group["params"]:
                v = self.state[p]["square_avg"]
                v.mul_(group["decay"]).addcmul_(p.grad, p.grad, value=1 - group["decay"])
                p.sub_(group["lr"] * p.grad / (v + group["eps"]).sqrt())

    twin.optimizers.OPTIMIZERS[RMSprop] = lambda c, parameters: Inside(
        parameters, {"lr": c.learning_rate, "decay": c.decay, "eps": c.eps}
    )


@fault("step", "optimizer.decay_coupled", ADAMW)
def adamw_decay_in_the_gradient(twin: Twin) -> None:
    """AdamW's decay is an L2 term of the gradient, as Adam's weight_decay is."""
    twin.optimizers.OPTIMIZERS[AdamW] = lambda c, parameters: torch.optim.Adam(
        parameters, c.learning_rate, (c.b1, c.b2), c.eps, c.weight_decay, fused=True
    )


@fault("step", "optimizer.decay_coupled", across(optimizer=SGD(0.05, momentum=0.9, weight_decay=0.02)))
def sgd_decay_decoupled(twin: Twin) -> None:
    """The decay of gradient descent acts on the weights alone, and not on the velocity."""
    with_constants(twin, SGD, weight_decay=0.0)

    def decay(optimizer, config):
        (group,) = optimizer.param_groups
        for p in group["params"]:
            p.mul_(1 - group["lr"] * 0.02)

    before_each_step(twin, SGD, decay)


@fault("step", "optimizer.decay_tensors", ADAMW)
def biases_not_decayed(twin: Twin) -> None:
    """AdamW decays the kernels alone."""
    with_update(twin, AdamW, lambda p, m, v, t, c: corrected(m, v, t, c) + (c.weight_decay * p if p.ndim > 1 else 0.0))


@fault("step", "optimizer.decay_tensors", ADAMW)
def last_bias_not_decayed(twin: Twin) -> None:
    """AdamW decays every tensor but the last bias."""

    def built(build, config, parameters):
        parameters = list(parameters)
        exempt = parameters[-1]
        decayed = lambda p, m, v, t, c: corrected(m, v, t, c) + (0.0 if p is exempt else c.weight_decay * p)  # noqa: E731
        return Moments(parameters, config, decayed)

    around(twin.program, "build_optimizer", built)


@fault("step", "optimizer.weight_decay", ADAMW)
def decay_without_the_rate(twin: Twin) -> None:
    """AdamW's decay is not multiplied by the learning rate."""

    def decay(optimizer, config):
        for p in optimizer.param_groups[0]["params"]:
            p.mul_((1 - config.weight_decay) / (1 - optimizer.param_groups[0]["lr"] * config.weight_decay))

    before_each_step(twin, AdamW, decay)


@fault("step", "optimizer.dampening", MOMENTUM)
def momentum_with_dampening(twin: Twin) -> None:
    """The velocity takes a tenth of the gradient, as a moment would."""
    twin.optimizers.OPTIMIZERS[SGD] = lambda c, parameters: torch.optim.SGD(
        parameters, c.learning_rate, c.momentum, dampening=c.momentum, fused=True
    )


@fault("step", "optimizer.amsgrad", across(optimizer=Adam(1e-2, b2=0.5), batch_size=8))
def amsgrad(twin: Twin) -> None:
    """Adam divides by the largest second moment so far."""

    def filled(fill, self, native, state):
        fill(self, native, state)
        for slots in native.optimizer.state.values():
            slots["max_exp_avg_sq"] = torch.zeros_like(slots["exp_avg_sq"])

    around(twin.trainer.Trainer, "_fill", filled)
    twin.optimizers.OPTIMIZERS[Adam] = lambda c, parameters: torch.optim.Adam(
        parameters, c.learning_rate, (c.b1, c.b2), c.eps, amsgrad=True, fused=True
    )


@fault("step", ("optimizer.kind", "optimizer.momentum_decay"), across(optimizer=NAdam(2e-3)))
def adam_for_nadam(twin: Twin) -> None:
    """The optimizer is Adam where NAdam was asked for."""
    twin.optimizers.OPTIMIZERS[NAdam] = lambda c, parameters: torch.optim.Adam(
        parameters, c.learning_rate, (c.b1, c.b2), c.eps, fused=True
    )


@fault("step", "optimizer.kind", across(optimizer=RAdam(5e-3)))
def adam_for_radam(twin: Twin) -> None:
    """The optimizer is Adam where RAdam was asked for: no rectification."""
    twin.optimizers.OPTIMIZERS[RAdam] = twin.optimizers.OPTIMIZERS[Adam]


@fault("step", "optimizer.kind", across(optimizer=Adam(1e-2)))
def adamax_for_adam(twin: Twin) -> None:
    """Adam divides by the largest gradient so far, decayed, as Adamax does, under Adam's name of the slot."""

    def infinity(optimizer, config):
        for p in optimizer.param_groups[0]["params"]:
            slots = optimizer.state[p]
            slots["exp_avg_sq"].copy_(torch.maximum(slots["exp_avg_sq"], p.grad.square()))

    before_each_step(twin, Adam, infinity)


@fault("step", ("optimizer.kind", "optimizer.b1"), across(optimizer=Lion(1e-3)))
def sign_of_the_gradient_alone(twin: Twin) -> None:
    """Lion takes the sign of the gradient, without its momentum."""
    with_constants(twin, Lion, b1=0.0)


@fault("step", ("precision.lower", "dtype.rounded"), ADAM)
def second_moment_in_float32(twin: Twin) -> None:
    """Adam keeps its second moment in float32 in a float64 run."""

    def rounded(optimizer, config):
        for slots in optimizer.state.values():
            slots["exp_avg_sq"].copy_(slots["exp_avg_sq"].float())

    before_each_step(twin, Adam, rounded)


@fault("step", "clip.missing", CLIPPED)
def clipping_missing(twin: Twin) -> None:
    """The gradient is not clipped."""
    around(twin.program, "clip_by_global_norm", lambda clip, parameters, largest, **how: None)


@fault("step", "clip.norm", CLIPPED)
def clipping_per_tensor(twin: Twin) -> None:
    """Each tensor's gradient is clipped by its own norm."""

    def each(clip, parameters, largest, **how):
        for parameter in parameters:
            clip([parameter], largest, **how)

    around(twin.program, "clip_by_global_norm", each)


@fault("step", "clip.norm", CLIPPED)
def clipping_without_its_millionth(twin: Twin) -> None:
    """The gradient is scaled by c / norm, as Optax has it, where PyTorch adds 1e-6 to the norm."""

    def exact(clip, parameters, largest, **how):
        norm = torch.sqrt(sum(p.grad.square().sum() for p in parameters))
        for parameter in parameters:
            parameter.grad = parameter.grad * torch.clamp(largest / norm, max=1.0)

    around(twin.program, "clip_by_global_norm", exact)


@fault("step", "clip.norm", CLIPPED)
def clipping_by_value(twin: Twin) -> None:
    """Each element of the gradient is clipped by itself, at a hundredth."""
    around(
        twin.program,
        "clip_by_global_norm",
        lambda clip, parameters, largest, **how: torch.nn.utils.clip_grad_value_(parameters, largest / 10),
    )


@fault("step", "clip.norm", across(*ANY, clip_norm=0.05, optimizer=SGD(0.5)))
def clipping_by_the_largest_element(twin: Twin) -> None:
    """The gradient is clipped by its largest element, the infinity norm."""
    around(
        twin.program,
        "clip_by_global_norm",
        lambda clip, parameters, largest, **how: torch.nn.utils.clip_grad_norm_(
            parameters, largest, norm_type=float("inf")
        ),
    )
