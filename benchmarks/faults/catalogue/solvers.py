"""Faults in the solvers: another system, another rule of the damping, another search, pairs kept otherwise."""

from collections.abc import Callable
from copy import copy
from math import inf

import torch
from torch import Tensor

from benchmarks.faults.copies import Twin, around
from benchmarks.faults.experiments import ONE_OUTPUT, STEEP, TWO_OUTPUTS, across
from benchmarks.faults.fault import fault
from parity.contract import LBFGS, Constant, LevenbergMarquardt, Loss

SQUARES = {"loss": Loss("mse"), "schedule": Constant(), "batch_size": None, "steps": 20}
LM = across(ONE_OUTPUT, TWO_OUTPUTS, STEEP, optimizer=LevenbergMarquardt(), **SQUARES)
SEVERAL = across(
    TWO_OUTPUTS,
    STEEP,
    TWO_OUTPUTS | {"hidden": (4, 4), "activation": "tanh"},
    optimizer=LevenbergMarquardt(),
    **SQUARES,
)
# So much damping that a step of twice the length still brings the loss down.
DAMPED = across(ONE_OUTPUT, TWO_OUTPUTS, STEEP, optimizer=LevenbergMarquardt(damping=10.0), **SQUARES)
# From so little damping, and so far from a linear model, that the first trials fail.
FAILING = across(ONE_OUTPUT, TWO_OUTPUTS, STEEP, optimizer=LevenbergMarquardt(damping=1e-9), **SQUARES)
IN_BLOCKS = across(ONE_OUTPUT, TWO_OUTPUTS, STEEP, optimizer=LevenbergMarquardt(block_rows=48), **SQUARES)
PAIRS = across(ONE_OUTPUT, TWO_OUTPUTS, STEEP, optimizer=LBFGS(), **SQUARES)
# Asked for so little slope behind a step that the first length seldom will do.
FLAT = across(ONE_OUTPUT, TWO_OUTPUTS, STEEP, optimizer=LBFGS(c2=0.1), **SQUARES)


def with_system(twin: Twin, change: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]) -> None:
    """Solve another system than A and g."""
    around(twin.levenberg_marquardt, "normal_equations", lambda made, objective: change(*made(objective)))


def with_damping(twin: Twin, rule: Callable[[Tensor, Tensor], Tensor]) -> None:
    """Leave another damping behind a step, of the one in front of it and the contract's; both ln(mu / damping)."""

    def stepped(step, config, objective, before):
        loss, displacement, after = step(config, objective, before)
        return loss, displacement, rule(before, after)

    around(twin.levenberg_marquardt, "damped_step", stepped)


@fault("step", "optimizer.reduction", LM)
def damping_beside_the_sum(twin: Twin) -> None:
    """Levenberg-Marquardt damps the sum of squares where the loss is their mean."""

    def summed(step, config, objective, before):
        rows = objective.targets.numel()
        objective.scale = 1.0
        criterion = objective.criterion
        objective.criterion = lambda predictions, targets: rows * criterion(predictions, targets)
        loss, displacement, after = step(config, objective, before)
        return loss / rows, displacement, after

    around(twin.levenberg_marquardt, "damped_step", summed)


@fault("step", "optimizer.length", DAMPED)
def gradient_of_the_loss_for_that_of_the_residuals(twin: Twin) -> None:
    """The right side of the system is the gradient of the loss, 2 c J'r, and the left has c J'J."""
    with_system(twin, lambda matrix, gradient: (matrix, 2 * gradient))


@fault("step", "optimizer.carried", LM)
def damping_never_lowered(twin: Twin) -> None:
    """The damping stays as it is behind a step that is taken."""
    with_damping(twin, lambda before, after: torch.maximum(before, after))


@fault("step", "optimizer.carried", LM)
def damping_lowered_by_ten(twin: Twin) -> None:
    """The damping falls by ten behind each step, as Marquardt's does, whatever the step gained."""
    with_damping(
        twin, lambda before, after: torch.where(after < before, before - torch.log(after.new_tensor(10.0)), after)
    )


@fault("step", "optimizer.carried", LM)
def gain_without_the_damping(twin: Twin) -> None:
    """The gain of a step is measured against g'd alone."""

    def stepped(step, config, objective, before):
        loss, displacement, after = step(config, objective, before)
        _, gradient = twin.levenberg_marquardt.normal_equations(objective)
        share = (loss - objective.loss(objective.point - displacement)) / (displacement @ gradient)
        lowered = before + (1.0 - (2.0 * share - 1.0) ** 3).clamp(min=1.0 / 3.0).log()
        return loss, displacement, lowered if displacement.any() else after

    around(twin.levenberg_marquardt, "damped_step", stepped)


@fault("step", ("optimizer.carried", "optimizer.direction"), FAILING)
def damping_raised_by_two_alone(twin: Twin) -> None:
    """The damping is doubled behind each trial that fails, and never faster."""
    trial = twin.levenberg_marquardt.Trial

    class Doubled(trial):
        def __new__(cls, damping, doublings, displacement, loss):
            return super().__new__(cls, damping, 1, displacement, loss)

    twin.levenberg_marquardt.Trial = Doubled


@fault("step", ("optimizer.direction", "state.frozen"), FAILING)
def any_trial_taken(twin: Twin) -> None:
    """A trial is taken whether its loss is lower or not: Gauss and Newton with a constant beside."""

    def stepped(step, config, objective, before):
        matrix, gradient = twin.levenberg_marquardt.normal_equations(objective)
        displacement = twin.levenberg_marquardt.solved(matrix, config.damping * before.exp(), gradient)
        _, _, after = step(config, objective, before)
        return objective.loss(objective.point), displacement, after

    around(twin.levenberg_marquardt, "damped_step", stepped)


@fault("step", "optimizer.direction", LM)
def damping_scaled_by_the_diagonal(twin: Twin) -> None:
    """The damping stands beside the diagonal of A, as Marquardt scales it, and not beside the identity."""

    def solved(solve, matrix, mu, gradient):
        scaled = matrix.clone()
        scaled.diagonal().mul_(1 + mu)
        return solve(scaled, torch.zeros_like(mu), gradient)

    around(twin.levenberg_marquardt, "solved", solved)


@fault("step", "optimizer.direction", SEVERAL)
def jacobian_of_the_first_output(twin: Twin) -> None:
    """The Jacobian is that of the first output, for all of them."""
    around(twin.objective.Objective, "jacobian", lambda of, self, x, inputs, output: of(self, x, inputs, 0))


@fault("step", "optimizer.direction", IN_BLOCKS)
def last_block_left_out(twin: Twin) -> None:
    """The rows behind the last whole block are not looked at."""

    def made(make, objective):
        inputs, targets = objective.inputs, objective.targets
        whole = len(inputs) // objective.block_rows * objective.block_rows
        objective.inputs, objective.targets = inputs[:whole], targets[:whole]
        try:
            return make(objective)
        finally:
            objective.inputs, objective.targets = inputs, targets

    around(twin.levenberg_marquardt, "normal_equations", made)


@fault("loss", "report.loss_late", LM)
def loss_told_behind_the_step(twin: Twin) -> None:
    """Levenberg-Marquardt tells the loss of the trial that it takes, and not that in front of it."""

    def stepped(step, config, objective, before):
        _, displacement, after = step(config, objective, before)
        return objective.loss(objective.point - displacement), displacement, after

    around(twin.levenberg_marquardt, "damped_step", stepped)


@fault("trajectory", "optimizer.memory", PAIRS)
def five_pairs(twin: Twin) -> None:
    """L-BFGS keeps five pairs for ten."""

    def stepped(step, config, objective, *pairs):
        loss, displacement, *five = step(config, objective, *(rows[:5] for rows in pairs))
        return loss, displacement, *(torch.cat([rows, torch.zeros_like(rows)]) for rows in five)

    around(twin.lbfgs, "searched_step", stepped)


@fault("step", ("optimizer.length", "optimizer.c2"), FLAT)
def no_condition_on_the_slope(twin: Twin) -> None:
    """The search asks for the decrease alone, as one of Armijo's does."""

    def stepped(step, config, objective, s, y):
        any_slope = copy(config)
        object.__setattr__(any_slope, "c2", inf)  # which the contract refuses
        return step(any_slope, objective, s, y)

    around(twin.lbfgs, "searched_step", stepped)


@fault("step", "optimizer.length", PAIRS)
def first_step_along_the_whole_gradient(twin: Twin) -> None:
    """The recursion begins with H0 = 1 where there is no pair yet."""

    def direction(of, gradient, s, y):
        return of(gradient, s, y) if s[0] @ y[0] > 0 else -gradient

    around(twin.lbfgs, "direction_of", direction)


@fault("step", "optimizer.direction", PAIRS)
def recursion_begun_with_one(twin: Twin) -> None:
    """The recursion begins with H0 = 1 where it should be s'y / y'y."""

    def direction(of, gradient, s, y):
        newest = (s[0] @ y[0]) / (y[0] @ y[0]) if s[0] @ y[0] > 0 else 1.0
        q, shares = gradient, []
        weights = [1.0 / (a @ b) if a @ b > 0 else 0.0 for a, b in zip(s, y, strict=True)]
        for a, b, weight in zip(s, y, weights, strict=True):
            shares.append(weight * (a @ q))
            q = q - shares[-1] * b
        if newest == 1.0:
            return of(gradient, s, y)
        for i in reversed(range(len(s))):
            q = q + (shares[i] - weights[i] * (y[i] @ q)) * s[i]
        return -q

    around(twin.lbfgs, "direction_of", direction)


@fault("step", "optimizer.carried", PAIRS)
def pair_pushed_at_the_other_end(twin: Twin) -> None:
    """The newest pair goes behind the oldest."""
    around(
        twin.lbfgs,
        "with_pair",
        lambda of, d, change, s, y: tuple(
            torch.cat([rows[1:], new.unsqueeze(0)]) for new, rows in ((d, s), (change, y))
        ),
    )


@fault("step", "optimizer.carried", PAIRS)
def displacement_and_change_exchanged(twin: Twin) -> None:
    """The pairs are kept as y and s."""
    around(twin.lbfgs, "with_pair", lambda of, displacement, change, s, y: of(change, displacement, s, y))


@fault("step", "optimizer.carried", PAIRS)
def gradient_for_its_change(twin: Twin) -> None:
    """The change of the gradient lacks the minus: it is the new gradient itself."""

    def stepped(step, config, objective, s, y):
        _, gradient = objective.loss_and_gradient(objective.point)
        kept = twin.lbfgs.with_pair
        twin.lbfgs.with_pair = lambda displacement, change, s, y: kept(displacement, change + gradient, s, y)
        try:
            return step(config, objective, s, y)
        finally:
            twin.lbfgs.with_pair = kept

    around(twin.lbfgs, "searched_step", stepped)
