"""Both twins agree with the oracle, plain NumPy with hand-derived gradients, on everything that a config can say."""

from dataclasses import replace
from functools import cache
from itertools import cycle
from typing import get_args

import jax
import jax.numpy as jnp
import noise
import numpy as np
import optax
import pytest
import torch
import torch.nn.functional as F

import jax_impl.model
import jax_impl.optimizers
import jax_impl.program
import jax_impl.schedules
import torch_impl.model
import torch_impl.optimizers
import torch_impl.program
import torch_impl.schedules
import torch_impl.trainer
from parity import registry
from parity.contract import (
    MLP,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    BatchOrder,
    Constant,
    Cosine,
    Data,
    Exponential,
    FirstOrder,
    Lion,
    Loss,
    NAdam,
    OneCycle,
    RAdam,
    RegularizedMLP,
    RMSprop,
    Schedule,
    State,
    Step,
    TrainingConfig,
    WarmupCosine,
    zero_state,
)
from parity.contract.losses import LossKind, Reduction
from parity.contract.models import Activation
from parity.ladder.replicas import Given, disturb

TWINS = ("jax", "torch")
ROWS, BATCH, STEPS = 24, 8, 30

DEFAULT = TrainingConfig(
    MLP((4,), "tanh"), inputs=2, outputs=2, loss=Loss(), optimizer=Adam(1e-2), schedule=Constant(), clip_norm=None,
    steps=STEPS,
)  # fmt: skip


def given(config, dtype="float64", full_batch=False):
    """The same start for every backend, rounded to float32, so that every dtype starts from the same numbers."""
    random = np.random.default_rng(0)

    def draw(*shape):
        return random.standard_normal(shape).astype("float32").astype(dtype)

    zero = zero_state(config, dtype)
    parameters = {name: 0.7 * draw(*array.shape) for name, array in zero.parameters.items()}
    buffers = {name: 0.5 + abs(draw(*array.shape)) for name, array in zero.buffers.items()}
    inputs, targets = draw(ROWS, config.inputs), draw(ROWS, config.outputs)
    if config.loss.kind == "cross_entropy":
        targets = np.exp(targets) / np.exp(targets).sum(axis=1, keepdims=True)
    batch_rows = ROWS if full_batch else BATCH
    rows = np.stack([random.permutation(ROWS)[:BATCH] for _ in range(config.steps)]).astype(np.int32)
    masks = {n: random.random((config.steps, batch_rows, width)) < 0.7 for n, width in config.model.masks().items()}
    order = BatchOrder(config.steps, None if full_batch else rows, masks)
    data = Data(inputs, targets)
    return Given(State(parameters, buffers, zero.optimizer), data, data, order)


def observe(name, config, dtype="float64", full_batch=False):
    """What a backend makes of a config, by group."""
    return see(name, config, dtype, given(config, dtype, full_batch))


def see(name, config, dtype, given, replica=None):
    """What a backend makes of a start, by group, put back into the order of the original where it is a replica's."""
    backend = registry.load(name)
    trainer = backend.trainer(config, device="cpu", mode=backend.modes[0], dtype=dtype)
    trainer.set_state(given.state)
    # Gradients know nothing of the optimizer: beside the simplest they are looked at, and elsewhere not compiled again.
    loss, gradients = trainer.loss_and_grads(given.batch(0)) if isinstance(config.optimizer, SGD) else (0.0, {})
    seen = {"evaluate": given.train.inputs, "evaluate_at": (0, config.steps), "checkpoints_at": (config.steps,)}
    history = trainer.fit(given.train, given.order, **seen)
    restore, in_order = (replica.restore, replica.restore_predictions) if replica else (dict, np.asarray)
    return {
        "predictions": {"before": in_order(history.predictions[0])},
        "loss": {"loss": np.array(loss)},
        "gradients": restore(gradients),
        "losses": {"behind": history.losses},
        "learned predictions": {"behind": in_order(history.predictions[1])},
        "parameters": restore(history.final.parameters),
        "buffers": restore(history.final.buffers),
        "kept parameters": restore({name: kept[0] for name, kept in history.parameters.items()}),
        "kept buffers": restore({name: kept[0] for name, kept in history.buffers.items()}),
        **{slot: restore(arrays) for slot, arrays in history.final.optimizer.items()},
    }


observed = cache(observe)
AT_ONCE = ("predictions", "loss", "gradients")


@cache
def noise_of(config, dtype, full_batch):
    """By group and tensor, how far the oracle's replicas in a dtype lie from its float64 run."""
    start, truth = given(config, dtype, full_batch), observed("numpy", config, full_batch=full_batch)
    replicas = [disturb(start, config, seed) for seed in range(noise.REPLICAS)]
    seen = [see("numpy", config, dtype, replica.given, replica) for replica in replicas]
    return {group: noise.furthest(truth[group], [each[group] for each in seen]) for group in truth}


def differences(found, config, dtype="float64", full_batch=False):
    """The groups that are further from the float64 oracle than rounding explains, and where."""
    expected = observed("numpy", config, full_batch=full_batch)
    assert expected.keys() == found.keys()
    assert {a.dtype.name for group in found.keys() - {"loss"} for a in found[group].values()} == {dtype}
    noises = noise_of(config, dtype, full_batch)
    told = {}
    for group, arrays in expected.items():
        stored = 1 if group in AT_ONCE else config.steps
        told[group] = noise.beyond(arrays, found[group], noises[group], dtype, stored)
    return {group: far for group, far in told.items() if far}


def with_activation(activation):
    return replace(DEFAULT, model=MLP((4, 3), activation), optimizer=SGD(0.05))


def with_loss(kind, reduction="mean", delta=0.6):
    return replace(DEFAULT, loss=Loss(kind, reduction, delta), optimizer=SGD(0.05 if reduction == "mean" else 0.005))


@pytest.mark.parametrize("activation", get_args(Activation))
@pytest.mark.parametrize("twin", TWINS)
def test_activation(twin, activation):
    config = with_activation(activation)
    assert differences(observed(twin, config), config) == {}


@pytest.mark.parametrize("reduction", get_args(Reduction))
@pytest.mark.parametrize("kind", get_args(LossKind))
@pytest.mark.parametrize("twin", TWINS)
def test_loss(twin, kind, reduction):
    config = with_loss(kind, reduction)
    assert differences(observed(twin, config), config) == {}


def told(config):
    """A short name of a config of the contract, for test ids."""
    shown = ",".join(f"{key}={value}" for key, value in vars(config).items() if value != getattr(type(config), key))
    return f"{type(config).__name__}({shown})"


OPTIMIZERS = [
    SGD(0.1),
    SGD(0.05, momentum=0.9),
    SGD(0.05, momentum=0.8, nesterov=True),
    SGD(0.1, weight_decay=0.1),
    SGD(0.05, momentum=0.9, nesterov=True, weight_decay=0.1),
    Adam(1e-2),
    Adam(1e-2, b1=0.8, b2=0.95, eps=1e-2),
    AdamW(1e-2),
    AdamW(1e-2, b1=0.8, b2=0.95, eps=1e-2, weight_decay=0.3),
    RMSprop(1e-2),
    RMSprop(1e-2, decay=0.9, eps=1e-2, momentum=0.9),
    Adagrad(5e-2),
    Adagrad(5e-2, eps=1e-2),
    NAdam(1e-2),
    NAdam(1e-2, b1=0.8, b2=0.95, eps=1e-2, momentum_decay=0.1),
    RAdam(1e-2),
    RAdam(1e-2, b1=0.8, b2=0.95, eps=1e-2),
    Adamax(1e-2),
    Adamax(1e-2, b1=0.8, b2=0.9, eps=1e-2),
    Adadelta(1.0),
    Adadelta(1.0, decay=0.8, eps=1e-2),
    Lion(1e-3),
    Lion(1e-3, b1=0.8, b2=0.9, weight_decay=0.3),
]


IN_TRAINING = [Constant(), Cosine(0.1), Exponential(0.95), Step(7, 0.5), OneCycle(), WarmupCosine(0.3)]
RATES = dict(zip(OPTIMIZERS, cycle(IN_TRAINING), strict=False))


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=told)
@pytest.mark.parametrize("twin", TWINS)
def test_optimizer_at_the_rates_of_a_schedule(twin, optimizer):
    config = replace(DEFAULT, optimizer=optimizer, schedule=RATES[optimizer])
    assert differences(observed(twin, config), config) == {}


def test_no_optimizer_of_the_gradient_is_left_out():
    assert {type(optimizer) for optimizer in OPTIMIZERS} == set(get_args(FirstOrder))


SCHEDULES = [
    Constant(),
    Cosine(),
    Cosine(end=0.3),
    Exponential(0.9),
    Step(every=7, decay=0.5),
    Step(every=1, decay=1.5),
    Step(every=100),
    OneCycle(),
    OneCycle(rise=0.5, div=3.0, final_div=7.0),
    OneCycle(rise=1e-3),
    OneCycle(rise=1 / STEPS),
    OneCycle(rise=0.99),
    WarmupCosine(),
    WarmupCosine(warmup=0.5, start=0.2, end=0.1),
    WarmupCosine(warmup=0.0),
    WarmupCosine(warmup=0.99),
]


@pytest.mark.parametrize("steps", [1, 2, 3, STEPS, 1000])
@pytest.mark.parametrize("schedule", SCHEDULES, ids=told)
@pytest.mark.parametrize("twin", TWINS)
def test_rates_of_a_schedule_from_the_shortest_run_on(twin, schedule, steps):
    from numpy_impl.schedules import multiple

    config = replace(DEFAULT, schedule=schedule, steps=steps)
    learning_rates = {"jax": jax_impl.schedules, "torch": torch_impl.schedules}[twin].learning_rates
    whole = learning_rates(config, 0, steps + 3)
    in_two = np.concatenate([learning_rates(config, 0, steps - 1), learning_rates(config, steps - 1, 4)])

    def rates(rate, t):
        # Only upwards, as a schedule may jump at a whole step.
        t = np.maximum(t, np.arange(steps + 3))
        return {"rate": np.array([rate * multiple(schedule, each, steps) for each in t])}

    start = np.float64(1e-2), np.arange(steps + 3, dtype=np.float64)
    expected, rounding = rates(*start), noise.of_function(rates, *start)
    assert whole.dtype == np.float64
    assert noise.beyond(expected, {"rate": whole}, rounding) == {}
    assert noise.beyond(expected, {"rate": in_two}, rounding) == {}


def test_no_schedule_is_left_out():
    assert {type(schedule) for schedule in SCHEDULES} == set(get_args(Schedule))


REGULARIZED = replace(DEFAULT, model=RegularizedMLP((4, 3), "silu", dropout=0.3, momentum=0.2), optimizer=SGD(0.1, 0.9))


@pytest.mark.parametrize("full_batch", [False, True], ids=["mini-batch", "full batch"])
@pytest.mark.parametrize(
    "config",
    [
        replace(DEFAULT, clip_norm=0.1, optimizer=SGD(0.1)),
        replace(DEFAULT, clip_norm=1e3, optimizer=SGD(0.1)),
        replace(REGULARIZED, clip_norm=0.5),
        replace(REGULARIZED, model=RegularizedMLP((5,), "relu", dropout=0.0, epsilon=1e-2), outputs=1),
    ],
    ids=["clipped", "never clipped", "masks and running statistics", "no dropout, one output"],
)
@pytest.mark.parametrize("twin", TWINS)
def test_clipping_and_models_in_mini_and_full_batch(twin, config, full_batch):
    found = observed(twin, config, full_batch=full_batch)
    assert differences(found, config, full_batch=full_batch) == {}


@pytest.mark.parametrize(
    "optimizer", [SGD(0.05, 0.9, True, 0.1), Adam(1e-2), AdamW(1e-2), RMSprop(1e-2, momentum=0.5), Adagrad(5e-2),
                  NAdam(1e-2), RAdam(1e-2, b2=0.95), Adamax(1e-2), Adadelta(1.0), Lion(1e-3, weight_decay=0.1)],
    ids=told,
)  # fmt: skip
@pytest.mark.parametrize("twin", TWINS)
def test_float32_stays_with_the_float64_oracle(twin, optimizer):
    config = replace(DEFAULT, optimizer=optimizer, schedule=Cosine(0.1), clip_norm=2.0)
    assert differences(observed(twin, config, "float32"), config, "float32") == {}


def with_optimizer(optimizer, **changes):
    return replace(DEFAULT, optimizer=optimizer, schedule=RATES[optimizer], **changes)


ADAM, NESTEROV = with_optimizer(Adam(1e-2)), with_optimizer(SGD(0.05, momentum=0.8, nesterov=True))
ADAMW, RMS = with_optimizer(AdamW(1e-2)), with_optimizer(RMSprop(1e-2, decay=0.9, eps=1e-2, momentum=0.9))

# A wrong twin is a right one of another config: what the twin has, what it should have, and the group that has to tell.
WRONG_CONSTANTS = {
    "b2": (ADAM, replace(ADAM, optimizer=Adam(1e-2, b2=0.99)), "second_moment"),
    "b2, after all steps": (ADAM, replace(ADAM, optimizer=Adam(1e-2, b2=0.99)), "parameters"),
    "eps": (ADAM, replace(ADAM, optimizer=Adam(1e-2, eps=2e-8)), "parameters"),
    "learning rate": (ADAM, replace(ADAM, optimizer=Adam(1.0001e-2)), "parameters"),
    "decay of the weights": (ADAMW, replace(ADAMW, optimizer=AdamW(1e-2, weight_decay=1e-4)), "parameters"),
    "no nesterov": (NESTEROV, replace(NESTEROV, optimizer=SGD(0.05, momentum=0.8)), "parameters"),
    "alpha": (RMS, replace(RMS, optimizer=replace(RMS.optimizer, decay=0.99)), "mean_square"),
    "end of a schedule": (ADAMW, replace(ADAMW, schedule=Cosine(0.1001)), "losses"),
    "which gelu": (with_activation("gelu"), with_activation("gelu_tanh"), "predictions"),
    "which loss": (with_loss("mse"), with_loss("log_cosh"), "loss"),
    "delta of huber": (with_loss("huber"), with_loss("huber", delta=0.601), "gradients"),
    "which reduction": (with_loss("mse"), with_loss("mse", "sum"), "gradients"),
    "clipping": (ADAM, replace(ADAM, clip_norm=0.1), "parameters"),
}


@pytest.mark.parametrize("constant", WRONG_CONSTANTS)
@pytest.mark.parametrize("twin", TWINS)
def test_a_wrong_constant_is_seen(twin, constant):
    has, should_have, group = WRONG_CONSTANTS[constant]
    assert group in differences(observed(twin, has), should_have)


@pytest.fixture
def fresh_programs():
    """A compiled program would not see a planted fault, and would keep it."""
    jax_impl.program.program_of.cache_clear()
    yield
    jax_impl.program.program_of.cache_clear()


def plant(monkeypatch, fault):
    """Put a mistake into the twins, and return a config that shows it and the group that has to tell."""
    match fault:
        case "slope of leaky_relu":
            monkeypatch.setitem(jax_impl.model.ACTIVATIONS, "leaky_relu", lambda x: jnp.where(x > 0, x, 0.02 * x))
            monkeypatch.setitem(torch_impl.model.ACTIVATIONS, "leaky_relu", lambda x: F.leaky_relu(x, 0.02))
            return replace(DEFAULT, model=MLP((4, 3), "leaky_relu")), "predictions"
        case "kernels not transposed":
            monkeypatch.setattr("jax_impl.convert.TRANSPOSED", frozenset({"kernel"}))
            monkeypatch.setattr("torch_impl.convert.TRANSPOSED", frozenset())
            return replace(DEFAULT, model=MLP((2, 2), "tanh")), "predictions"
        case "clipping without 1e-6":

            def clip_in_place(parameters, largest, stacked):
                norm = torch.cat([p.grad.flatten() for p in parameters]).norm()
                for p in parameters:
                    p.grad *= min(1.0, largest / norm)

            def clip(gradients, largest):
                scale = jnp.minimum(1.0, largest / optax.tree.norm(gradients))
                return jax.tree.map(lambda g: g * scale, gradients)

            monkeypatch.setattr(jax_impl.program, "clip_by_global_norm", clip)
            monkeypatch.setattr(torch_impl.program, "clip_by_global_norm", clip_in_place)
            return replace(DEFAULT, optimizer=SGD(0.1), clip_norm=0.1), "parameters"
        case "mean over the batch only":
            monkeypatch.setattr("jax_impl.losses.reduce", lambda elements, reduction: elements.mean(axis=0).sum())
            monkeypatch.setattr("torch_impl.losses.reduce", lambda elements, reduction: elements.mean(axis=0).sum())
            return with_loss("log_cosh"), "loss"
        case "a schedule one step late":
            monkeypatch.setitem(jax_impl.schedules.SCHEDULES, Exponential, lambda c, t, steps: c.decay ** (t + 1))
            monkeypatch.setitem(torch_impl.schedules.SCHEDULES, Exponential, lambda c, t, steps: c.decay ** (t + 1))
            return replace(DEFAULT, schedule=Exponential(0.999)), "losses"
        case "momentum of NAdam one step late":
            for twin in (jax_impl, torch_impl):
                late = twin.optimizers.nadam_scalars
                monkeypatch.setitem(twin.optimizers.SCALARS, NAdam, lambda c, rate, t, late=late: late(c, rate, t + 1))
            return replace(DEFAULT, optimizer=NAdam(1e-2)), "parameters"
        case "biased running variance":
            kept_jax, kept_torch = jax_impl.model.BatchNorm.__call__, torch_impl.model.BatchNorm.forward

            def forward_jax(self, x):
                before, y = self.var[...], kept_jax(self, x)
                self.var[...] = before + (self.var[...] - before) * (len(x) - 1) / len(x)
                return y

            def forward_torch(self, x):
                before, y = self.running_var.clone(), kept_torch(self, x)
                self.running_var = before + (self.running_var - before) * (len(x) - 1) / len(x)
                return y

            monkeypatch.setattr(jax_impl.model.BatchNorm, "__call__", forward_jax)
            monkeypatch.setattr(torch_impl.model.BatchNorm, "forward", forward_torch)
            return REGULARIZED, "buffers"


@pytest.mark.parametrize(
    "fault",
    ["slope of leaky_relu", "kernels not transposed", "clipping without 1e-6", "mean over the batch only",
     "a schedule one step late", "momentum of NAdam one step late", "biased running variance"],
)  # fmt: skip
@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.usefixtures("fresh_programs")
def test_a_planted_fault_is_seen(monkeypatch, twin, fault):
    config, group = plant(monkeypatch, fault)
    assert group in differences(observe(twin, config), config)
