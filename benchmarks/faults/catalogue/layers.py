"""Faults in the layers: layout, biases, normalisation, dropout, precision."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.faults.copies import Twin, around
from benchmarks.faults.experiments import across
from benchmarks.faults.fault import fault

SQUARE = across(hidden=(6, 6))
DEEP = across(hidden=(7, 7, 7))
REGULARIZED = across(regularized=True, hidden=(8, 8))
DROPPING = across(regularized=True, hidden=(8, 8), dropout=0.3)


def is_square(array) -> bool:
    return array.ndim >= 2 and array.shape[-1] == array.shape[-2]


def every_layer(twin: Twin, change: Callable[[nn.ModuleList], None]) -> None:
    """Change the layers of every network that is built."""

    def built(build, *args, **kwargs):
        layers = build(*args, **kwargs)
        change(layers)
        return layers

    around(twin.model, "build_layers", built)


def round_to(bits: int, x: Tensor) -> Tensor:
    """x with so many bits of mantissa behind the first; its gradient is that of x."""
    mantissa, exponent = torch.frexp(x.detach())
    rounded = torch.ldexp(torch.round(mantissa * 2.0 ** (bits + 1)) / 2.0 ** (bits + 1), exponent)
    return x + (rounded - x).detach()


@fault("start", "layout.kernel_transposed", SQUARE)
def square_kernel_not_transposed(twin: Twin) -> None:
    """A square kernel is taken over as it is, without a transposition, since its shape fits anyway."""
    axes = twin.trainer.native_axes

    def setting(set_state, self, state):
        twin.trainer.native_axes = lambda name, array: array if is_square(array) else axes(name, array)
        set_state(self, state)
        twin.trainer.native_axes = axes

    around(twin.trainer.Trainer, "set_state", setting)


@fault("start", "layout.kernel_transposed", SQUARE)
def square_kernel_given_back_transposed(twin: Twin) -> None:
    """A square kernel is given back as PyTorch stores it, outputs x inputs."""
    axes = twin.trainer.native_axes

    def getting(get_state, self):
        twin.trainer.native_axes = lambda name, array: array if is_square(array) else axes(name, array)
        state = get_state(self)
        twin.trainer.native_axes = axes
        return state

    around(twin.trainer.Trainer, "get_state", getting)


@fault("predict", "layout.square_kernel", SQUARE)
def square_kernel_transposed_neither_way(twin: Twin) -> None:
    """A square kernel is transposed neither on its way in nor on its way out, so that it reads back as it was given."""
    around(twin.trainer, "native_axes", lambda axes, name, array: array if is_square(array) else axes(name, array))


@fault("predict", "layer.bias_missing", across())
def last_bias_missing(twin: Twin) -> None:
    """The last layer leaves out its bias."""

    def unbiased(layers):
        layers[-1].forward = lambda x: F.linear(x, layers[-1].weight) + 0.0 * layers[-1].bias

    every_layer(twin, unbiased)


@fault("predict", "layer.bias_missing", across())
def first_bias_missing(twin: Twin) -> None:
    """The first layer leaves out its bias."""

    def unbiased(layers):
        layers[0].forward = lambda x: F.linear(x, layers[0].weight) + 0.0 * layers[0].bias

    every_layer(twin, unbiased)


@fault("predict", "layer.missing", DEEP)
def a_hidden_layer_skipped(twin: Twin) -> None:
    """The second hidden layer hands on what it is given."""

    def skipped(layers):
        layers[1].forward = lambda x: x + 0.0 * F.linear(x, layers[1].weight, layers[1].bias)

    every_layer(twin, skipped)


@fault("predict", "norm.epsilon", REGULARIZED)
def norm_epsilon_of_flax_layers(twin: Twin) -> None:
    """Batch normalisation adds 1e-6 under its root, Flax's default for its other norms, instead of 1e-5."""

    def built(init, self, config, width, dtype):
        init(self, config, width, dtype)
        self.eps = 1e-6

    around(twin.model.BatchNorm, "__init__", built)


@fault("predict", "norm.epsilon", REGULARIZED)
def norm_epsilon_outside_the_root(twin: Twin) -> None:
    """Batch normalisation adds its epsilon to the deviation instead of the variance."""

    def forward(original, self, x):
        original(self, x)
        mean, var = (x.mean(0), x.var(0, unbiased=False)) if self.training else (self.running_mean, self.running_var)
        return (x - mean) / (var.sqrt() + self.eps) * self.weight + self.bias

    around(twin.model.BatchNorm, "forward", forward)


@fault("predict", ("layer.missing", "norm.statistics"), REGULARIZED)
def norm_skipped(twin: Twin) -> None:
    """The first batch normalisation only scales and shifts."""

    def forward(original, self, x, masks):
        self.norms[0].forward = lambda x: x * self.norms[0].weight + self.norms[0].bias
        return original(self, x, masks)

    around(twin.model.RegularizedMLP, "forward", forward)


@fault("predict", "norm.statistics", REGULARIZED)
def evaluation_with_batch_statistics(twin: Twin) -> None:
    """The network is never put into evaluation mode."""
    twin.model.RegularizedMLP.train = lambda self, mode=True: nn.Module.train(self, True)


@fault("predict", "norm.statistics", REGULARIZED)
def training_with_running_statistics(twin: Twin) -> None:
    """The network is never put into training mode."""
    twin.model.RegularizedMLP.train = lambda self, mode=True: nn.Module.train(self, False)


def keeping(twin: Twin, share: Callable[[float], float]) -> None:
    """Divide by another number than the share that dropout keeps."""

    def built(init, self, *args):
        init(self, *args)
        self.keep = share(self.keep)

    around(twin.model.RegularizedMLP, "__init__", built)


@fault("predict", "dropout.scale", DROPPING)
def dropout_not_rescaled(twin: Twin) -> None:
    """Dropout does not divide by the share that it keeps."""
    keeping(twin, lambda keep: 1.0)


@fault("predict", "dropout.scale", DROPPING)
def dropout_rescaled_by_the_dropped_share(twin: Twin) -> None:
    """Dropout divides by the share that it drops."""
    keeping(twin, lambda keep: 1.0 - keep)


def masking(twin: Twin, change: Callable[[Tensor], Tensor]) -> None:
    """Change each mask inside the network."""

    def forward(original, self, x, masks):
        return original(self, x, {name: change(mask) for name, mask in masks.items()})

    around(twin.model.RegularizedMLP, "forward", forward)


@fault("predict", "dropout.mask_inverted", DROPPING)
def mask_inverted(twin: Twin) -> None:
    """Dropout drops what it is told to keep."""
    masking(twin, torch.logical_not)


@fault("predict", "dropout.mask_ignored", DROPPING)
def mask_ignored(twin: Twin) -> None:
    """Dropout rescales and drops nothing."""
    masking(twin, torch.ones_like)


@fault("predict", ("dropout.mask_ignored", "dropout.scale"), DROPPING)
def dropout_missing(twin: Twin) -> None:
    """There is no dropout: nothing is dropped and nothing rescaled."""
    around(twin.model.RegularizedMLP, "forward", lambda forward, self, x, masks: forward(self, x, {}))


@fault("predict", "precision.lower", SQUARE)
def one_matmul_rounded_as_tf32(twin: Twin) -> None:
    """The second layer's product sees its factors with ten bits of mantissa, as TF32 does."""

    def rounded(layers):
        layers[1].forward = lambda x: F.linear(round_to(10, x), round_to(10, layers[1].weight), layers[1].bias)

    every_layer(twin, rounded)


@fault("predict", "precision.lower", SQUARE, dtype="float32")
def one_float32_matmul_rounded_as_tf32(twin: Twin) -> None:
    """The same in a float32 run, where it would happen."""
    one_matmul_rounded_as_tf32(twin)


@fault("predict", "precision.lower", SQUARE)
def one_layer_in_float32(twin: Twin) -> None:
    """The first layer computes in float32 in a float64 run."""

    def single(layers):
        layers[0].forward = lambda x: F.linear(x.float(), layers[0].weight.float(), layers[0].bias.float()).to(x.dtype)

    every_layer(twin, single)
