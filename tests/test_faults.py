"""Planted faults: each is put into one twin, and must be caught at the rung that has to catch it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import jax_impl.trainer
import parity
import torch_impl.losses
import torch_impl.model
import torch_impl.optimizers
import torch_impl.program
import torch_impl.trainer
from parity.contract import MLP, Adam, AdamW, BatchOrder, RegularizedMLP

# One output and a mini-batch; two outputs; each a run of a second.
ONE_OUTPUT = parity.recipe("paraboloid", rows=200, epochs=12, batch_size=16, model=MLP(hidden=(8, 8)))
TWO_OUTPUTS = parity.recipe("polar", rows=200, epochs=10, batch_size=16, model=MLP(hidden=(8, 8), activation="tanh"))
STATEFUL = parity.recipe("polar", rows=200, epochs=10, batch_size=16, model=RegularizedMLP(hidden=(8, 8)))


def climbed(experiment, dtype="float64"):
    """The rungs of JAX against PyTorch in one dtype."""
    experiment = replace(experiment, contender=(f"jax:{dtype}",))
    return parity.run(experiment, throughput=False)


def broken_at(result):
    (pair,) = result.pairs
    return [rung.name for rung in pair.rungs if not rung.passed]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("experiment", [ONE_OUTPUT, TWO_OUTPUTS, STATEFUL], ids=["one", "two", "stateful"])
def test_healthy_twins_hold_every_rung(experiment, dtype):
    result = climbed(experiment, dtype)
    assert result.verdict == "equivalent", result.summary
    names = [rung.name for rung in result.pairs[0].rungs]
    assert names == ["start", "predict", "loss", "gradients", "step", "trajectory", "accuracy"]


def square_kernel_not_transposed(monkeypatch):
    def to_native_axes(name, array):
        return array if array.shape[-1] == array.shape[-2] else array.swapaxes(-1, -2)

    def only_kernels(name, array):
        return to_native_axes(name, array) if name.endswith("kernel") else array

    set_state = torch_impl.trainer.Trainer.set_state

    def faulty(self, state):
        with monkeypatch.context() as while_setting:
            while_setting.setattr(torch_impl.trainer, "native_axes", only_kernels)
            set_state(self, state)

    monkeypatch.setattr(torch_impl.trainer.Trainer, "set_state", faulty)


def square_kernel_transposed_neither_way(monkeypatch):
    def native_axes(name, array):
        square = array.ndim >= 2 and array.shape[-1] == array.shape[-2]
        return array.swapaxes(-1, -2) if name.endswith("kernel") and not square else array

    monkeypatch.setattr(torch_impl.trainer, "native_axes", native_axes)


def masks_of_another_draw(monkeypatch):
    put_all = torch_impl.trainer.Trainer._put_all

    def faulty(self, arrays):
        return {name: mask.roll(1, 0) for name, mask in put_all(self, arrays).items()}

    monkeypatch.setattr(torch_impl.trainer.Trainer, "_put_all", faulty)


def data_in_another_order(monkeypatch):
    put = torch_impl.trainer.Trainer._put
    monkeypatch.setattr(torch_impl.trainer.Trainer, "_put", lambda self, array: put(self, array).flip(0))


def wrong_activation(monkeypatch):
    monkeypatch.setitem(torch_impl.model.ACTIVATIONS, "relu", F.silu)


def evaluation_with_batch_statistics(monkeypatch):
    monkeypatch.setattr(nn.Module, "eval", lambda self: self.train())
    train = nn.Module.train
    monkeypatch.setattr(nn.Module, "train", lambda self, mode=True: train(self, True))


def dropout_not_rescaled(monkeypatch):
    build = torch_impl.program.build_model

    def faulty(*args):
        model = build(*args)
        model.keep = 1.0
        return model

    monkeypatch.setattr(torch_impl.program, "build_model", faulty)


def summed_loss(monkeypatch):
    monkeypatch.setitem(torch_impl.losses.LOSSES, "mse", lambda p, t, reduction: F.mse_loss(p, t, reduction="sum"))


def mean_over_the_batch_only(monkeypatch):
    monkeypatch.setitem(torch_impl.losses.LOSSES, "mse", lambda p, t, reduction: ((p - t) ** 2).sum(dim=1).mean())


def gradient_of_half_the_loss(monkeypatch):
    half = torch_impl.program.Program.loss_and_grads

    def faulty(self, state, batch, training):
        loss, gradients = half(self, state, batch, training)
        return loss, {name: gradient / 2 for name, gradient in gradients.items()}

    monkeypatch.setattr(torch_impl.program.Program, "loss_and_grads", faulty)


def another_weight_decay(monkeypatch):
    build = torch_impl.optimizers.adamw
    monkeypatch.setitem(torch_impl.optimizers.OPTIMIZERS, AdamW, lambda c, p: build(replace(c, weight_decay=1e-4), p))


def wrong_b2(monkeypatch):
    build = torch_impl.optimizers.adam
    monkeypatch.setitem(torch_impl.optimizers.OPTIMIZERS, Adam, lambda c, p: build(replace(c, b2=0.99), p))


def wrong_eps(monkeypatch):
    build = torch_impl.optimizers.adam
    monkeypatch.setitem(torch_impl.optimizers.OPTIMIZERS, Adam, lambda c, p: build(replace(c, eps=1e-7), p))


def biased_running_variance(monkeypatch):
    forward = nn.BatchNorm1d.forward

    def faulty(self, x):
        before = 0.9 * self.running_var
        y = forward(self, x)
        if self.training:
            self.running_var.data = before + (self.running_var - before) * (len(x) - 1) / len(x)
        return y

    monkeypatch.setattr(torch_impl.model.BatchNorm, "forward", faulty)


def schedule_one_step_late(monkeypatch):
    scalars = torch_impl.trainer.step_scalars

    def faulty(config, first, steps):
        return scalars(config, first + 1, steps)

    monkeypatch.setattr(torch_impl.trainer, "step_scalars", faulty)


def a_batch_swapped_in_epoch_7(monkeypatch):
    fit = torch_impl.trainer.Trainer.fit

    def faulty(self, data, order, **watched):
        steps_an_epoch = order.steps // 12
        rows = order.rows.copy()
        rows[6 * steps_an_epoch], rows[6 * steps_an_epoch + 1] = (
            rows[6 * steps_an_epoch + 1],
            rows[6 * steps_an_epoch].copy(),
        )
        return fit(self, data, BatchOrder(order.steps, rows, order.masks), **watched)

    monkeypatch.setattr(torch_impl.trainer.Trainer, "fit", faulty)


def a_rate_that_drifts(monkeypatch):
    """Right for the first steps, then 10 % too high."""
    scalars = torch_impl.trainer.step_scalars

    def faulty(config, first, steps):
        drift = np.where(np.arange(first, first + steps) < 5, 1.0, 1.1)
        return {name: values * drift for name, values in scalars(config, first, steps).items()}

    monkeypatch.setattr(torch_impl.trainer, "step_scalars", faulty)


def a_rate_that_is_a_billionth_off(monkeypatch):
    scalars = jax_impl.trainer.step_scalars

    def faulty(config, first, steps):
        values = scalars(config, first, steps)
        return {**values, "learning_rate": values["learning_rate"] * (1 + 1e-9)}

    monkeypatch.setattr(jax_impl.trainer, "step_scalars", faulty)


ADAMW = replace(ONE_OUTPUT, optimizer=AdamW(learning_rate=1e-2))

FAULTS = [
    (square_kernel_not_transposed, ONE_OUTPUT, "start"),
    (masks_of_another_draw, STATEFUL, "start"),
    (data_in_another_order, ONE_OUTPUT, "start"),
    (square_kernel_transposed_neither_way, ONE_OUTPUT, "predict"),
    (wrong_activation, ONE_OUTPUT, "predict"),
    (evaluation_with_batch_statistics, STATEFUL, "predict"),
    (dropout_not_rescaled, STATEFUL, "predict"),
    (summed_loss, ONE_OUTPUT, "loss"),
    (mean_over_the_batch_only, TWO_OUTPUTS, "loss"),
    (gradient_of_half_the_loss, ONE_OUTPUT, "gradients"),
    (another_weight_decay, ADAMW, "step"),
    (wrong_b2, ONE_OUTPUT, "step"),
    (wrong_eps, ONE_OUTPUT, "step"),
    (biased_running_variance, STATEFUL, "step"),
    (schedule_one_step_late, ONE_OUTPUT, "step"),
    (a_rate_that_is_a_billionth_off, ONE_OUTPUT, "step"),
    (a_batch_swapped_in_epoch_7, ONE_OUTPUT, "trajectory"),
]


@pytest.mark.parametrize(("plant", "experiment", "rung"), FAULTS, ids=[plant.__name__ for plant, _, _ in FAULTS])
def test_a_planted_fault_is_caught_at_its_rung(monkeypatch, plant, experiment, rung):
    plant(monkeypatch)
    result = climbed(experiment)
    assert broken_at(result) == [rung], result.summary
    (pair,) = result.pairs
    assert pair.rungs[-1].name == rung
    assert pair.rungs[-1].where
    # Without a proven common start there is no verdict.
    assert result.verdict == ("inconclusive" if rung == "start" else "different")
    assert all(speed is None for speed in result.throughput.values())


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("plant", [a_rate_that_drifts, a_batch_swapped_in_epoch_7])
def test_a_fault_on_the_way_is_caught_in_either_dtype(monkeypatch, plant, dtype):
    plant(monkeypatch)
    assert broken_at(climbed(ONE_OUTPUT, dtype)) == ["trajectory"]


def test_the_mean_over_the_batch_only_is_invisible_with_one_output(monkeypatch):
    mean_over_the_batch_only(monkeypatch)
    assert climbed(ONE_OUTPUT).verdict == "equivalent"


def test_the_swapped_batch_is_placed_at_its_step(monkeypatch):
    a_batch_swapped_in_epoch_7(monkeypatch)
    (pair,) = climbed(ONE_OUTPUT).pairs
    swapped = 6 * (ONE_OUTPUT.steps // 12) + 1
    assert pair.rungs[-1].where == f"step {swapped}, loss"


def test_a_float32_backend_that_computes_in_float64_is_caught(monkeypatch):
    monkeypatch.setattr(torch_impl.trainer, "to_numpy", lambda tensor: tensor.detach().to(torch.float64).numpy().copy())
    assert broken_at(climbed(ONE_OUTPUT, "float32")) == ["start"]


def test_one_ulp_in_one_weight_is_caught_at_the_start(monkeypatch):
    put = torch_impl.trainer.Trainer._put

    def faulty(self, array):
        tensor = put(self, array)
        if array.dtype.kind == "f" and array.ndim == 2:
            tensor[0, 0] = np.nextafter(array[0, 0], np.inf)
        return tensor

    monkeypatch.setattr(torch_impl.trainer.Trainer, "_put", faulty)
    result = climbed(ONE_OUTPUT)
    assert broken_at(result) == ["start"]
    assert "[0, 0]" in result.pairs[0].rungs[0].where
