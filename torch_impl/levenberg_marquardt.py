"""Levenberg-Marquardt: Gauss-Newton steps, damped as far as the loss falls."""

from collections.abc import Iterable
from itertools import pairwise
from math import log
from typing import NamedTuple

import torch
from torch import Tensor

from parity.contract import LevenbergMarquardt as LevenbergMarquardtConfig
from torch_impl.objective import Objective

PARTS = 6  # Of a symmetric product; more save multiplications, and make each product slower than that.


class Trial(NamedTuple):
    damping: Tensor  # ln(mu / damping)
    doublings: int  # of mu where this one fails
    displacement: Tensor  # (P,)
    loss: Tensor


class LevenbergMarquardt(torch.optim.Optimizer):
    def __init__(self, config: LevenbergMarquardtConfig, parameters: Iterable[Tensor]) -> None:
        super().__init__(parameters, {})
        self.config = config

    @torch.no_grad()
    def step(self, objective: Objective) -> Tensor:
        (group,) = self.param_groups
        before = self.state[group["params"][0]]["damping"].view(-1)[0].clone()
        if before > self.config.range[1]:
            return objective.loss(objective.point)
        loss, displacement, damping = damped_step(self.config, objective, before)
        for parameter, part in zip(group["params"], objective.unflatten(displacement).values(), strict=True):
            parameter.sub_(part)
            self.state[parameter]["damping"].fill_(damping)
        return loss


def damped_step(
    config: LevenbergMarquardtConfig, objective: Objective, damping: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The loss, the displacement (P,) to be taken away, and the damping behind it."""
    x, loss = objective.point, objective.loss(objective.point)
    matrix, gradient = normal_equations(objective)

    def tried(damping: Tensor, doublings: int) -> Trial:
        displacement = solved(matrix, config.damping * damping.exp(), gradient)
        return Trial(damping, doublings, displacement, objective.loss(x - displacement))

    def again(trial: Trial) -> Trial:
        # Above the highest there is no trial; what it would be is not used.
        return tried(trial.damping + trial.doublings * log(2.0), trial.doublings + 1)

    def failed(trial: Trial) -> bool:
        return bool(~(trial.loss < loss) & (trial.damping <= config.range[1]))

    last = tried(damping, 1)
    while failed(last):
        last = again(last)
    if not (last.loss < loss) & (last.damping <= config.range[1]):
        return loss, torch.zeros_like(x), last.damping
    mu, d = config.damping * last.damping.exp(), last.displacement
    share = (loss - last.loss) / (d @ (gradient + mu * d))
    lowered = last.damping + (1.0 - (2.0 * share - 1.0) ** 3).clamp(min=1.0 / 3.0).log()
    return loss, d, lowered.clamp(min=config.range[0])


def normal_equations(objective: Objective) -> tuple[Tensor, Tensor]:
    """(P, P) the lower triangle of c J'J, and (P,) c J'r; J of a block of rows is in memory at once."""
    x, outputs = objective.point, objective.targets.shape[1]
    matrix, gradient = x.new_zeros(len(x), len(x)), torch.zeros_like(x)
    for inputs, targets in zip(
        objective.inputs.split(objective.block_rows), objective.targets.split(objective.block_rows), strict=True
    ):
        residuals = objective.predict(x, inputs) - targets
        for k in range(outputs):
            jacobian = objective.jacobian(x, inputs, k)
            for start, stop in cuts(len(x)):
                matrix[start:stop, :stop].addmm_(jacobian[start:stop], jacobian[:stop].T)
            gradient += jacobian @ residuals[:, k]
    return objective.scale * matrix, objective.scale * gradient


def cuts(size: int) -> list[tuple[int, int]]:
    """Where the parameters are cut for the product: from which to which."""
    return list(pairwise(size * part // PARTS for part in range(PARTS + 1)))


def solved(matrix: Tensor, mu: Tensor, gradient: Tensor) -> Tensor:
    """(P,) the solution of (A + mu I) d = g from the lower triangle of A; NaN where there is no Cholesky factor."""
    damped = matrix.clone()
    damped.diagonal().add_(mu)
    factor, failed = torch.linalg.cholesky_ex(damped)
    solution = torch.cholesky_solve(gradient.unsqueeze(1), factor).squeeze(1)
    return torch.full_like(solution, torch.nan) if failed else solution
