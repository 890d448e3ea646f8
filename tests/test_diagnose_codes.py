"""Every code of `parity.diagnose`: a program that has the fault, and one as like it as can be that has not."""

import random
import sys
import warnings
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import sklearn.metrics  # noqa: F401  It is watched where it is imported.
import torch
import torch.nn.functional as F
from diagnosing import (
    HELD_OUT,
    ROWS,
    STEPS,
    adam,
    diagnosed,
    diagnosis_of,
    judge,
    marked_lines,
    network,
    noisy,
    paraboloid,
    plane,
    serious,
    told,
    train,
)
from flax import nnx
from torch import nn

import parity.diagnose
from parity.diagnose import CODES

FIRES = []  # Code, program, whether it is the only fault, whether changes are tried.
NEAR = []  # Code, program, the fault that it has instead, None for a program that is fine; whether trials are made.
# By checks alone, and whatever the trials say afterwards.
FOUND_WITHOUT_TRIALS = {
    "target-shape-broadcast", "missing-zero-grad", "missing-optimizer-step", "missing-backward", "non-finite-data",
    "wrong-loss", "eval-mode-in-training", "train-mode-in-evaluation", "validation-leak", "updates-lost-in-jit",
    "value-frozen-at-trace",
}  # fmt: skip


def fires(code, *, alone=True, tried=True):
    """This program has this fault; alone, it is to be the first finding. Marked lines are those to point at.

    Where the trials would have to be compiled for it alone, and the fault shows without them, they are left out.
    """

    def add(program):
        FIRES.append(pytest.param(code, program, alone, tried, id=f"{code}: {program.__name__}"))
        return program

    return add


def near(code, *, instead=None):
    """This program has not got this fault, nor any other but the one named; what is found without trials is looked for so."""

    def add(program):
        by_trials = instead is not None or code not in FOUND_WITHOUT_TRIALS
        NEAR.append(pytest.param(code, program, instead, by_trials, id=f"{code}: {program.__name__}"))
        return program

    return add


# Prediction and target.


@fires("target-shape-broadcast")
def a_column_against_a_row_in_mse_loss():
    x, y, x_test, y_test = paraboloid()
    model = network()
    optimizer, criterion = adam(model), nn.MSELoss()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Using a target size")
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss = criterion(model(x), y.squeeze())  # <- here
            loss.backward()
            optimizer.step()
    judge(model, x_test, y_test)


@fires("target-shape-broadcast")
def a_column_against_a_row_by_hand():
    x, y, x_test, y_test = paraboloid()
    model = network()
    optimizer = adam(model)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = ((model(x) - y[:, 0]) ** 2).mean()  # <- here
        loss.backward()
        optimizer.step()
    judge(model, x_test, y_test)


@fires("target-shape-broadcast")
def a_row_against_a_column_in_shuffled_rows():
    x, y, x_test, y_test = paraboloid()
    model = network()
    optimizer = adam(model)
    for _ in range(STEPS):
        rows = torch.randperm(len(x))
        optimizer.zero_grad()
        error = model(x[rows]).flatten() - y[rows]  # <- here
        error.pow(2).mean().backward()
        optimizer.step()
    judge(model, x_test, y_test)


@near("target-shape-broadcast")
def a_row_against_a_squeezed_column():
    x, y, x_test, y_test = paraboloid()
    model = network()
    train(model, x, y.squeeze(1), loss=lambda p, t: ((p.squeeze(1) - t) ** 2).mean())
    judge(model, x_test, y_test)


@near("target-shape-broadcast")
def weights_of_another_shape():
    x, y, x_test, y_test = paraboloid()
    model, weights = network(), torch.ones(1)
    train(model, x, y, loss=lambda p, t: (weights * (p - t) ** 2).mean())
    judge(model, x_test, y_test)


@fires("output-range")
def sigmoid_for_targets_up_to_two():
    x, y, x_test, y_test = paraboloid()
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1), nn.Sigmoid())
    train(model, x, y)
    judge(model, x_test, y_test)


@fires("output-range", tried=False)
def relu_for_targets_below_zero():
    x, y, x_test, y_test = paraboloid()
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1), nn.ReLU())
    train(model, x, y - 1)
    judge(model, x_test, y_test - 1)


@fires("saturated-units")
@fires("output-range", alone=False)
def units_at_their_ends_before_a_sigmoid_for_targets_up_to_two():
    x, y, x_test, y_test = paraboloid()
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1), nn.Sigmoid())
    nn.init.constant_(model[0].bias, 20.0)
    train(model, x, y)
    judge(model, x_test, y_test)


@near("output-range")
def relu_for_targets_above_zero():
    x, y, x_test, y_test = paraboloid()
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1), nn.ReLU())
    with torch.no_grad():
        model[2].bias.fill_(0.5)
    train(model, x, y)
    judge(model, x_test, y_test)


@near("output-range")
def sigmoid_for_targets_between_zero_and_one():
    x, y, x_test, y_test = paraboloid()
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1), nn.Sigmoid())
    train(model, x, y / 2)
    judge(model, x_test, y_test / 2)


@near("output-range")
def a_sigmoid_that_is_stretched():
    class Stretched(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = network()

        def forward(self, x):
            return 2.5 * torch.sigmoid(self.body(x))

    x, y, x_test, y_test = paraboloid()
    model = Stretched()
    train(model, x, y)
    judge(model, x_test, y_test)


@fires("wrong-loss", tried=False)
def the_square_of_the_mean_error():
    x, y, x_test, y_test = paraboloid()
    model = network()
    train(model, x, y, loss=lambda p, t: (p - t).mean() ** 2)
    judge(model, x_test, y_test)


@fires("wrong-loss")
def only_the_direction_of_the_predictions():
    x, y, x_test, y_test = paraboloid()
    model = network()
    train(model, x, y, loss=lambda p, t: 1 - F.cosine_similarity(p[:, 0], t[:, 0], dim=0))
    judge(model, x_test, y_test)


@near("wrong-loss")
def a_quantile_of_noisy_targets():
    x, y, x_test, y_test = noisy()
    model = network()
    train(model, x, y, loss=lambda p, t: torch.maximum(0.7 * (t - p), 0.3 * (p - t)).mean())
    judge(model, x_test, y_test)


@near("wrong-loss")
def a_penalty_beside_the_squared_errors():
    x, y, x_test, y_test = paraboloid()
    model = network()
    train(model, x, y, loss=lambda p, t: ((p - t) ** 2).mean() + 1e-5 * model[0].weight.square().sum())
    judge(model, x_test, y_test)


@fires("wrong-loss")
def a_loss_with_its_sign_turned():
    x, y, x_test, y_test = paraboloid()
    model = network()
    optimizer = adam(model)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = -F.mse_loss(model(x), y)  # <- here
        loss.backward()
        optimizer.step()
    judge(model, x_test, y_test)


@fires("wrong-loss")
def the_error_of_the_means():
    x, y, x_test, y_test = paraboloid()
    model = network()
    train(model, x, y, loss=lambda p, t: (p.mean() - t.mean()) ** 2)
    judge(model, x_test, y_test)


@fires("wrong-loss", tried=False)
def cross_entropy_for_quantities():
    x, y, x_test, y_test = paraboloid()
    model = network()
    train(model, x, y, loss=F.cross_entropy)
    judge(model, x_test, y_test)


@fires("wrong-loss", tried=False)
def softmax_before_cross_entropy():
    x, y, x_test, y_test = paraboloid()
    labels, labels_test = (y[:, 0] > 0.6).long(), (y_test[:, 0] > 0.6).long()
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2), nn.Softmax(dim=1))
    train(model, x, labels, loss=F.cross_entropy)
    model.eval()
    with torch.no_grad():
        (model(x_test).argmax(1) == labels_test).float().mean().item()


def classes(loss, *last):
    """Two classes of the paraboloid."""
    x, y, x_test, y_test = paraboloid()
    labels, labels_test = (y[:, 0] > 0.6).long(), (y_test[:, 0] > 0.6).long()
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2), *last)
    train(model, x, labels, loss=loss)
    model.eval()
    with torch.no_grad():
        loss(model(x_test), labels_test).item()


@fires("wrong-loss", tried=False)
def nll_loss_of_raw_scores():
    classes(F.nll_loss)


@near("wrong-loss")
def nll_loss_of_logarithms_of_probabilities():
    classes(F.nll_loss, nn.LogSoftmax(dim=1))


@near("wrong-loss")
def cross_entropy_for_classes():
    x, y, x_test, y_test = paraboloid()
    labels, labels_test = (y[:, 0] > 0.6).long(), (y_test[:, 0] > 0.6).long()
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))
    train(model, x, labels, loss=F.cross_entropy)
    model.eval()
    with torch.no_grad():
        F.cross_entropy(model(x_test), labels_test).item()


@near("wrong-loss")
def a_penalty_on_the_weights():
    x, y, x_test, y_test = paraboloid()
    model = network()
    train(model, x, y, loss=lambda p, t: F.mse_loss(p, t) + 1e-6 * sum((w**2).sum() for w in model.parameters()))
    judge(model, x_test, y_test)


@near("wrong-loss")
def half_of_the_squared_error():
    x, y, x_test, y_test = paraboloid()
    model = network()
    train(model, x, y, loss=lambda p, t: 0.5 * ((p - t) ** 2).mean())
    judge(model, x_test, y_test)


# Rates, reductions and how long.


@fires("learning-rate-too-small")
def adam_at_a_rate_of_almost_nothing():
    x, y, x_test, y_test = paraboloid()
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-6)  # <- here
    train(model, x, y, optimizer)
    judge(model, x_test, y_test)


@fires("learning-rate-too-small")
def a_schedule_for_epochs_that_steps_with_every_batch():
    x, y, x_test, y_test = paraboloid()
    model = network()
    optimizer = adam(model)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.8)
    for _ in range(STEPS):
        optimizer.zero_grad()
        F.mse_loss(model(x), y).backward()
        optimizer.step()
        schedule.step()
    judge(model, x_test, y_test)


@near("learning-rate-too-small")
def a_small_rate_that_suits_a_sum():
    x, y, x_test, y_test = paraboloid()
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=5e-4, momentum=0.9)
    train(model, x, y, optimizer, loss=nn.MSELoss(reduction="sum"))
    judge(model, x_test, y_test)


@fires("learning-rate-too-large")
def adam_at_a_rate_of_three():
    x, y, x_test, y_test = paraboloid()
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=3.0)  # <- here
    train(model, x, y, optimizer)
    judge(model, x_test, y_test)


@near("learning-rate-too-large")
def a_large_rate_that_still_learns():
    x, y, x_test, y_test = paraboloid()
    model = network()
    train(model, x, y, torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9))
    judge(model, x_test, y_test)


@fires("diverged", alone=False)
@near("non-finite-data", instead="diverged")
def sgd_at_a_rate_of_ten():
    x, y, x_test, y_test = paraboloid()
    model = network()
    train(model, x, y, torch.optim.SGD(model.parameters(), lr=10.0, momentum=0.9))
    judge(model, x_test, y_test)


@near("diverged")
def gradients_that_are_clipped():
    x, y, x_test, y_test = paraboloid()
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    for _ in range(STEPS):
        optimizer.zero_grad()
        F.mse_loss(model(x), y).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    judge(model, x_test, y_test)


@near("diverged", instead="learning-rate-too-large")
def a_loss_that_swings_and_stays_finite():
    x, y, x_test, y_test = paraboloid()
    model = network()
    train(model, x, y, torch.optim.Adam(model.parameters(), lr=1.0))
    judge(model, x_test, y_test)


@fires("reduction-and-rate", alone=False)
def a_sum_at_the_rate_of_a_mean():
    x, y, x_test, y_test = paraboloid()
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)  # <- here
    train(model, x, y, optimizer, loss=nn.MSELoss(reduction="sum"))
    judge(model, x_test, y_test)


@near("reduction-and-rate")
def a_sum_for_adam():
    x, y, x_test, y_test = paraboloid()
    model = network()
    train(model, x, y, loss=nn.MSELoss(reduction="sum"))
    judge(model, x_test, y_test)


@fires("too-few-epochs")
def a_tenth_of_the_epochs():
    x, y, x_test, y_test = paraboloid()
    model = network()
    train(model, x, y, steps=STEPS // 10)
    judge(model, x_test, y_test)


@near("too-few-epochs")
def stopped_once_good_enough():
    x, y, x_test, y_test = paraboloid()
    model = network()
    optimizer, best = adam(model), float("inf")
    for _ in range(100):
        train(model, x, y, optimizer, steps=10)
        loss = judge(model, x_test, y_test)
        model.train()
        if loss > 0.99 * best and loss < 3e-3:
            break
        best = min(best, loss)
    judge(model, x_test, y_test)


# The network.


@fires("missing-nonlinearity")
def two_linear_layers():
    x, y, x_test, y_test = paraboloid()
    model = nn.Sequential(nn.Linear(2, 16), nn.Linear(16, 1))
    train(model, x, y)
    judge(model, x_test, y_test)


@near("missing-nonlinearity")
def three_linear_layers_for_a_plane():
    x, y, x_test, y_test = plane()
    model = nn.Sequential(nn.Linear(2, 16), nn.Linear(16, 16), nn.Linear(16, 1))
    train(model, x, y)
    judge(model, x_test, y_test)


@near("missing-nonlinearity")
def an_activation_in_forward():
    class Functional(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden, self.out = nn.Linear(2, 16), nn.Linear(16, 1)

        def forward(self, x):
            return self.out(torch.tanh(self.hidden(x)))

    x, y, x_test, y_test = paraboloid()
    model = Functional()
    train(model, x, y)
    judge(model, x_test, y_test)


@fires("too-little-capacity")
def a_single_hidden_unit():
    x, _, x_test, _ = paraboloid()
    model = nn.Sequential(nn.Linear(2, 1), nn.Tanh(), nn.Linear(1, 1))
    train(model, x, 2 * x[:, :1] ** 2)
    judge(model, x_test, 2 * x_test[:, :1] ** 2)


@fires("too-little-capacity")
def a_single_normalised_unit():
    x, _, x_test, _ = paraboloid()
    model = nn.Sequential(nn.Linear(2, 1), nn.BatchNorm1d(1), nn.Tanh(), nn.Linear(1, 1))
    train(model, x, 2 * x[:, :1] ** 2)
    model.eval()
    judge(model, x_test, 2 * x_test[:, :1] ** 2)


@near("too-little-capacity")
def a_single_hidden_unit_that_is_enough():
    x, _, x_test, _ = paraboloid()
    model = nn.Sequential(nn.Linear(2, 1), nn.Tanh(), nn.Linear(1, 1))
    train(model, x, torch.tanh(x.sum(1, keepdim=True)))
    judge(model, x_test, torch.tanh(x_test.sum(1, keepdim=True)))


@near("too-little-capacity")
def noise_that_nothing_can_learn():
    x, y, x_test, y_test = noisy()
    model = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 1))
    train(model, x, y)
    judge(model, x_test, y_test)


def judged_by_few_noisy_rows(seed, rows):
    """So few that some change does better by chance; without the bootstrap these are alarms."""
    torch.manual_seed(seed)
    x = torch.rand(ROWS + rows, 2) * 2 - 1
    y = (x**2).sum(1, keepdim=True) + 0.34 * torch.randn(len(x), 1)
    model = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 1))
    train(model, x[:ROWS], y[:ROWS])
    judge(model, x[ROWS:], y[ROWS:])


@near("too-few-epochs")
def twelve_noisy_rows():
    judged_by_few_noisy_rows(seed=6, rows=12)


@near("unscaled-targets")
def sixteen_noisy_rows():
    judged_by_few_noisy_rows(seed=7, rows=16)


@fires("dead-units")
def biases_far_below_zero():
    x, y, x_test, y_test = paraboloid()
    model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))
    nn.init.constant_(model[0].bias, -20.0)
    train(model, x, y)
    judge(model, x_test, y_test)


@near("dead-units")
def some_units_that_never_fire():
    x, y, x_test, y_test = paraboloid()
    model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 1))
    nn.init.constant_(model[0].bias[:8], -20.0)
    train(model, x, y)
    judge(model, x_test, y_test)


@fires("saturated-units")
def weights_a_hundred_times_too_large():
    x, y, x_test, y_test = paraboloid()
    model = network()
    nn.init.normal_(model[0].weight, std=500.0)
    train(model, x, y)
    judge(model, x_test, y_test)


@fires("saturated-units")
def weights_too_large_between_dropout_and_norms():
    x, y, x_test, y_test = paraboloid()
    first, second = nn.Linear(2, 16), nn.Linear(16, 16)
    nn.init.normal_(first.weight, std=500.0)
    model = nn.Sequential(first, nn.Tanh(), nn.Dropout(0.1), second, nn.LayerNorm(16), nn.Tanh(), nn.Linear(16, 1))
    train(model, x, y)
    model.eval()
    judge(model, x_test, y_test)


@near("saturated-units")
def units_that_end_at_their_ends():
    x, _, x_test, _ = paraboloid()
    model = network()
    train(model, x, torch.tanh(8 * x[:, :1]))
    judge(model, x_test, torch.tanh(8 * x_test[:, :1]))


# The data.


@fires("unscaled-inputs")
def inputs_in_the_thousands():
    x, y, x_test, y_test = paraboloid()
    model = network()
    train(model, 1000 * x + 3000, y)
    judge(model, 1000 * x_test + 3000, y_test)


@near("unscaled-inputs")
def inputs_twice_as_wide_as_usual():
    x, y, x_test, y_test = paraboloid()
    model = network()
    train(model, 2 * x, y)
    judge(model, 2 * x_test, y_test)


@near("unscaled-inputs")
def large_inputs_that_the_program_scales():
    x, y, x_test, y_test = paraboloid()
    x, x_test = 1000 * x + 3000, 1000 * x_test + 3000
    mean, spread, model = x.mean(0), x.std(0), network()
    train(model, (x - mean) / spread, y)
    judge(model, (x_test - mean) / spread, y_test)


@fires("unscaled-targets")
def targets_in_the_thousands():
    x, y, x_test, y_test = paraboloid()
    model = network()
    train(model, x, 1000 * y + 5000)
    judge(model, x_test, 1000 * y_test + 5000)


@near("unscaled-targets")
def targets_twice_as_large():
    x, y, x_test, y_test = paraboloid()
    model = network()
    train(model, x, 2 * y)
    judge(model, x_test, 2 * y_test)


@fires("inputs-targets-misaligned")
def targets_in_another_order():
    x, y, x_test, y_test = paraboloid()
    model = network()
    train(model, x, y[torch.randperm(len(y))])
    judge(model, x_test, y_test[torch.randperm(len(y_test))])


@fires("inputs-targets-misaligned")
def inputs_shuffled_in_every_epoch_and_targets_not():
    x, y, x_test, y_test = paraboloid()
    model = network()
    optimizer = adam(model)
    for _ in range(STEPS):
        optimizer.zero_grad()
        F.mse_loss(model(x[torch.randperm(len(x))]), y).backward()
        optimizer.step()
    judge(model, x_test, y_test)


def series():
    """A state that keeps most of itself from row to row, beside a column that tells nothing; and its square."""
    torch.manual_seed(0)
    state = [torch.tensor(0.0)]
    for _ in range(ROWS + HELD_OUT + 10):
        state.append(0.9 * state[-1] + 0.4 * torch.randn(()))
    now = torch.stack(state[1:])
    return torch.stack([now, torch.rand(len(now))], 1), (now**2)[:, None]


@fires("inputs-targets-misaligned", tried=False)
def targets_three_rows_too_early():
    x, y = series()
    model = network()
    train(model, x[3 : 3 + ROWS], y[:ROWS])


@near("inputs-targets-misaligned")
def targets_of_the_row_before_are_forecast_and_no_mistake():
    x, y = series()
    model = network()
    train(model, x[:ROWS], y[1 : 1 + ROWS])


@near("inputs-targets-misaligned")
def both_shuffled_alike():
    x, y, x_test, y_test = paraboloid()
    model = network()
    optimizer = adam(model)
    for _ in range(STEPS):
        order = torch.randperm(len(x))
        optimizer.zero_grad()
        F.mse_loss(model(x[order]), y[order]).backward()
        optimizer.step()
    judge(model, x_test, y_test)


@near("inputs-targets-misaligned")
def fresh_noise_on_the_targets_in_every_epoch():
    x, y, x_test, y_test = paraboloid()
    model = network()
    optimizer = adam(model)
    for _ in range(STEPS):
        optimizer.zero_grad()
        F.mse_loss(model(x), y + 0.05 * torch.randn_like(y)).backward()
        optimizer.step()
    judge(model, x_test, y_test)


@fires("non-finite-data")
def one_value_is_nan():
    x, y, x_test, y_test = paraboloid()
    x, y = torch.cat([x, torch.tensor([[0.5, torch.nan]])]), torch.cat([y, torch.ones(1, 1)])
    model = network()
    train(model, x, y)
    judge(model, x_test, y_test)


@near("non-finite-data")
def rows_with_nan_are_left_out():
    x, y, x_test, y_test = paraboloid()
    x, y = torch.cat([x, torch.tensor([[0.5, torch.nan]])]), torch.cat([y, torch.ones(1, 1)])
    whole = x.isfinite().all(1)
    model = network()
    train(model, x[whole], y[whole])
    judge(model, x_test, y_test)


@fires("constant-input")
def the_same_inputs_in_every_row():
    _, y, _, y_test = paraboloid()
    model = network()
    train(model, torch.full((len(y), 2), 0.3), y)
    judge(model, torch.full((len(y_test), 2), 0.3), y_test)


@fires("constant-input")
def a_column_that_should_have_told_something():
    x, y, x_test, y_test = paraboloid()
    x[:, 1], x_test[:, 1] = 0.7, 0.7
    model = network()
    train(model, x, y)
    judge(model, x_test, y_test)


@near("constant-input")
def a_column_of_ones():
    x, y, x_test, y_test = paraboloid()
    model = nn.Sequential(nn.Linear(3, 16, bias=False), nn.Tanh(), nn.Linear(16, 1))
    train(model, F.pad(x, (0, 1), value=1.0), y)
    judge(model, F.pad(x_test, (0, 1), value=1.0), y_test)


@near("constant-input")
def a_column_that_varies_between_batches_alone():
    x, y, x_test, y_test = paraboloid()
    left, left_test = (x[:, :1] < 0).float(), (x_test[:, :1] < 0).float()
    x, x_test = torch.cat([x, left], 1), torch.cat([x_test, left_test], 1)
    model = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = adam(model)
    for _ in range(STEPS):
        for side in (0, 1):
            rows = left[:, 0] == side
            optimizer.zero_grad()
            F.mse_loss(model(x[rows]), y[rows]).backward()
            optimizer.step()
    judge(model, x_test, y_test)


def in_random_batches(model, x, y):
    """Few enough steps that not every row is met."""
    optimizer = adam(model)
    for _ in range(30):
        rows = torch.randint(len(x), (20,))
        optimizer.zero_grad()
        F.mse_loss(model(x[rows]), y[rows]).backward()
        optimizer.step()


@fires("validation-leak")
def judged_by_rows_that_were_trained_on():
    x, y, *_ = paraboloid()
    x_test, y_test = x[::3], y[::3]
    model = network()
    train(model, x, y)
    judge(model, x_test, y_test)


@fires("validation-leak", tried=False)
def judged_by_copies_with_a_little_noise():
    x, y, *_ = noisy()
    x, y = x.repeat(5, 1) + 0.002 * torch.randn(5 * ROWS, 2), y.repeat(5, 1)
    order = torch.randperm(len(x))
    train_rows, test_rows = order[:600], order[600:]
    model = network()
    train(model, x[train_rows], y[train_rows])
    judge(model, x[test_rows], y[test_rows])


@fires("validation-leak", tried=False)
def rows_that_only_the_caller_calls_held_out():
    x, y, *_ = paraboloid()
    x_held, y_held = x[::3], y[::3]
    model = network()
    in_random_batches(model, x, y)
    judge(model, x_held, y_held)


@near("validation-leak")
def some_of_the_rows_scored_by_a_function_for_any():
    x, y, *_ = paraboloid()
    model = network()
    in_random_batches(model, x, y)
    judge(model, x[::3], y[::3])


@fires("validation-leak", tried=False)
def a_table_that_was_resampled_before_it_was_split():
    x, y, *_ = noisy()
    drawn = torch.randint(len(x), (4 * ROWS,))
    train_rows, test_rows = drawn[: 3 * ROWS], drawn[3 * ROWS :]
    model = network()
    train(model, x[train_rows], y[train_rows])
    judge(model, x[test_rows], y[test_rows])


@near("validation-leak")
def judged_by_other_rows_of_few_different_targets():
    x, y, x_test, y_test = paraboloid()
    model = network()
    train(model, x, (10 * y).round() / 10)
    judge(model, x_test, (10 * y_test).round() / 10)


@near("validation-leak")
def no_rows_held_out_at_all():
    x, y, *_ = paraboloid()
    model = network()
    train(model, x, y)
    judge(model, x, y)


@near("validation-leak")
def rows_trained_on_and_rows_held_out_are_both_scored():
    x, y, x_test, y_test = paraboloid()
    model = network()
    train(model, x, y)
    judge(model, x_test, y_test)
    judge(model, x[:50], y[:50])


# Gradients and updates.


@fires("missing-zero-grad", tried=False)
def gradients_pile_up():
    x, y, x_test, y_test = paraboloid()
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(STEPS):
        loss = F.mse_loss(model(x), y)
        loss.backward()  # <- here
        optimizer.step()
    judge(model, x_test, y_test)


@near("missing-zero-grad")
def gradients_of_four_batches_on_purpose():
    x, y, x_test, y_test = paraboloid()
    model = network()
    optimizer = adam(model)
    for _ in range(STEPS):
        optimizer.zero_grad()
        for rows in torch.arange(len(x)).split(40):
            (F.mse_loss(model(x[rows]), y[rows]) / 4).backward()
        optimizer.step()
    judge(model, x_test, y_test)


@near("missing-zero-grad")
def gradients_cleared_behind_the_step_and_by_the_model():
    x, y, x_test, y_test = paraboloid()
    model = network()
    optimizer = adam(model)
    for _ in range(STEPS):
        F.mse_loss(model(x), y).backward()
        optimizer.step()
        model.zero_grad(set_to_none=False)
    judge(model, x_test, y_test)


@fires("missing-optimizer-step")
def the_optimizer_never_steps():
    x, y, x_test, y_test = paraboloid()
    model = network()
    optimizer = adam(model)
    for _ in range(STEPS):
        optimizer.zero_grad()
        F.mse_loss(model(x), y).backward()  # <- here
    judge(model, x_test, y_test)


@near("missing-optimizer-step")
def steps_by_hand():
    x, y, x_test, y_test = plane()
    model = nn.Linear(2, 1)
    for _ in range(STEPS):
        model.zero_grad()
        F.mse_loss(model(x), y).backward()
        with torch.no_grad():
            for weight in model.parameters():
                weight -= 0.2 * weight.grad
    judge(model, x_test, y_test)


@near("missing-optimizer-step")
def tensors_stepped_by_hand():
    x, y, x_test, y_test = paraboloid()
    w1 = (2 * torch.randn(2, 16)).requires_grad_()
    b1, b2 = torch.zeros(16, requires_grad=True), torch.zeros(1, requires_grad=True)
    w2 = (torch.randn(16, 1) / 4).requires_grad_()
    for _ in range(8 * STEPS):
        loss = ((torch.tanh(x @ w1 + b1) @ w2 + b2 - y) ** 2).mean()
        gradients = torch.autograd.grad(loss, (w1, b1, w2, b2))
        with torch.no_grad():
            for weight, gradient in zip((w1, b1, w2, b2), gradients, strict=True):
                weight -= 0.1 * gradient
    with torch.no_grad():
        ((torch.tanh(x_test @ w1 + b1) @ w2 + b2 - y_test) ** 2).mean().item()


@fires("missing-backward")
def the_loss_is_only_looked_at():
    x, y, x_test, y_test = paraboloid()
    model = network()
    optimizer = adam(model)
    for _ in range(STEPS):
        optimizer.zero_grad()
        F.mse_loss(model(x), y).item()
        optimizer.step()
    judge(model, x_test, y_test)


@near("missing-backward")
def gradients_handed_to_the_optimizer():
    x, y, x_test, y_test = paraboloid()
    model = network()
    optimizer, weights = adam(model), list(model.parameters())
    for _ in range(STEPS):
        gradients = torch.autograd.grad(F.mse_loss(model(x), y), weights)
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.grad = gradient
        optimizer.step()
    judge(model, x_test, y_test)


@near("missing-backward")
def backward_inside_a_closure():
    x, y, x_test, y_test = paraboloid()
    model = network()
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=10)

    def closure():
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        return loss

    for _ in range(12):
        optimizer.step(closure)
    judge(model, x_test, y_test)


@fires("optimizer-not-attached")
def the_optimizer_of_another_network():
    x, y, x_test, y_test = paraboloid()
    model = network()
    optimizer = adam(network())
    for _ in range(STEPS):
        optimizer.zero_grad()
        F.mse_loss(model(x), y).backward()
        optimizer.step()
    judge(model, x_test, y_test)


@fires("optimizer-not-attached")
def the_optimizer_of_the_last_layer_alone():
    x, y, x_test, y_test = paraboloid()
    model = network()
    optimizer = torch.optim.Adam(model[2].parameters(), lr=0.05)  # <- here
    train(model, x, y, optimizer)
    judge(model, x_test, y_test)


@near("optimizer-not-attached")
def an_optimizer_for_each_layer():
    x, y, x_test, y_test = paraboloid()
    model = network()
    first, last = torch.optim.Adam(model[0].parameters(), lr=0.05), torch.optim.Adam(model[2].parameters(), lr=0.05)
    for _ in range(STEPS):
        first.zero_grad()
        last.zero_grad()
        F.mse_loss(model(x), y).backward()
        first.step()
        last.step()
    judge(model, x_test, y_test)


@near("optimizer-not-attached")
def groups_with_rates_of_their_own():
    x, y, x_test, y_test = paraboloid()
    model = network()
    groups = [{"params": model[0].parameters()}, {"params": model[2].parameters(), "lr": 0.03}]
    train(model, x, y, torch.optim.Adam(groups, lr=0.05))
    judge(model, x_test, y_test)


@fires("frozen-parameters")
def the_first_layer_asks_for_no_gradients():
    x, y, x_test, y_test = paraboloid()
    model = network()
    model[0].requires_grad_(False)
    train(model, x, y)
    judge(model, x_test, y_test)


@near("frozen-parameters")
def fine_tuning_of_what_was_trained_elsewhere():
    x, _, x_test, _ = paraboloid()
    elsewhere = {"weight": torch.tensor([[1.0, 2.0], [2.0, -1.0], [-1.0, 1.0]]), "bias": torch.tensor([0.5, -0.5, 0.0])}

    def truth(x):
        return torch.tanh(F.linear(x, **elsewhere)).sum(1, keepdim=True)

    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    model[0].load_state_dict(elsewhere)
    model[0].requires_grad_(False)
    train(model, x, truth(x), torch.optim.Adam(model[2].parameters(), lr=0.05))
    judge(model, x_test, truth(x_test))


@fires("detached-graph", tried=False)
def the_hidden_layer_is_detached():
    class Cut(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden, self.out = nn.Linear(2, 16), nn.Linear(16, 1)

        def forward(self, x):
            return self.out(torch.tanh(self.hidden(x)).detach())  # <- here

    x, y, x_test, y_test = paraboloid()
    model = Cut()
    train(model, x, y)
    judge(model, x_test, y_test)


@fires("detached-graph")
def a_new_tensor_of_the_loss():
    x, y, x_test, y_test = paraboloid()
    model = network()
    optimizer = adam(model)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = torch.tensor(F.mse_loss(model(x), y).item(), requires_grad=True)  # <- here
        loss.backward()  # <- here
        optimizer.step()
    judge(model, x_test, y_test)


@near("detached-graph")
def detached_where_it_is_written_down():
    x, y, x_test, y_test = paraboloid()
    model = network()
    optimizer, written = adam(model), []
    for _ in range(STEPS):
        optimizer.zero_grad()
        prediction = model(x)
        loss = F.mse_loss(prediction, y.detach())
        written.append((loss.detach(), prediction.detach().numpy().std()))
        loss.backward()
        optimizer.step()
    judge(model, x_test, y_test)


@fires("graph-not-rebuilt")
def a_prediction_made_once():
    x, y, x_test, y_test = plane()
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
    prediction = model(x)
    for _ in range(STEPS):
        optimizer.zero_grad()
        F.mse_loss(prediction, y).backward(retain_graph=True)
        optimizer.step()
    judge(model, x_test, y_test)


@fires("graph-not-rebuilt", tried=False)
def a_loss_made_once():
    x, y, x_test, y_test = plane()
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
    loss = F.mse_loss(model(x), y)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss.backward(retain_graph=True)
        optimizer.step()
    judge(model, x_test, y_test)


@fires("graph-not-rebuilt", tried=False)
def weights_replaced_behind_the_optimizer():
    x, y, x_test, y_test = paraboloid()
    model = network()
    optimizer = adam(model)
    for step in range(STEPS):
        optimizer.zero_grad()
        F.mse_loss(model(x), y).backward()
        optimizer.step()
        if step == 0:
            model[0].weight = nn.Parameter(model[0].weight.clone())
            model[2].weight = nn.Parameter(model[2].weight.clone())
    judge(model, x_test, y_test)


@near("graph-not-rebuilt")
def a_graph_kept_for_a_second_loss():
    x, y, x_test, y_test = paraboloid()
    model = network()
    optimizer = adam(model)
    for _ in range(STEPS):
        optimizer.zero_grad()
        prediction = model(x)
        F.mse_loss(prediction, y).backward(retain_graph=True)
        (0.1 * F.l1_loss(prediction, y)).backward()
        optimizer.step()
    judge(model, x_test, y_test)


# Modes; where there is noise, dropout does no harm.


@fires("eval-mode-in-training")
def never_back_to_training_mode():
    x, y, x_test, y_test = noisy()
    model = network(nn.Dropout(0.1))
    optimizer = adam(model)
    for _ in range(10):
        train(model, x, y, optimizer, steps=STEPS // 10)
        judge(model, x_test, y_test)


@near("eval-mode-in-training")
def back_to_training_mode_behind_each_validation():
    x, y, x_test, y_test = noisy()
    model = network(nn.Dropout(0.1))
    optimizer = adam(model)
    for _ in range(10):
        model.train()
        train(model, x, y, optimizer, steps=STEPS // 10)
        judge(model, x_test, y_test)


@near("eval-mode-in-training")
def evaluation_mode_of_layers_that_have_no_modes():
    x, y, x_test, y_test = paraboloid()
    model = network()
    model.eval()
    train(model, x, y)
    judge(model, x_test, y_test)


@fires("train-mode-in-evaluation")
def judged_with_dropout():
    x, y, x_test, y_test = noisy()
    model = network(nn.Dropout(0.1))
    train(model, x, y)
    with torch.no_grad():
        F.mse_loss(model(x_test), y_test).item()  # <- here


@near("train-mode-in-evaluation")
def judged_without_dropout():
    x, y, x_test, y_test = noisy()
    model = network(nn.Dropout(0.1))
    train(model, x, y)
    model.eval()
    with torch.no_grad():
        F.mse_loss(model(x_test), y_test).item()


@fires("train-mode-in-evaluation")
def judged_by_the_statistics_of_the_judged_rows():
    x, y, x_test, y_test = paraboloid()
    model = nn.Sequential(nn.Linear(2, 16), nn.BatchNorm1d(16), nn.Tanh(), nn.Linear(16, 1))
    train(model, x, y)
    with torch.no_grad():
        F.mse_loss(model(x_test), y_test).item()  # <- here


@near("train-mode-in-evaluation")
def judged_by_the_running_statistics():
    x, y, x_test, y_test = paraboloid()
    model = nn.Sequential(nn.Linear(2, 16), nn.BatchNorm1d(16), nn.Tanh(), nn.Linear(16, 1))
    train(model, x, y)
    judge(model, x_test, y_test)


@near("train-mode-in-evaluation")
def judged_in_training_mode_without_layers_that_have_modes():
    x, y, x_test, y_test = paraboloid()
    model = network()
    train(model, x, y)
    with torch.no_grad():
        F.mse_loss(model(x_test), y_test).item()


@fires("batch-norm-units")
def pressures_in_pascal_into_batch_normalisation():
    x, y, x_test, y_test = paraboloid()
    model = nn.Sequential(nn.BatchNorm1d(2, momentum=0.01), *network())
    train(model, x + 5000, y)
    judge(model, x_test + 5000, y_test)


@near("batch-norm-units")
def scaled_pressures_into_batch_normalisation():
    x, y, x_test, y_test = paraboloid()
    model = nn.Sequential(nn.BatchNorm1d(2), *network())
    train(model, x, y)
    judge(model, x_test, y_test)


# JAX, with Flax NNX and Optax.


class DefinedBefore(nnx.Module):
    """2-16-1 with tanh; defined before anything is watched, as in a notebook."""

    def __init__(self, rngs):
        self.hidden = nnx.Linear(2, 16, rngs=rngs)
        self.out = nnx.Linear(16, 1, rngs=rngs)

    def __call__(self, x):
        return self.out(nnx.tanh(self.hidden(x)))


def jax_network():
    """The same, defined where it is used, as in a script."""

    class Net(nnx.Module):
        def __init__(self, rngs):
            self.hidden = nnx.Linear(2, 16, rngs=rngs)
            self.out = nnx.Linear(16, 1, rngs=rngs)

        def __call__(self, x):
            return self.out(nnx.tanh(self.hidden(x)))

    return Net(nnx.Rngs(0))


def jax_paraboloid():
    """The same rows as NumPy arrays."""
    return tuple(array.numpy() for array in paraboloid())


def jax_train(model, x, y, loss=lambda p, t: ((p - t) ** 2).mean(), tx=None, wrt=nnx.Param, steps=STEPS):
    """Compiled full-batch steps, as they should be."""
    optimizer = nnx.Optimizer(model, tx or optax.adam(0.05), wrt=wrt)

    @nnx.jit
    def step(model, optimizer, x, y):
        value, gradients = nnx.value_and_grad(lambda m: loss(m(x), y))(model)
        optimizer.update(model, gradients)
        return value

    for _ in range(steps):
        step(model, optimizer, x, y)


def jax_judge(model, x, y):
    return float(((model(x) - y) ** 2).mean())


@near("learning-rate-too-small")
def jax_as_it_should_be():
    x, y, x_test, y_test = jax_paraboloid()
    model = jax_network()
    jax_train(model, x, y)
    jax_judge(model, x_test, y_test)


@fires("learning-rate-too-small")
def jax_adam_at_a_rate_of_almost_nothing():
    x, y, x_test, y_test = jax_paraboloid()
    model = jax_network()
    jax_train(model, x, y, tx=optax.adam(1e-6))  # <- here
    jax_judge(model, x_test, y_test)


@fires("too-little-capacity")
def jax_a_single_normalised_unit():
    x, _, x_test, _ = jax_paraboloid()
    rngs = nnx.Rngs(0)
    norm = nnx.BatchNorm(1, rngs=rngs)
    model = nnx.Sequential(nnx.Linear(2, 1, rngs=rngs), norm, nnx.tanh, nnx.Linear(1, 1, rngs=rngs))
    jax_train(model, x, 2 * x[:, :1] ** 2)
    model.eval()
    jax_judge(model, x_test, 2 * x_test[:, :1] ** 2)


@fires("target-shape-broadcast")
def jax_a_column_against_a_row_by_hand():
    x, y, x_test, y_test = jax_paraboloid()
    model = jax_network()
    optimizer = nnx.Optimizer(model, optax.adam(0.05), wrt=nnx.Param)

    @nnx.jit
    def step(model, optimizer, x, y):
        def loss(model):
            return jnp.mean((model(x) - y) ** 2)  # <- here

        optimizer.update(model, nnx.grad(loss)(model))

    for _ in range(STEPS):
        step(model, optimizer, x, y[:, 0])
    jax_judge(model, x_test, y_test)


@fires("target-shape-broadcast", tried=False)
def jax_a_column_against_a_row_in_huber_loss():
    x, y, x_test, y_test = jax_paraboloid()
    model = jax_network()
    jax_train(model, x, y[:, 0], loss=lambda p, t: optax.huber_loss(p, t).mean())
    jax_judge(model, x_test, y_test)


@near("target-shape-broadcast")
def jax_a_row_against_a_squeezed_column():
    x, y, x_test, y_test = jax_paraboloid()
    model = jax_network()
    jax_train(model, x, y[:, 0], loss=lambda p, t: optax.squared_error(p[:, 0], t).mean())
    jax_judge(model, x_test, y_test)


@fires("validation-leak", tried=False)
def jax_judged_by_rows_that_were_trained_on():
    x, y, *_ = jax_paraboloid()
    model = DefinedBefore(nnx.Rngs(0))
    jax_train(model, x, y)
    jax_judge(model, x[::3], y[::3])


@near("validation-leak")
def jax_judged_by_rows_that_were_held_out():
    x, y, x_test, y_test = jax_paraboloid()
    model = DefinedBefore(nnx.Rngs(0))
    jax_train(model, x, y)
    jax_judge(model, x_test, y_test)


@near("validation-leak")
def jax_no_rows_held_out_at_all():
    x, y, *_ = jax_paraboloid()
    model = jax_network()
    jax_train(model, x, y)


@fires("detached-graph", tried=False)
def jax_a_code_computed_before_the_function_that_is_differentiated():
    x, y, x_test, y_test = jax_paraboloid()
    model = jax_network()
    optimizer = nnx.Optimizer(model, optax.adam(0.05), wrt=nnx.Param)

    @nnx.jit
    def step(model, optimizer, x, y):
        code = nnx.tanh(model.hidden(x))
        gradients = nnx.grad(lambda m: ((m.out(code) - y) ** 2).mean())(model)  # <- here
        optimizer.update(model, gradients)

    for _ in range(STEPS):
        step(model, optimizer, x, y)
    jax_judge(model, x_test, y_test)


@near("detached-graph")
def jax_what_it_says_now_is_computed_beside_what_it_learns_from():
    x, y, x_test, y_test = jax_paraboloid()
    model = jax_network()
    optimizer = nnx.Optimizer(model, optax.adam(0.05), wrt=nnx.Param)

    @nnx.jit
    def step(model, optimizer, x, y):
        now = model(x)
        gradients = nnx.grad(lambda m: ((m(x) - y) ** 2).mean())(model)
        optimizer.update(model, gradients)
        return ((now - y) ** 2).mean()

    for _ in range(STEPS):
        step(model, optimizer, x, y)
    jax_judge(model, x_test, y_test)


@fires("optimizer-not-attached")
def jax_a_filter_that_leaves_a_layer_out():
    x, y, x_test, y_test = jax_paraboloid()
    model = jax_network()
    jax_train(model, x, y, wrt=nnx.All(nnx.Param, nnx.PathContains("out")))
    jax_judge(model, x_test, y_test)


@near("optimizer-not-attached")
def jax_a_filter_that_names_all_layers():
    x, y, x_test, y_test = jax_paraboloid()
    model = jax_network()
    jax_train(model, x, y, wrt=nnx.Any(nnx.PathContains("hidden"), nnx.PathContains("out")))
    jax_judge(model, x_test, y_test)


def mlp_parameters():
    """2-16-1 as a tree of arrays."""
    first, second = jax.random.split(jax.random.key(0))
    return {
        "w1": jax.random.normal(first, (2, 16)),
        "b1": jnp.zeros(16),
        "w2": jax.random.normal(second, (16, 1)) / 4,
        "b2": jnp.zeros(1),
    }


def mlp(parameters, x):
    return jnp.tanh(x @ parameters["w1"] + parameters["b1"]) @ parameters["w2"] + parameters["b2"]


def error_of(parameters, x, y):
    return jnp.mean((mlp(parameters, x) - y) ** 2)


@fires("missing-optimizer-step", tried=False)
def jax_updates_that_are_never_applied():
    x, y, x_test, y_test = jax_paraboloid()
    parameters, tx = mlp_parameters(), optax.adam(0.05)
    state = tx.init(parameters)

    @jax.jit
    def step(parameters, state):
        loss, gradients = jax.value_and_grad(lambda p: jnp.mean((mlp(p, x) - y) ** 2))(parameters)
        updates, state = tx.update(gradients, state, parameters)
        return updates, state, loss

    for _ in range(STEPS):
        _, state, _ = step(parameters, state)
    jax.jit(error_of)(parameters, x_test, y_test).item()


@near("missing-optimizer-step")
def jax_updates_that_are_applied():
    x, y, x_test, y_test = jax_paraboloid()
    parameters, tx = mlp_parameters(), optax.adam(0.05)
    state = tx.init(parameters)

    @jax.jit
    def step(parameters, state):
        gradients = jax.grad(lambda p: jnp.mean((mlp(p, x) - y) ** 2))(parameters)
        updates, state = tx.update(gradients, state, parameters)
        return optax.apply_updates(parameters, updates), state

    for _ in range(STEPS):
        parameters, state = step(parameters, state)
    jax.jit(error_of)(parameters, x_test, y_test).item()


@near("missing-optimizer-step")
def jax_steps_by_hand():
    x, y, x_test, y_test = jax_paraboloid()
    parameters = mlp_parameters()

    @jax.jit
    def step(parameters):
        gradients = jax.grad(lambda p: jnp.mean((mlp(p, x) - y) ** 2))(parameters)
        return jax.tree.map(lambda p, g: p - 0.2 * g, parameters, gradients)

    for _ in range(10 * STEPS):
        parameters = step(parameters)
    jax.jit(error_of)(parameters, x_test, y_test).item()


@fires("detached-graph", tried=False)
def jax_a_gradient_that_is_stopped():
    class Cut(nnx.Module):
        def __init__(self, rngs):
            self.hidden = nnx.Linear(2, 16, rngs=rngs)
            self.out = nnx.Linear(16, 1, rngs=rngs)

        def __call__(self, x):
            return self.out(jax.lax.stop_gradient(nnx.tanh(self.hidden(x))))  # <- here

    x, y, x_test, y_test = jax_paraboloid()
    model = Cut(nnx.Rngs(0))
    jax_train(model, x, y)
    jax_judge(model, x_test, y_test)


@fires("updates-lost-in-jit", tried=False)
def jax_a_module_changed_inside_jax_jit():
    x, y, x_test, y_test = jax_paraboloid()
    model = jax_network()
    optimizer = nnx.Optimizer(model, optax.adam(0.05), wrt=nnx.Param)

    @jax.jit  # <- here
    def step(model, optimizer):  # <- here
        value, gradients = nnx.value_and_grad(lambda m: jnp.mean((m(x) - y) ** 2))(model)
        optimizer.update(model, gradients)  # <- here
        return value

    for _ in range(STEPS):
        step(model, optimizer)  # <- here
    jax_judge(model, x_test, y_test)


@fires("updates-lost-in-jit", tried=False)
def jax_returned_parameters_that_are_not_taken_over():
    x, y, x_test, y_test = jax_paraboloid()
    parameters, tx = mlp_parameters(), optax.adam(0.05)
    state = tx.init(parameters)

    @jax.jit
    def step(parameters, state):
        gradients = jax.grad(lambda p: jnp.mean((mlp(p, x) - y) ** 2))(parameters)
        updates, state = tx.update(gradients, state, parameters)
        return optax.apply_updates(parameters, updates), state

    for _ in range(STEPS):
        step(parameters, state)  # <- here
    jax.jit(error_of)(parameters, x_test, y_test).item()


def jax_epoch():
    """A function that takes five steps from the parameters that it is given."""
    x, y, *_ = jax_paraboloid()
    tx = optax.adam(0.05)

    @jax.jit
    def step(parameters, state):
        gradients = jax.grad(lambda p: jnp.mean((mlp(p, x) - y) ** 2))(parameters)
        updates, state = tx.update(gradients, state, parameters)
        return optax.apply_updates(parameters, updates), state

    def epoch(parameters, state):
        for _ in range(5):
            parameters, state = step(parameters, state)  # <- here
        return parameters, state

    return epoch, tx


@fires("updates-lost-in-jit", tried=False)
def jax_epochs_whose_parameters_are_not_taken_over():
    epoch, tx = jax_epoch()
    parameters = mlp_parameters()
    state = tx.init(parameters)
    for _ in range(20):
        epoch(parameters, state)


@near("updates-lost-in-jit")
def jax_epochs_in_one_scan_that_takes_its_arguments_memory():
    inputs, targets = map(jnp.asarray, jax_paraboloid()[:2])
    tx = optax.adam(0.05)

    @partial(jax.jit, donate_argnums=(0, 1))
    def epoch(parameters, state):
        def step(carry, rows):
            parameters, state = carry
            gradients = jax.grad(lambda p: jnp.mean((mlp(p, inputs[rows]) - targets[rows]) ** 2))(parameters)
            updates, state = tx.update(gradients, state, parameters)
            return (optax.apply_updates(parameters, updates), state), None

        return jax.lax.scan(step, (parameters, state), jnp.arange(ROWS).reshape(5, -1))[0]

    parameters = mlp_parameters()
    state = tx.init(parameters)
    for _ in range(60):
        parameters, state = epoch(parameters, state)


@near("updates-lost-in-jit")
def jax_three_trainings_from_the_same_parameters():
    epoch, tx = jax_epoch()
    parameters = mlp_parameters()
    for _ in range(3):
        epoch(parameters, tx.init(parameters))


@near("updates-lost-in-jit")
def jax_a_module_split_and_merged_around_jax_jit():
    x, y, x_test, y_test = jax_paraboloid()
    model = jax_network()
    optimizer = nnx.Optimizer(model, optax.adam(0.05), wrt=nnx.Param)
    definition, state = nnx.split((model, optimizer))

    @jax.jit
    def step(state):
        model, optimizer = nnx.merge(definition, state)
        optimizer.update(model, nnx.grad(lambda m: jnp.mean((m(x) - y) ** 2))(model))
        return nnx.state((model, optimizer))

    for _ in range(STEPS):
        state = step(state)
    nnx.update((model, optimizer), state)
    jax_judge(model, x_test, y_test)


@near("updates-lost-in-jit")
def jax_a_module_changed_inside_nnx_jit():
    x, y, x_test, y_test = jax_paraboloid()
    model = jax_network()
    optimizer = nnx.Optimizer(model, optax.adam(0.05), wrt=nnx.Param)

    @nnx.jit
    def step(model, optimizer):
        value, gradients = nnx.value_and_grad(lambda m: jnp.mean((m(x) - y) ** 2))(model)
        optimizer.update(model, gradients)
        return value

    for _ in range(STEPS):
        step(model, optimizer)
    jax_judge(model, x_test, y_test)


@fires("value-frozen-at-trace", tried=False)
def jax_a_rate_that_is_changed_outside():
    x, y, x_test, y_test = jax_paraboloid()
    parameters, rate = mlp_parameters(), 1e-5

    @jax.jit
    def step(parameters):
        gradients = jax.grad(lambda p: jnp.mean((mlp(p, x) - y) ** 2))(parameters)
        return jax.tree.map(lambda p, g: p - rate * g, parameters, gradients)  # <- here

    for epoch in range(STEPS):
        if epoch == 10:
            rate = 0.2  # <- here
        parameters = step(parameters)
    jax.jit(error_of)(parameters, x_test, y_test).item()


@near("value-frozen-at-trace")
def jax_a_rate_that_is_an_argument():
    x, y, x_test, y_test = jax_paraboloid()
    parameters, rate = mlp_parameters(), 0.02

    @jax.jit
    def step(parameters, rate):
        gradients = jax.grad(lambda p: jnp.mean((mlp(p, x) - y) ** 2))(parameters)
        return jax.tree.map(lambda p, g: p - rate * g, parameters, gradients)

    for epoch in range(10 * STEPS):
        if epoch == 10:
            rate = 0.2
        parameters = step(parameters, rate)
    jax.jit(error_of)(parameters, x_test, y_test).item()


# The tests.


@pytest.mark.parametrize(("code", "program", "alone", "tried"), FIRES)
def test_a_program_that_has_the_fault(code, program, alone, tried):
    diagnosis = diagnosis_of(program, tried)
    found = serious(diagnosis)
    assert code in [finding.code for finding in found], told(diagnosis)
    assert not diagnosis.healthy
    if alone:
        assert found[0].code == code, told(diagnosis)
    lines = marked_lines(program)
    if lines:
        place = next(finding.place for finding in found if finding.code == code)
        assert place is not None, told(diagnosis)
        assert (place.file, place.line in lines) == (__file__, True), told(diagnosis)


@pytest.mark.parametrize(("code", "program", "instead", "tried"), NEAR)
def test_a_program_that_is_like_it_and_has_not(code, program, instead, tried):
    diagnosis = diagnosis_of(program, tried)
    found = [finding.code for finding in serious(diagnosis)]
    assert code not in found, told(diagnosis)
    assert (instead in found) if instead else (found == [] and diagnosis.healthy), told(diagnosis)


def test_every_code_has_both():
    assert {case.values[0] for case in FIRES} == set(CODES)
    assert {case.values[0] for case in NEAR} == set(CODES)


# What watching must not do.


def torch_batches(losses):
    """Batches from a DataLoader, dropout, batch normalisation, validation in between; the last weights."""
    x, y, x_test, y_test = paraboloid()
    model = nn.Sequential(nn.Linear(2, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 3)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=32, shuffle=True)
    for _ in range(8):
        model.train()
        for inputs, targets in loader:
            optimizer.zero_grad()
            noise = torch.from_numpy(np.random.normal(size=targets.shape).astype(np.float32)) * random.random()
            loss = F.smooth_l1_loss(model(inputs), targets + 0.01 * noise)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        schedule.step()
        losses.append(judge(model, x_test, y_test))
    return {**{name: array.numpy().copy() for name, array in model.state_dict().items()}, "predicted": model(x_test)}


def jax_batches(losses):
    """The same in NNX."""

    class Noisy(nnx.Module):
        def __init__(self, rngs):
            self.hidden = nnx.Linear(2, 16, rngs=rngs)
            self.norm = nnx.BatchNorm(16, rngs=rngs)
            self.dropout = nnx.Dropout(0.2, rngs=rngs)
            self.out = nnx.Linear(16, 1, rngs=rngs)

        def __call__(self, x):
            return self.out(self.dropout(nnx.relu(self.norm(self.hidden(x)))))

    x, y, x_test, y_test = jax_paraboloid()
    model = Noisy(nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, optax.adamw(0.01), wrt=nnx.Param)

    @nnx.jit
    def step(model, optimizer, x, y):
        loss, gradients = nnx.value_and_grad(lambda m: optax.l2_loss(m(x), y).mean())(model)
        optimizer.update(model, gradients)
        return loss

    for _ in range(8):
        model.train()
        for rows in np.split(np.random.permutation(len(x)), 5):
            losses.append(float(step(model, optimizer, x[rows], y[rows])))
        model.eval()
        losses.append(jax_judge(model, x_test, y_test))
    state = nnx.to_flat_state(nnx.state(model, nnx.Not(nnx.RngKey)))
    keys = nnx.to_flat_state(nnx.state(model, nnx.RngKey))
    values = {".".join(map(str, path)): value[...] for path, value in state}
    return values | {".".join(map(str, path)): jax.random.key_data(value[...]) for path, value in keys}


def outcome(program):
    """Losses, weights and the states of all random numbers, seeded."""
    random.seed(3)
    np.random.seed(4)
    losses = []
    values = program(losses)
    np_state = np.random.get_state()
    numbers = {
        "python": hash(random.getstate()),
        "numpy": np_state[1],
        "at": np_state[2],
        "torch": torch.get_rng_state(),
    }
    every = {**values, **numbers, "losses": losses}
    return {
        name: np.asarray(value.detach() if torch.is_tensor(value) else value).copy() for name, value in every.items()
    }


@pytest.mark.parametrize("program", [torch_batches, jax_batches])
def test_watching_changes_no_bit(program):
    plain = outcome(program)
    with parity.diagnose.watch(seconds=0) as watched:
        seen = outcome(program)
    assert len(watched.diagnoses) == 1
    assert plain.keys() == seen.keys()
    assert [name for name in plain if plain[name].tobytes() != seen[name].tobytes()] == []


def hooked():
    """Everything that a watch puts something of its own in the place of."""
    owners = {
        nn.Module: ["__call__", "load_state_dict", "forward"],
        torch.Tensor: ["backward"],
        torch.autograd: ["backward", "grad"],
        torch.optim.Optimizer: ["__init__", "step", "zero_grad"],
        jax: ["jit", "grad", "value_and_grad"],
        nnx: ["jit", "grad", "value_and_grad", "relu", "tanh", "gelu"],
        optax: ["apply_updates", "chain", "adam", "sgd", "l2_loss", "huber_loss"],
        sys.modules["sklearn.metrics"]: ["r2_score", "mean_squared_error"],
    }
    optimizers = sys.modules["torch.optim.optimizer"]  # torch.optim hides its name.
    attributes = {(owner, name): vars(owner).get(name) for owner, names in owners.items() for name in names}
    for owner in (nnx.Module, nnx.Linear, nnx.Sequential, nnx.Dropout, nnx.BatchNorm, nnx.LayerNorm, nnx.Optimizer):
        attributes |= {(owner, name): vars(owner).get(name) for name in ("__call__", "__init_subclass__", "update")}
    return attributes | {
        "function modes": torch.overrides._get_current_function_mode_stack(),
        "before steps": dict(optimizers._global_optimizer_pre_hooks),
        "after steps": dict(optimizers._global_optimizer_post_hooks),
        "before forward": dict(nn.modules.module._global_forward_pre_hooks),
        "after forward": dict(nn.modules.module._global_forward_hooks),
        "finders": list(sys.meta_path),
        "traced": sys.gettrace(),
        "profiled": sys.getprofile(),
    }


def test_no_hook_is_left_behind():
    before = hooked()
    with parity.diagnose.watch(seconds=0):
        inside = hooked()
        torch_batches([])
        jax_batches([])
    assert inside != before
    assert hooked() == before


def test_an_error_in_the_block_is_the_callers_and_what_was_seen_is_kept():
    def trains_and_fails():
        the_optimizer_never_steps()
        raise ZeroDivisionError

    before = hooked()
    with pytest.raises(ZeroDivisionError), parity.diagnose.watch(seconds=0) as watched:
        trains_and_fails()
    assert hooked() == before
    assert [finding.code for finding in serious(watched.diagnoses[0])] == ["missing-optimizer-step"]
    assert not watched.healthy


def test_a_block_that_trains_nothing_has_no_diagnosis():
    with parity.diagnose.watch(seconds=0) as watched:
        _, _, x_test, y_test = paraboloid()
        judge(network(), x_test, y_test)
    assert watched.diagnoses == ()


def test_an_effect_is_what_mending_it_bought():
    (finding,) = serious(diagnosis_of(a_column_against_a_row_by_hand, True))
    assert finding.effect is not None
    assert finding.effect.before < 0.1
    assert finding.effect.after > 0.95


def test_each_of_two_networks_has_its_own_answer():
    good, bad = diagnosed(lambda: (half_of_the_squared_error(), the_optimizer_never_steps()))
    assert good.healthy
    assert serious(bad)[0].code == "missing-optimizer-step"
