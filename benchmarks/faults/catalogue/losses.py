"""Faults in the loss: its reduction, factor, kind and shape."""

import torch
import torch.nn.functional as F

from benchmarks.faults.copies import Twin, around
from benchmarks.faults.experiments import ANY, ONE_OUTPUT, REGRESSION, STEEP, TWO_OUTPUTS, across, small
from benchmarks.faults.fault import fault
from parity.contract import SGD, Loss

MSE = across(*REGRESSION, loss=Loss("mse"))
HUBER = across(*REGRESSION, loss=Loss("huber", huber_delta=0.4))
BINARY = tuple(small(**(ONE_OUTPUT | {"seed": seed})) for seed in (0, 1, 2))
SEVERAL = (
    *across(TWO_OUTPUTS, STEEP, loss=Loss("mse")),
    small(**(TWO_OUTPUTS | {"loss": Loss("mse"), "batch_size": None, "optimizer": SGD(0.1)})),
)


@fault("loss", "loss.reduction", MSE)
def loss_summed(twin: Twin) -> None:
    """The squared errors are summed where their mean was asked for."""
    twin.losses.LOSSES["mse"] = lambda p, t, reduction: F.mse_loss(p, t, reduction="sum")


@fault("loss", "loss.reduction", across(*REGRESSION, loss=Loss("mse", "sum"), optimizer=SGD(1e-3)))
def loss_averaged(twin: Twin) -> None:
    """The squared errors are averaged where their sum was asked for."""
    twin.losses.LOSSES["mse"] = lambda p, t, reduction: F.mse_loss(p, t, reduction="mean")


@fault("loss", "loss.reduction", SEVERAL)
def mean_over_the_batch_only(twin: Twin) -> None:
    """The squared errors are summed over the outputs and averaged over the rows."""
    twin.losses.LOSSES["mse"] = lambda p, t, reduction: ((p - t) ** 2).sum(dim=1).mean()


@fault("loss", "loss.factor", MSE)
def half_the_squared_error(twin: Twin) -> None:
    """The loss is half the squared error, as optax.l2_loss has it."""
    twin.losses.LOSSES["mse"] = lambda p, t, reduction: F.mse_loss(p, t, reduction=reduction) / 2


@fault("loss", ("loss.factor", "loss.kind"), HUBER)
def huber_divided_by_delta(twin: Twin) -> None:
    """Huber's loss is divided by its delta, as F.smooth_l1_loss has it."""
    twin.losses.LOSSES["huber"] = lambda p, t, reduction, delta: F.smooth_l1_loss(p, t, reduction=reduction, beta=delta)


@fault("loss", "loss.delta", HUBER)
def huber_with_its_default_delta(twin: Twin) -> None:
    """Huber's loss turns into a line at 1, the default, and not where it was told to."""
    twin.losses.LOSSES["huber"] = lambda p, t, reduction, delta: F.huber_loss(p, t, reduction=reduction)


@fault("loss", "loss.kind", MSE)
def absolute_for_squared_error(twin: Twin) -> None:
    """The loss is the absolute error where the squared one was asked for."""
    twin.losses.LOSSES["mse"] = twin.losses.LOSSES["mae"]


@fault("loss", "loss.kind", MSE)
def root_of_the_squared_error(twin: Twin) -> None:
    """The loss is the root of the mean squared error."""
    twin.losses.LOSSES["mse"] = lambda p, t, reduction: F.mse_loss(p, t).sqrt()


@fault("loss", ("loss.kind", "activation.last_layer"), tuple(small(**(ANY[2] | {"seed": seed})) for seed in (0, 1, 2)))
def softmax_twice(twin: Twin) -> None:
    """The cross entropy is given probabilities where it takes logits."""
    around(twin.losses, "cross_entropy", lambda loss, p, t, reduction: loss(p.softmax(dim=1), t, reduction))
    twin.losses.LOSSES["cross_entropy"] = twin.losses.cross_entropy


@fault("loss", "loss.broadcast", BINARY)
def every_prediction_with_every_target(twin: Twin) -> None:
    """Predictions (B, 1) meet targets (B,), and broadcast to the B x B differences."""
    twin.losses.LOSSES["mse"] = lambda p, t, reduction: ((p - t.squeeze(1)) ** 2).mean()


@fault("loss", "loss.penalty", across())
def weights_penalized(twin: Twin) -> None:
    """A penalty of 1e-3 times the squared weights is added to the loss."""

    def built(init, self, *args):
        init(self, *args)
        loss = self.loss
        self.loss = lambda p, t: loss(p, t) + self.penalty

    def differentiated(original, self, state, batch, training):
        self.penalty = 1e-3 * sum(p.square().sum() for p in state.parameters.values())
        return original(self, state, batch, training)

    around(twin.program.Program, "__init__", built)
    around(twin.program.Program, "loss_and_grads", differentiated)


@fault("loss", "precision.lower", across())
def loss_in_float32(twin: Twin) -> None:
    """The loss is accumulated in float32 in a float64 run."""

    def single(build, config):
        loss = build(config)
        return lambda p, t: loss(p.float(), t.float()).to(p.dtype)

    around(twin.program, "build_loss", single)


@fault("loss", ("loss.kind", "precision.lower"), across(*REGRESSION, loss=Loss("log_cosh")))
def log_cosh_through_cosh(twin: Twin) -> None:
    """log cosh is written as it reads and in float32, where it loses its digits near a perfect fit."""
    twin.losses.LOSSES["log_cosh"] = lambda p, t, reduction: twin.losses.reduce(
        torch.log(torch.cosh((p - t).float())).to(p.dtype), reduction
    )
