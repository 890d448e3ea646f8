"""The layers of a captured network, in the order in which they are called: activations behind them, fresh weights in them."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from parity.contract import InputError, require
from torch_impl.model import ACTIVATIONS

NORMS = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm)


def called_layers(network: nn.Module, inputs: Tensor) -> list[nn.Module]:
    """Linear layers and norms, as a forward pass meets them."""
    called: list[nn.Module] = []
    layers = [module for module in network.modules() if isinstance(module, (nn.Linear, *NORMS))]
    noting = [layer.register_forward_hook(lambda layer, *_: called.append(layer)) for layer in layers]
    was, _ = network.training, network.eval()
    with torch.no_grad():
        network(inputs)
    network.train(was)
    for handle in noting:
        handle.remove()
    return called


def activate(network: nn.Module, inputs: Tensor, activation: str) -> list[Any]:
    """Put an activation behind every linear layer but the one that is called last."""
    called = [layer for layer in called_layers(network, inputs) if isinstance(layer, nn.Linear)]
    function: Callable[[Tensor], Tensor] = ACTIVATIONS[activation]
    return [layer.register_forward_hook(lambda _, given, answer: function(answer)) for layer in called[:-1]]


def redraw(network: nn.Module, inputs: Tensor, width: int) -> None:
    """Draw all weights anew, as PyTorch does, with that many times the units between the first linear layer and the last."""
    called = called_layers(network, inputs)
    linear = [layer for layer in called if isinstance(layer, nn.Linear)]
    require(bool(linear), "This network has no nn.Linear; expected some, to draw their weights anew.")
    for module in network.modules():
        if isinstance(module, nn.Linear):
            module.in_features *= 1 if module is linear[0] else width
            module.out_features *= 1 if module is linear[-1] else width
            fresh = nn.Linear(module.in_features, module.out_features, module.bias is not None)
            module.weight, module.bias = fresh.to(module.weight).weight, fresh.to(module.weight).bias
        elif isinstance(module, NORMS) and module in called[called.index(linear[0]) :]:
            _widen(module, width)
        elif hasattr(module, "reset_parameters"):
            module.reset_parameters()
    try:
        called_layers(network, inputs)
    except RuntimeError as error:
        raise InputError(f"This network does not take {width} times the units: {error}") from error


def _widen(norm: Any, width: int) -> None:
    for name, array in [*norm.named_parameters(recurse=False), *norm.named_buffers(recurse=False)]:
        if array.ndim:
            wider = array.detach().repeat(width)
            setattr(norm, name, nn.Parameter(wider) if isinstance(array, nn.Parameter) else wider)
    if isinstance(norm, nn.LayerNorm):
        norm.normalized_shape = (*norm.normalized_shape[:-1], norm.normalized_shape[-1] * width)
    norm.reset_parameters()
