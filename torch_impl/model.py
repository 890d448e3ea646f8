"""The networks, and their activations aligned constant by constant."""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from math import pi, sqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from parity.contract import MLP as MLPConfig
from parity.contract import Model as ModelConfig
from parity.contract import RegularizedMLP as RegularizedMLPConfig
from parity.contract.models import ELU_ALPHA, LEAKY_RELU_SLOPE

Masks = Mapping[str, Tensor]


def identity(x: Tensor) -> Tensor:
    return x


def gelu_tanh(x: Tensor) -> Tensor:
    # Both frameworks take (1 + tanh u) / 2, which loses its digits where tanh is near -1; sigmoid(2 u) is the same.
    return x * torch.sigmoid(2.0 * sqrt(2.0 / pi) * (x + 0.044715 * x**3))


ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "tanh": torch.tanh,
    "silu": F.silu,
    "gelu": partial(F.gelu, approximate="none"),
    "gelu_tanh": gelu_tanh,
    "sigmoid": torch.sigmoid,
    # Behind the threshold PyTorch returns x itself: at its default of 20 that is 2e-9 off in float64, at 40 nothing.
    "softplus": partial(F.softplus, threshold=40.0),
    "leaky_relu": partial(F.leaky_relu, negative_slope=LEAKY_RELU_SLOPE),
    "elu": partial(F.elu, alpha=ELU_ALPHA),
    "identity": identity,
}


class MLP(nn.Module):
    def __init__(self, config: MLPConfig, inputs: int, outputs: int, dtype: str) -> None:
        super().__init__()
        widths = (inputs, *config.hidden, outputs)
        self.layers = build_layers(widths, dtype)
        self.activation = ACTIVATIONS[config.activation]

    def forward(self, x: Tensor, masks: Masks) -> Tensor:
        *hidden, last = self.layers
        for layer in hidden:
            x = self.activation(layer(x))
        return last(x)


class RegularizedMLP(nn.Module):
    def __init__(self, config: RegularizedMLPConfig, inputs: int, outputs: int, dtype: str) -> None:
        super().__init__()
        widths = (inputs, *config.hidden, outputs)
        self.layers = build_layers(widths, dtype, hidden_bias=False)
        self.norms = nn.ModuleList(BatchNorm(config, width, dtype) for width in config.hidden)
        self.activation = ACTIVATIONS[config.activation]
        self.keep = 1.0 - config.dropout

    def forward(self, x: Tensor, masks: Masks) -> Tensor:
        *hidden, last = self.layers
        for i, (layer, norm) in enumerate(zip(hidden, self.norms, strict=True)):
            x = self.activation(norm(layer(x)))
            if f"dropouts.{i}" in masks:
                x = x * masks[f"dropouts.{i}"] / self.keep
        return last(x)


class Linear(nn.Linear):
    # Also of a stack of replicas: a kernel of each, (R, O, I), in one product.
    def forward(self, x: Tensor) -> Tensor:
        if self.weight.dim() == 2:
            return super().forward(x)
        x, kernel = x.expand(len(self.weight), *x.shape[-2:]), self.weight.mT
        return x.bmm(kernel) if self.bias is None else torch.baddbmm(self.bias.unsqueeze(1), x, kernel)


class BatchNorm(nn.BatchNorm1d):
    def __init__(self, config: RegularizedMLPConfig, width: int, dtype: str) -> None:
        super().__init__(width, config.epsilon, config.momentum, dtype=getattr(torch, dtype))
        # The count of batches serves only momentum=None; without it the state is the contract's.
        self.num_batches_tracked = None

    def forward(self, x: Tensor) -> Tensor:
        if self.weight.dim() == 1:
            return super().forward(x)
        # The channels of all replicas beside one another, (B, R H): PyTorch normalises each by itself.
        own = [each.view(-1) for each in (self.running_mean, self.running_var, self.weight, self.bias)]
        channels = x.transpose(0, 1)
        normal = F.batch_norm(channels.flatten(1), *own, self.training, self.momentum, self.eps)
        return normal.view_as(channels).transpose(0, 1)


def build_layers(widths: tuple[int, ...], dtype: str, hidden_bias: bool = True) -> nn.ModuleList:
    def layer(fan_in: int, fan_out: int, bias: bool) -> nn.Linear:
        return Linear(fan_in, fan_out, bias=bias, dtype=getattr(torch, dtype))

    *hidden, last = pairwise(widths)
    return nn.ModuleList([*(layer(i, o, hidden_bias) for i, o in hidden), layer(*last, bias=True)])


MODELS = {MLPConfig: MLP, RegularizedMLPConfig: RegularizedMLP}


def build_model(config: ModelConfig, inputs: int, outputs: int, dtype: str) -> nn.Module:
    return MODELS[type(config)](config, inputs, outputs, dtype)
