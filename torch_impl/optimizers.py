"""Optimizers with every constant explicit: PyTorch's own, fused where it has a fused form, and two written here."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from parity.contract import LBFGS as LBFGSConfig
from parity.contract import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Lion,
    NAdam,
    RAdam,
    RMSprop,
    Solver,
    TrainingConfig,
)
from parity.contract import LevenbergMarquardt as LevenbergMarquardtConfig
from parity.contract import Optimizer as OptimizerConfig
from torch_impl.lbfgs import LBFGS
from torch_impl.levenberg_marquardt import LevenbergMarquardt
from torch_impl.schedules import learning_rates

Parameters = Iterable[Tensor]
Scalars = dict[str, NDArray[np.float64]]

# PyTorch's name of each slot of the contract.
SLOTS: dict[type, dict[str, str]] = {
    SGD: {"momentum": "momentum_buffer"},
    Adam: {"first_moment": "exp_avg", "second_moment": "exp_avg_sq"},
    AdamW: {"first_moment": "exp_avg", "second_moment": "exp_avg_sq"},
    RMSprop: {"mean_square": "square_avg", "momentum": "momentum_buffer"},
    Adagrad: {"sum_of_squares": "sum"},
    NAdam: {"first_moment": "exp_avg", "second_moment": "exp_avg_sq"},
    RAdam: {"first_moment": "exp_avg", "second_moment": "exp_avg_sq"},
    Adamax: {"first_moment": "exp_avg", "infinity_norm": "exp_inf"},
    Adadelta: {"mean_square": "square_avg", "mean_square_update": "acc_delta"},
    Lion: {"momentum": "exp_avg"},
}


def slot_names(config: OptimizerConfig) -> dict[str, str]:
    """PyTorch's name of each slot of an optimizer; a solver's, which are written here, have the contract's."""
    return {slot: slot for slot in config.slots} if isinstance(config, Solver) else SLOTS[type(config)]


def sgd(config: SGD, parameters: Parameters) -> torch.optim.Optimizer:
    return torch.optim.SGD(
        parameters,
        lr=config.learning_rate,
        momentum=config.momentum,
        dampening=0.0,
        weight_decay=config.weight_decay,
        nesterov=config.nesterov,
        fused=True,
    )


def adam(config: Adam, parameters: Parameters) -> torch.optim.Optimizer:
    return torch.optim.Adam(
        parameters, lr=config.learning_rate, betas=(config.b1, config.b2), eps=config.eps, weight_decay=0.0, fused=True
    )


def adamw(config: AdamW, parameters: Parameters) -> torch.optim.Optimizer:
    return torch.optim.AdamW(
        parameters,
        lr=config.learning_rate,
        betas=(config.b1, config.b2),
        eps=config.eps,
        weight_decay=config.weight_decay,
        fused=True,
    )


def rmsprop(config: RMSprop, parameters: Parameters) -> torch.optim.Optimizer:
    return torch.optim.RMSprop(
        parameters,
        lr=config.learning_rate,
        alpha=config.decay,
        eps=config.eps,
        momentum=config.momentum,
        weight_decay=0.0,
        centered=False,
        foreach=True,
    )


def adagrad(config: Adagrad, parameters: Parameters) -> torch.optim.Optimizer:
    return torch.optim.Adagrad(
        parameters,
        lr=config.learning_rate,
        lr_decay=0.0,
        initial_accumulator_value=0.0,
        eps=config.eps,
        weight_decay=0.0,
        fused=True,
    )


def nadam(config: NAdam, parameters: Parameters) -> torch.optim.Optimizer:
    return ScaledNAdam(parameters, config)


def radam(config: RAdam, parameters: Parameters) -> torch.optim.Optimizer:
    return torch.optim.RAdam(
        parameters,
        lr=config.learning_rate,
        betas=(config.b1, config.b2),
        eps=config.eps,
        weight_decay=0.0,
        foreach=True,
    )


def adamax(config: Adamax, parameters: Parameters) -> torch.optim.Optimizer:
    return torch.optim.Adamax(
        parameters,
        lr=config.learning_rate,
        betas=(config.b1, config.b2),
        eps=config.eps,
        weight_decay=0.0,
        foreach=True,
    )


def adadelta(config: Adadelta, parameters: Parameters) -> torch.optim.Optimizer:
    return torch.optim.Adadelta(
        parameters, lr=config.learning_rate, rho=config.decay, eps=config.eps, weight_decay=0.0, foreach=True
    )


def lion(config: Lion, parameters: Parameters) -> torch.optim.Optimizer:
    return SignMomentum(parameters, config)


class ScaledNAdam(torch.optim.Optimizer):
    """torch.optim.NAdam with its product of mu in float64: PyTorch keeps it in float32, 2e-7 off in a float64 run."""

    def __init__(self, parameters: Parameters, config: NAdam) -> None:
        super().__init__(parameters, {"lr": config.learning_rate})
        self.config = config

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for parameters in together(self.param_groups[0]):
            self.update(parameters, self.param_groups[0])

    def update(self, parameters: list[Tensor], scalars: Mapping[str, float]) -> None:
        b1, b2, eps = self.config.b1, self.config.b2, self.config.eps
        gradients = [p.grad for p in parameters]
        m = [self.state[p]["exp_avg"] for p in parameters]
        v = [self.state[p]["exp_avg_sq"] for p in parameters]
        torch._foreach_lerp_(m, gradients, 1.0 - b1)
        torch._foreach_mul_(v, b2)
        torch._foreach_addcmul_(v, gradients, gradients, 1.0 - b2)
        root = torch._foreach_sqrt(v)
        torch._foreach_div_(root, scalars["root_correction"])
        torch._foreach_add_(root, eps)
        torch._foreach_addcdiv_(parameters, gradients, root, -scalars["gradient_rate"])
        torch._foreach_addcdiv_(parameters, m, root, -scalars["momentum_rate"])


class SignMomentum(torch.optim.Optimizer):
    """Lion, which PyTorch does not have."""

    def __init__(self, parameters: Parameters, config: Lion) -> None:
        super().__init__(parameters, {"lr": config.learning_rate})
        self.config = config

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for parameters in together(self.param_groups[0]):
            self.update(parameters, self.param_groups[0])

    def update(self, parameters: list[Tensor], scalars: Mapping[str, float]) -> None:
        b1, b2 = self.config.b1, self.config.b2
        gradients = [p.grad for p in parameters]
        m = [self.state[p]["exp_avg"] for p in parameters]
        direction = torch._foreach_mul(m, b1)
        torch._foreach_add_(direction, gradients, alpha=1.0 - b1)
        torch._foreach_sign_(direction)
        torch._foreach_add_(direction, parameters, alpha=self.config.weight_decay)
        torch._foreach_add_(parameters, direction, alpha=-scalars["lr"])
        torch._foreach_lerp_(m, gradients, 1.0 - b2)


def together(group: Mapping[str, Any]) -> list[list[Tensor]]:
    """Which parameters an operation takes at once: all, or one after the other."""
    parameters = group["params"]
    return [[parameter] for parameter in parameters] if group.get("foreach") is False else [parameters]


OPTIMIZERS = {
    SGD: sgd,
    Adam: adam,
    AdamW: adamw,
    RMSprop: rmsprop,
    Adagrad: adagrad,
    NAdam: nadam,
    RAdam: radam,
    Adamax: adamax,
    Adadelta: adadelta,
    Lion: lion,
    LevenbergMarquardtConfig: LevenbergMarquardt,
    LBFGSConfig: LBFGS,
}


# The form that PyTorch's optimizers run in: as built above, each operation on all tensors, tensor by tensor, or what they
# choose where nothing is said.
FORMS = {
    "built": {},
    "foreach": {"fused": None, "foreach": True},
    "loop": {"fused": None, "foreach": False},
    "default": {"fused": None, "foreach": None},
}


def build_optimizer(config: OptimizerConfig, parameters: Parameters, form: str = "built") -> torch.optim.Optimizer:
    optimizer = OPTIMIZERS[type(config)](config, parameters)
    optimizer.param_groups[0].update(FORMS[form])
    return optimizer


def nadam_scalars(config: NAdam, learning_rate: NDArray[np.float64], t: NDArray[np.float64]) -> Scalars:
    mu, mu_next = (config.b1 * (1.0 - 0.5 * 0.96 ** (u * config.momentum_decay)) for u in (t, t + 1.0))
    product = np.cumprod(mu)
    return {
        "gradient_rate": learning_rate * (1.0 - mu) / (1.0 - product),
        "momentum_rate": learning_rate * mu_next / (1.0 - product * mu_next),
        "root_correction": np.sqrt(1.0 - config.b2**t),
    }


# Torch's own optimizers compute their bias corrections themselves, on the host and in double.
SCALARS = {NAdam: nadam_scalars}


def step_scalars(config: TrainingConfig, first: int, steps: int) -> Scalars:
    """By name (steps,): what the update needs at each step from step `first` on, computed once in float64."""
    # Behind the end of the run in whole powers of 2, so that a step at a time does not compute all of them anew.
    total = config.steps if first + steps <= config.steps else 2 ** (first + steps - 1).bit_length()
    return {name: values[first : first + steps] for name, values in run_scalars(config, total).items()}


@lru_cache(maxsize=8)
def run_scalars(config: TrainingConfig, steps: int) -> Scalars:
    learning_rate, t = learning_rates(config, 0, steps), np.arange(1.0, steps + 1.0)
    scalars = SCALARS.get(type(config.optimizer))
    return {"lr": learning_rate, **(scalars(config.optimizer, learning_rate, t) if scalars else {})}


def clip_by_global_norm(parameters: list[Tensor], largest: float | None, stacked: bool) -> None:
    if largest is None:
        return
    if not stacked:
        torch.nn.utils.clip_grad_norm_(parameters, largest, foreach=True)
        return
    # PyTorch's has one norm for all that it is given; this is its form with a norm for each replica.
    gradients = [p.grad for p in parameters]
    norms = torch.stack([torch.linalg.vector_norm(g.flatten(1), dim=1) for g in gradients])
    scale = (largest / (torch.linalg.vector_norm(norms, dim=0) + 1e-6)).clamp(max=1.0)
    torch._foreach_mul_(gradients, [scale.view(-1, *[1] * (g.dim() - 1)) for g in gradients])
