"""Faults in the running statistics of batch normalisation."""

from dataclasses import replace

import torch

from benchmarks.faults.catalogue.layers import REGULARIZED
from benchmarks.faults.copies import Twin, around
from benchmarks.faults.experiments import across
from benchmarks.faults.fault import fault


def moved_otherwise(twin: Twin, statistics) -> None:
    """Change the running statistics behind each forward pass in training mode.

    `statistics` is given the layer, its inputs and the mean and variance from before, and returns those that are kept.
    """

    def forward(original, self, x):
        mean, var = self.running_mean.clone(), self.running_var.clone()
        y = original(self, x)
        if self.training:
            # Through `data`, because the backward pass refuses statistics that it has seen changed.
            for kept, new in zip((self.running_mean, self.running_var), statistics(self, x, mean, var), strict=True):
                kept.data.copy_(new)
        return y

    around(twin.model.BatchNorm, "forward", forward)


@fault("step", "norm.variance", REGULARIZED)
def biased_running_variance(twin: Twin) -> None:
    """The running variance is that of nnx.BatchNorm, divided by the rows and not by one less."""

    def biased(norm, x, mean, var):
        return norm.running_mean, torch.lerp(var, x.detach().var(0, unbiased=False), norm.momentum)

    moved_otherwise(twin, biased)


@fault("step", "norm.momentum", REGULARIZED)
def momentum_of_the_past(twin: Twin) -> None:
    """The momentum is taken for the weight of the past, as in Flax."""

    def built(init, self, config, width, dtype):
        init(self, replace(config, momentum=1 - config.momentum), width, dtype)

    around(twin.model.BatchNorm, "__init__", built)


@fault("step", "norm.momentum", REGULARIZED)
def momentum_of_flax(twin: Twin) -> None:
    """The newest batch weighs 0.01, Flax's default, for 0.1."""

    def built(init, self, config, width, dtype):
        init(self, replace(config, momentum=0.01), width, dtype)

    around(twin.model.BatchNorm, "__init__", built)


@fault("step", "norm.frozen", REGULARIZED)
def statistics_never_move(twin: Twin) -> None:
    """The running statistics stay at 0 and 1: the updated state is dropped, as jax.jit drops an NNX module's."""
    moved_otherwise(twin, lambda norm, x, mean, var: (mean, var))


@fault("step", "norm.frozen", REGULARIZED)
def running_variance_never_moves(twin: Twin) -> None:
    """The running variance stays at 1."""
    moved_otherwise(twin, lambda norm, x, mean, var: (norm.running_mean, var))


@fault("step", "norm.momentum", REGULARIZED)
def statistics_moved_twice(twin: Twin) -> None:
    """Two forward passes a step move the running statistics twice."""

    def again(norm, x, mean, var):
        x = x.detach()
        once = norm.running_mean, norm.running_var
        return [torch.lerp(*pair, norm.momentum) for pair in zip(once, (x.mean(0), x.var(0)), strict=True)]

    moved_otherwise(twin, again)


@fault("trajectory", "state.reset", across(regularized=True, hidden=(8,)))
def statistics_reset_at_step_51(twin: Twin) -> None:
    """The running statistics start anew in front of step 51."""

    def train(original, self, state, losses, feed, scalars, i):
        if i == 50:
            for norm in state.model.norms:
                norm.running_mean.zero_()
                norm.running_var.fill_(1.0)
        return original(self, state, losses, feed, scalars, i)

    around(twin.program.Program, "train", train)
