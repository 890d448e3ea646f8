"""Faults in the running statistics of batch normalisation."""

from dataclasses import replace

import torch

from benchmarks.faults.copies import Twin, around
from benchmarks.faults.experiments import across
from benchmarks.faults.fault import fault
from benchmarks.faults.library.layers import REGULARIZED


def in_training(twin: Twin, act) -> None:
    """Change the running statistics behind each forward pass in training mode; `act` is given copies from before."""

    def forward(original, self, x):
        before = self.running_mean.clone(), self.running_var.clone()
        y = original(self, x)
        if self.training:
            with torch.no_grad():
                act(self, x, *before)
        return y

    around(twin.model.BatchNorm, "forward", forward)


@fault("step", "norm.variance", REGULARIZED)
def biased_running_variance(twin: Twin) -> None:
    """The running variance is that of nnx.BatchNorm, divided by the rows and not by one less."""

    def biased(norm, x, mean, var):
        kept = (1 - norm.momentum) * var
        norm.running_var.copy_(kept + (norm.running_var - kept) * (len(x) - 1) / len(x))

    in_training(twin, biased)


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

    def restored(norm, x, mean, var):
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(var)

    in_training(twin, restored)


@fault("step", "norm.frozen", REGULARIZED)
def running_variance_never_moves(twin: Twin) -> None:
    """The running variance stays at 1."""
    in_training(twin, lambda norm, x, mean, var: norm.running_var.copy_(var))


@fault("step", "norm.momentum", REGULARIZED)
def statistics_moved_twice(twin: Twin) -> None:
    """Two forward passes a step move the running statistics twice."""

    def again(norm, x, mean, var):
        norm.running_mean.lerp_(x.mean(0), norm.momentum)
        norm.running_var.lerp_(x.var(0), norm.momentum)

    in_training(twin, again)


@fault("trajectory", "state.reset", across(regularized=True, hidden=(8,)))
def statistics_reset_at_step_51(twin: Twin) -> None:
    """The running statistics start anew in front of step 51."""

    def train(original, self, state, losses, feed, scalars, i):
        if i == 50:
            for norm in state.model.norms:
                norm.reset_running_stats()
        return original(self, state, losses, feed, scalars, i)

    around(twin.program.Program, "train", train)
