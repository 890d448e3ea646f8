"""L-BFGS: steps along an estimate of Newton's direction, from the newest pairs of displacements and gradient changes."""

from collections.abc import Iterable
from math import inf, isfinite
from typing import NamedTuple

import torch
from torch import Tensor

from parity.contract import LBFGS as LBFGSConfig
from torch_impl.objective import Objective, ravelled


class Search(NamedTuple):
    length: float
    low: float
    high: float
    loss: Tensor
    gradient: Tensor  # (P,)
    trials: int


class LBFGS(torch.optim.Optimizer):
    # torch.optim.LBFGS has another line search, keeps its pairs in one parameter's state, and steps several times at once.
    def __init__(self, config: LBFGSConfig, parameters: Iterable[Tensor]) -> None:
        super().__init__(parameters, {})
        self.config = config

    @torch.no_grad()
    def step(self, objective: Objective) -> Tensor:
        (group,) = self.param_groups
        s, y = (torch.stack([self.ravelled(f"{kind}.{i}") for i in range(self.config.memory)]) for kind in ("s", "y"))
        loss, displacement, s, y = searched_step(self.config, objective, s, y)
        for parameter, part in zip(group["params"], objective.unflatten(displacement).values(), strict=True):
            parameter.add_(part)
        for kind, rows in (("s", s), ("y", y)):
            for i, row in enumerate(rows):
                for parameter, part in zip(group["params"], objective.unflatten(row).values(), strict=True):
                    self.state[parameter][f"{kind}.{i}"].copy_(part)
        return loss

    def ravelled(self, slot: str) -> Tensor:
        return ravelled(self.state[parameter][slot] for parameter in self.param_groups[0]["params"])


def searched_step(
    config: LBFGSConfig, objective: Objective, s: Tensor, y: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The loss, the displacement (P,), and the pairs (M, P) behind it."""
    x = objective.point
    loss, gradient = objective.loss_and_gradient(x)
    direction = direction_of(gradient, s, y)
    slope = gradient @ direction

    def low_enough(search: Search) -> bool:
        return bool(search.loss <= loss + config.c1 * search.length * slope)

    def flat_enough(search: Search) -> bool:
        return bool(search.gradient @ direction >= config.c2 * slope)

    def found(search: Search) -> bool:
        return low_enough(search) and flat_enough(search)

    def tried(length: float, low: float, high: float, trials: int) -> Search:
        return Search(length, low, high, *objective.loss_and_gradient(x + length * direction), trials + 1)

    def again(search: Search) -> Search:
        low = search.length if low_enough(search) else search.low
        high = search.high if low_enough(search) else search.length
        return tried((low + high) / 2 if isfinite(high) else 2 * low, low, high, search.trials)

    last = tried(1.0, 0.0, inf, 0)
    while not found(last) and last.trials < config.most_trials:
        last = again(last)
    if not found(last):
        return loss, torch.zeros_like(x), torch.zeros_like(s), torch.zeros_like(y)
    displacement, change = last.length * direction, last.gradient - gradient
    return loss, displacement, *with_pair(displacement, change, s, y)


def direction_of(gradient: Tensor, s: Tensor, y: Tensor) -> Tensor:
    """-H g by the two-loop recursion over (M, P) pairs, the newest first; a pair of zeros adds nothing."""
    products = [s[i] @ y[i] for i in range(len(s))]
    weights = [1.0 / product if product > 0 else torch.zeros_like(product) for product in products]
    shares, direction = [], gradient
    for i in range(len(s)):
        shares.append(weights[i] * (s[i] @ direction))
        direction = direction - shares[i] * y[i]
    if products[0] > 0:
        direction = direction * (products[0] / (y[0] @ y[0]))
    else:
        direction = direction * (1.0 / gradient.abs().sum()).clamp(max=1.0)
    for i in reversed(range(len(s))):
        direction = direction + (shares[i] - weights[i] * (y[i] @ direction)) * s[i]
    return -direction


def with_pair(displacement: Tensor, change: Tensor, s: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The pairs (M, P) with a new one in front where it curves upwards."""
    if not displacement @ change > 0:
        return s, y
    return torch.cat([displacement.unsqueeze(0), s[:-1]]), torch.cat([change.unsqueeze(0), y[:-1]])
