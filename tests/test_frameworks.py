"""The twins are the frameworks: their own definitions are what they say, and nothing is compiled, read or changed twice."""

import inspect
from dataclasses import replace

import flax.nnx as nnx
import jax
import jax.numpy as jnp
import noise
import numpy as np
import optax
import pytest
import torch
import torch.nn.functional as F
from scipy.special import erf

import jax_impl.convert
import jax_impl.losses
import jax_impl.model
import jax_impl.optimizers
import jax_impl.program
import jax_impl.schedules
import torch_impl.convert
import torch_impl.losses
import torch_impl.model
import torch_impl.optimizers
import torch_impl.schedules
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
    Lion,
    Loss,
    NAdam,
    OneCycle,
    RAdam,
    RegularizedMLP,
    RMSprop,
    State,
    Step,
    TrainingConfig,
    WarmupCosine,
    zero_state,
)
from parity.ladder.replicas import Given

STEPS = 30
DEFAULT = TrainingConfig(MLP((3,)), 2, 2, Loss(), Adam(), Constant(), clip_norm=None, steps=STEPS)
OPTIMIZERS = [SGD(momentum=0.9), Adam(), AdamW(), RMSprop(momentum=0.5), Adagrad(), NAdam(), RAdam(), Adamax(),
              Adadelta(), Lion()]  # fmt: skip

random = np.random.default_rng(0)
START, GRADIENTS = random.standard_normal(5), random.standard_normal((STEPS, 5))
ZERO = np.zeros(5)
"""A start from which every digit of a parameter is one of its path."""


def name_of(config):
    return type(config).__name__


def same(one, other, rounding, dtype="float64", stored=1):
    """Whether rounding explains all of the distance; `rounding` is what it was measured to be, see `noise`."""
    (noise_of_it,) = rounding.values()
    return not noise.beyond({"": np.asarray(one)}, {"": np.asarray(other)}, {"": noise_of_it}, dtype, stored)


def same_path(config, one, other, dtype="float64", start=START):
    """The same of (S, 5) paths by an optimizer, at every step."""

    def steps(start, gradients):
        return {f"step {t}": p for t, p in enumerate(by_oracle(config, start, gradients), start=1)}

    rounding = noise.of_function(steps, start, GRADIENTS, dtype=dtype, truth=steps(start, GRADIENTS))
    return all(
        same(one[t], other[t], {"": of_step}, dtype, stored=t + 1) for t, of_step in enumerate(rounding.values())
    )


def by_oracle(config, start=START, gradients=GRADIENTS):
    """(S, 5): the path of five parameters under given gradients, by the formulas of the contract."""
    from numpy_impl.optimizers import update

    p, slots, path = start, dict.fromkeys(config.slots, np.zeros_like(start)), []
    for t, gradient in enumerate(gradients, start=1):
        p, slots = update(config, config.learning_rate, t, p, gradient, slots)
        path.append(p)
    return np.stack(path)


def by_torch(config, start=START):
    """The same by the optimizer of the torch twin, in the dtype of the start."""
    p = torch.tensor(start, requires_grad=True)
    optimizer = torch_impl.optimizers.build_optimizer(config, [p])
    slots = torch_impl.optimizers.SLOTS[type(config)].values()
    optimizer.state[p] = {"step": torch.tensor(0.0), **{slot: torch.zeros_like(p) for slot in slots}}
    scalars = torch_impl.optimizers.step_scalars(replace(DEFAULT, optimizer=config), 0, STEPS)
    return _walk(optimizer, p, lambda i: {name: float(values[i]) for name, values in scalars.items()})


def by_torch_itself(optimizer_of):
    p = torch.tensor(START, requires_grad=True)
    return _walk(optimizer_of([p]), p, lambda i: {})


def _walk(optimizer, p, scalars):
    path = []
    for i, gradient in enumerate(GRADIENTS):
        p.grad = torch.tensor(gradient, dtype=p.dtype)
        optimizer.param_groups[0].update(scalars(i))
        optimizer.step()
        path.append(p.detach().numpy().copy())
    return np.stack(path)


def by_jax(config, dtype="float64", start=START):
    """The same by the optimizer of the jax twin."""
    scalars = jax_impl.optimizers.step_scalars(replace(DEFAULT, optimizer=config), 0, STEPS)
    columns = [{name: jnp_of(values[i], dtype) for name, values in scalars.items()} for i in range(STEPS)]
    optimizer = jax_impl.optimizers.build_optimizer(config)
    return by_optax(optimizer, dtype, start, [{"scalars": column} for column in columns])


def by_optax(transform, dtype="float64", start=START, extra=({},) * STEPS):
    with jax.enable_x64(dtype == "float64"):
        p = {"p": jnp_of(start, dtype)}
        state, path = transform.init(p), []
        for gradient, more in zip(GRADIENTS, extra, strict=True):
            updates, state = transform.update({"p": jnp_of(gradient, dtype)}, state, p, **more)
            p = optax.apply_updates(p, updates)
            path.append(np.asarray(p["p"]))
        return np.stack(path)


def jnp_of(array, dtype):
    with jax.enable_x64(dtype == "float64"):
        return jnp.asarray(array, dtype)


def test_nadam_is_torch_nadam_but_for_its_float32_product():
    ours, theirs = by_torch(NAdam(1e-2)), by_torch_itself(lambda p: torch.optim.NAdam(p, lr=1e-2))
    assert same_path(NAdam(1e-2), ours, theirs, "float32")
    assert not same_path(NAdam(1e-2), ours, theirs)


def same_rates(schedule, one, other, dtype="float64"):
    """Whether rounding explains the distance of rates that may have come of one another, step by step."""
    from numpy_impl.schedules import multiple

    steps = len(one)

    def rates(rate, t):
        # Only upwards, as a schedule may jump at a whole step.
        t = np.maximum(t, np.arange(steps, dtype=t.dtype))
        return {"rate": np.array([rate * multiple(schedule, each, steps) for each in t])}

    start = np.float64(1e-3), np.arange(steps, dtype=np.float64)
    return same(one, other, noise.of_function(rates, *start, dtype=dtype, truth=rates(*start)), dtype, stored=steps)


RATES_OF_TORCH = {
    "cosine": (Cosine(0.1), lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, STEPS, eta_min=0.1e-3)),
    "exponential": (Exponential(0.9), lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.9)),
    "step": (Step(7, 0.5), lambda o: torch.optim.lr_scheduler.StepLR(o, 7, 0.5)),
    "one-cycle": (OneCycle(), lambda o: one_cycle_of_torch(o, STEPS)),
    "warm-up, cosine": (
        WarmupCosine(0.3, start=0.2, end=0.1),
        lambda o: torch.optim.lr_scheduler.SequentialLR(
            o,
            [
                torch.optim.lr_scheduler.LinearLR(o, 0.2, total_iters=9),
                torch.optim.lr_scheduler.CosineAnnealingLR(o, STEPS - 9, eta_min=0.1e-3),
            ],
            milestones=[9],
        ),
    ),
}


def one_cycle_of_torch(optimizer, steps, rise=0.3):
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 1e-3, steps, pct_start=rise, div_factor=25.0, final_div_factor=1e4, cycle_momentum=False
    )


def rates_of_torch(scheduler_of, steps=STEPS):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1e-3)
    scheduler, rates = scheduler_of(optimizer), []
    for i in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if i < steps - 1:
            scheduler.step()
    return np.array(rates)


@pytest.mark.parametrize("schedule", RATES_OF_TORCH)
@pytest.mark.parametrize("twin", [jax_impl, torch_impl], ids=["jax", "torch"])
# SequentialLR itself calls its parts in the form that it warns of.
@pytest.mark.filterwarnings("ignore:The epoch parameter in `scheduler.step")
def test_rates_are_those_of_torch_schedulers(twin, schedule):
    config, scheduler_of = RATES_OF_TORCH[schedule]
    rates = twin.schedules.learning_rates(replace(DEFAULT, schedule=config), 0, STEPS)
    assert same_rates(config, rates, rates_of_torch(scheduler_of))
    assert not same_rates(config, rates * (1 + 1e-9), rates_of_torch(scheduler_of))


@pytest.mark.parametrize(("steps", "rise"), [(1, 0.3), (2, 0.3), (3, 0.3), (4, 0.3), (30, 1e-3), (30, 0.99), (7, 0.5)])
@pytest.mark.parametrize("twin", [jax_impl, torch_impl], ids=["jax", "torch"])
def test_one_cycle_is_torch_also_where_the_peak_is_at_the_edge(twin, steps, rise):
    config = replace(DEFAULT, schedule=OneCycle(rise), steps=steps)
    theirs = rates_of_torch(lambda optimizer: one_cycle_of_torch(optimizer, steps, rise), steps)
    assert same_rates(config.schedule, theirs, twin.schedules.learning_rates(config, 0, steps))


def test_optax_one_cycle_is_another():
    one_cycle = optax.cosine_onecycle_schedule(STEPS, 1e-3, 0.3, 25.0, 1e4)
    optaxs = [float(one_cycle(t)) for t in range(STEPS)]
    ours = jax_impl.schedules.learning_rates(replace(DEFAULT, schedule=OneCycle()), 0, STEPS)
    assert not same_rates(OneCycle(), ours, optaxs, "float32")


def test_optax_schedules_are_rounded_inside_a_float32_program():
    inside = jax.jit(optax.cosine_decay_schedule(1e-3, STEPS))(jnp.arange(STEPS))
    ours = jax_impl.schedules.learning_rates(replace(DEFAULT, schedule=Cosine()), 0, STEPS)
    assert same_rates(Cosine(), ours, inside, "float32")
    assert not same_rates(Cosine(), ours, inside)


ALIKE_IN_FLOAT64 = {
    "adam": (Adam(1e-2, eps=1e-3), optax.adam(1e-2, eps=1e-3)),
    "adamw": (AdamW(1e-2, weight_decay=0.1), optax.adamw(1e-2, weight_decay=0.1)),
    "adamax": (Adamax(1e-2, eps=1e-3), optax.adamax(1e-2, eps=1e-3)),
    "radam with no eps": (RAdam(1e-2, b2=0.95, eps=1e-30), optax.radam(1e-2, b2=0.95, eps=1e-30)),
    "adagrad with no eps": (Adagrad(eps=1e-30), optax.adagrad(1e-2, initial_accumulator_value=0.0, eps=1e-30)),
    "nadam with a constant mu": (NAdam(1e-2, momentum_decay=1e9), optax.nadam(1e-2)),
}
UNLIKE_IN_FLOAT64 = {
    "radam's eps": (RAdam(1e-2, b2=0.95, eps=1e-2), optax.radam(1e-2, b2=0.95, eps=1e-2)),
    "adagrad's eps is inside the root": (Adagrad(eps=1e-2), optax.adagrad(1e-2, 0.0, eps=1e-2)),
    "nadam's mu": (NAdam(1e-2), optax.nadam(1e-2)),
}


@pytest.mark.parametrize("name", ALIKE_IN_FLOAT64)
def test_in_float64_the_jax_twin_is_optax(name):
    ours, theirs = ALIKE_IN_FLOAT64[name]
    assert same_path(ours, by_jax(ours), by_optax(theirs))


@pytest.mark.parametrize("name", UNLIKE_IN_FLOAT64)
def test_in_float64_optax_differs_where_the_jax_twin_says_so(name):
    ours, theirs = UNLIKE_IN_FLOAT64[name]
    assert not same_path(ours, by_jax(ours), by_optax(theirs), "float32")
    assert same_path(ours, by_jax(ours), by_torch(ours))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Adam(1e-2), optax.adam(1e-2)),
        (AdamW(1e-2, weight_decay=0.1), optax.adamw(1e-2, weight_decay=0.1)),
        (Adamax(1e-2, b1=0.9999), optax.adamax(1e-2, b1=0.9999)),
        (RAdam(1e-2), optax.radam(1e-2)),
    ],
    ids=["adam", "adamw", "adamax", "radam"],
)
def test_in_float32_optax_loses_digits_of_the_bias_correction_and_the_jax_twin_does_not(ours, theirs):
    truth = by_jax(ours, start=ZERO)
    assert same_path(ours, truth, by_jax(ours, "float32", ZERO), "float32", ZERO)
    assert not same_path(ours, truth, by_optax(theirs, "float32", ZERO), "float32", ZERO)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=name_of)
def test_torch_is_fused_where_torch_has_a_fused_form(optimizer):
    made = torch_impl.optimizers.build_optimizer(optimizer, [torch.zeros(2, requires_grad=True)])
    has_one = "fused" in inspect.signature(type(made)).parameters
    assert has_one == isinstance(optimizer, SGD | Adam | AdamW | Adagrad)
    assert bool(made.param_groups[0].get("fused")) == has_one


@pytest.mark.parametrize(
    "optimizer",
    [Adam(b2=0.999999), AdamW(b2=0.999999), RAdam(b1=0.99999), Adamax(b1=0.99999), NAdam(b2=0.999999)],
    ids=name_of,
)
def test_torch_corrects_the_bias_in_double_also_in_float32(optimizer):
    # 1 - 0.999999 in float32 is 1.3 % off, and so would be the step.
    found = by_torch(optimizer, ZERO.astype("float32"))
    assert found.dtype == np.float32
    assert same_path(optimizer, by_oracle(optimizer, ZERO), found, "float32", ZERO)


def test_torch_has_no_lion_and_no_log_cosh():
    assert not hasattr(torch.optim, "Lion")
    assert not hasattr(F, "log_cosh_loss")


def test_clipping_is_torch_and_not_optax():
    from numpy_impl.optimizers import clip

    gradients = 1e-4 * GRADIENTS[0]
    p = torch.tensor(START, requires_grad=True)
    p.grad = torch.tensor(gradients)
    torch.nn.utils.clip_grad_norm_([p], 1e-5)
    with jax.enable_x64(True):
        g = {"p": jnp.asarray(gradients)}
        ours = jax_impl.optimizers.clip_by_global_norm(g, 1e-5)["p"]
        optaxs = optax.clip_by_global_norm(1e-5).update(g, optax.EmptyState())[0]["p"]
        ours_for_optax = ours * (1 + 1e-6 / np.linalg.norm(gradients))

    def rounding(dtype):
        return noise.of_function(lambda g: clip({"p": g}, 1e-5), gradients, dtype=dtype)

    assert same(p.grad, ours, rounding("float64"))
    assert same(optaxs, ours_for_optax, rounding("float64"))
    assert not same(ours, optaxs, rounding("float32"), "float32")


@pytest.mark.parametrize("training", [True, False])
def test_nnx_batch_norm_differs_in_the_running_variance_alone(training):
    rows = 8
    x = np.random.default_rng(1).standard_normal((rows, 3))

    def rounding(of, dtype="float64"):
        return noise.of_function(lambda x: {of.__name__: of(x)}, x, dtype=dtype)

    def normal(x):
        mean, var = (x.mean(axis=0), x.var(axis=0)) if training else (0.0, 1.0)
        return (x - mean) / np.sqrt(var + 1e-5)

    def running_mean(x):
        return 0.1 * x.mean(axis=0)

    def running_variance(x):
        return 0.9 + 0.1 * x.var(axis=0, ddof=1)

    with jax.enable_x64(True):
        ours = jax_impl.model.BatchNorm(RegularizedMLP(), 3, "float64")
        ours.scale[...], ours.var[...] = jnp.ones(3), jnp.ones(3)
        ours.use_running_average = not training
        theirs = nnx.BatchNorm(
            3, use_running_average=not training, momentum=0.9, epsilon=1e-5, use_fast_variance=False, param_dtype=jnp.float64,
            dtype=jnp.float64, rngs=nnx.Rngs(0),
        )  # fmt: skip
        # Its statistics are float32 whatever it is asked for.
        theirs.mean, theirs.var = nnx.BatchStat(jnp.zeros(3)), nnx.BatchStat(jnp.ones(3))
        assert same(ours(jnp.asarray(x)), theirs(jnp.asarray(x)), rounding(normal))
        assert same(ours.mean[...], theirs.mean[...], rounding(running_mean))
        if training:
            unbiased = 0.9 + (theirs.var[...] - 0.9) * rows / (rows - 1)
            assert same(unbiased, ours.var[...], rounding(running_variance))
            assert not same(theirs.var[...], ours.var[...], rounding(running_variance, "float32"), "float32")


def test_nnx_batch_norm_keeps_another_share_by_default():
    assert inspect.signature(nnx.BatchNorm.__init__).parameters["momentum"].default == 0.99
    assert torch.nn.BatchNorm1d(1).momentum == RegularizedMLP().momentum


def test_slope_of_leaky_relu_at_zero_is_torch_and_not_jax():
    x = torch.zeros(1, requires_grad=True)
    F.leaky_relu(x, 0.01).backward(torch.ones(1))
    assert jax.grad(jax_impl.model.leaky_relu)(0.0) == pytest.approx(x.grad.item())
    assert jax.grad(jax.nn.leaky_relu)(0.0) == 1.0


def test_torch_softplus_leaves_its_curve_at_20_and_the_twin_does_not():
    x = torch.linspace(15.0, 45.0, 301, dtype=torch.float64)
    truth = np.logaddexp(0.0, x.numpy())
    rounding = noise.of_function(lambda x: {"": np.logaddexp(0.0, x)}, x.numpy())
    assert same(truth, torch_impl.model.ACTIVATIONS["softplus"](x), rounding)
    assert 1e-9 < np.abs(truth - F.softplus(x).numpy()).max() < 3e-9


def test_torch_gelu_is_exact_by_default_and_jax_gelu_is_not():
    x = np.linspace(-3.0, 3.0, 61)
    exact, by_tanh = (torch_impl.model.ACTIVATIONS[name](torch.tensor(x)) for name in ("gelu", "gelu_tanh"))

    def rounding(dtype):
        return noise.of_function(lambda x: {"": 0.5 * x * (1 + erf(x / np.sqrt(2)))}, x, dtype=dtype)

    assert same(F.gelu(torch.tensor(x)), exact, rounding("float64"))
    with jax.enable_x64(True):
        assert same(jax.nn.gelu(jnp.asarray(x)), by_tanh, rounding("float64"))
        assert not same(jax.nn.gelu(jnp.asarray(x)), exact, rounding("float32"), "float32")


def test_optax_l2_loss_is_half_the_squared_error():
    p, t = jnp.array([[3.0]]), jnp.array([[1.0]])
    assert jax_impl.losses.squared_error(p, t, "sum") == 2 * optax.l2_loss(p, t).sum() == 4.0


def test_slope_of_jax_abs_at_zero_is_1_and_the_twin_has_0_as_torch():
    t = torch.zeros(1, 1, requires_grad=True)
    torch_impl.losses.absolute_error(t, torch.zeros(1, 1), "sum").backward()
    zero = jnp.zeros((1, 1))
    assert jax.grad(jnp.abs)(0.0) == 1.0
    assert jax.grad(jax_impl.losses.absolute_error)(zero, zero, "sum").item() == t.grad.item() == 0.0


def test_log_cosh_does_not_overflow_where_cosh_does():
    p = torch.full((1, 1), 1000.0, dtype=torch.float64)
    assert torch.log(torch.cosh(p)).isinf()
    assert torch_impl.losses.log_cosh(p, 0 * p, "sum").item() == 1000.0 - np.log(2.0)


def test_torch_keeps_kernels_transposed_and_flax_does_not():
    assert torch.nn.Linear(2, 3).weight.shape == (3, 2)
    assert nnx.Linear(2, 3, rngs=nnx.Rngs(0)).kernel.shape == (2, 3)
    assert {"kernel"} == torch_impl.convert.TRANSPOSED
    assert set() == jax_impl.convert.TRANSPOSED


def test_torch_from_numpy_shares_memory_and_the_twins_do_not():
    array = np.zeros(4096, np.float32)
    shared, ours = torch.from_numpy(array), torch_impl.convert.to_native(array, "cpu")
    jaxs = jax_impl.convert.to_native(array, jax.devices("cpu")[0])
    array += 1
    assert shared.sum() == 4096
    assert ours.sum().item() == jaxs.sum().item() == 0


@pytest.mark.parametrize(
    ("framework", "argument", "default"),
    [
        (torch.optim.AdamW, "weight_decay", AdamW.weight_decay),
        (optax.adamw, "weight_decay", 1e-4),
        (torch.optim.RMSprop, "alpha", RMSprop.decay),
        (optax.rmsprop, "decay", 0.9),
        (optax.rmsprop, "eps_in_sqrt", True),
        (optax.lion, "weight_decay", 1e-3),
        (torch.optim.NAdam, "momentum_decay", NAdam.momentum_decay),
        (torch.optim.Adagrad, "eps", Adagrad.eps),
        (optax.adadelta, "rho", Adadelta.decay),
    ],
)
def test_defaults_are_those_that_the_contract_quotes(framework, argument, default):
    assert inspect.signature(framework).parameters[argument].default == default


def setting(name, config, dtype="float32", steps=None, mode=None):
    """A trainer with small random weights, and what to train it on."""
    draw = np.random.default_rng(2)
    steps = steps or config.steps
    zero = zero_state(config, dtype)
    parameters = {n: (0.5 * draw.standard_normal(a.shape)).astype(dtype) for n, a in zero.parameters.items()}
    buffers = {n: np.ones_like(a) for n, a in zero.buffers.items()}
    data = Data(*(draw.standard_normal((12, 2)).astype("float32").astype(dtype) for _ in range(2)))
    rows = np.stack([draw.permutation(12)[:6] for _ in range(steps)]).astype(np.int32)
    masks = {n: draw.random((steps, 6, width)) < 0.8 for n, width in config.model.masks().items()}
    backend = registry.load(name)
    trainer = backend.trainer(config, device="cpu", mode=mode or backend.modes[0], dtype=dtype)
    trainer.set_state(State(parameters, buffers, zero.optimizer))
    return trainer, data, BatchOrder(steps, rows, masks)


def all_verbs(name, config, dtype="float32", mode=None):
    """Every verb of a new trainer, one after the other; yields what was done."""
    trainer, data, order = setting(name, config, dtype, mode=mode)
    batch = order.batch(data, 0)
    yield "a new trainer", trainer
    for verb, call in {
        "describe": trainer.describe,
        "read_back": lambda: trainer.read_back(data, order),
        "get_state": trainer.get_state,
        "predict": lambda: trainer.predict(data.inputs),
        "predict in training": lambda: trainer.predict(batch.inputs, training=True, masks=batch.masks),
        "loss_and_grads": lambda: trainer.loss_and_grads(batch),
        "step": lambda: trainer.step(batch),
        "fit": lambda: trainer.fit(data, order, evaluate=data.inputs, evaluate_at=(0, 5), checkpoints_at=(3,)),
        "fit with progress": lambda: trainer.fit(data, order, progress=lambda done: None),
        "fit_many": lambda: trainer.fit_many([trainer.get_state()] * 2, data, order),
    }.items():
        yield verb, call()


@pytest.fixture
def compilations():
    """A list that grows by one with each program that JAX compiles."""
    seen = []

    def listen(event, seconds, **_):
        if event == "/jax/core/compile/backend_compile_duration":
            seen.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield seen
    jax.monitoring.unregister_event_duration_listener(listen)


@pytest.mark.parametrize("mode", ["scan", "step", "idiomatic", "flat"])
@pytest.mark.parametrize("model", [MLP((3,)), RegularizedMLP((3,), dropout=0.2)], ids=name_of)
def test_a_second_trainer_of_a_config_compiles_nothing(compilations, model, mode):
    config = replace(DEFAULT, model=model, optimizer=Adam(1.5e-3))
    for _ in all_verbs("jax", config, mode=mode):
        pass
    assert compilations
    compilations.clear()
    for verb, _ in all_verbs("jax", replace(config), mode=mode):
        assert compilations == [], verb


def test_compilations_do_not_grow_with_the_steps(compilations):
    counts = []
    for steps in (20, 40, 80):
        trainer, data, order = setting("jax", replace(DEFAULT, steps=steps))
        compilations.clear()
        trainer.fit(data, order, evaluate=data.inputs, evaluate_at=range(steps), checkpoints_at=range(0, steps, 2))
        counts.append(len(compilations))
    assert counts[1] == counts[2] <= counts[0]


@pytest.mark.parametrize("steps", [20, 80])
def test_a_whole_jax_run_is_one_call(monkeypatch, steps):
    trainer, data, order = setting("jax", DEFAULT, steps=steps)
    watched = {"evaluate": data.inputs, "evaluate_at": (0, 7, steps), "checkpoints_at": (1, 3, steps)}
    trainer.fit(data, order, **watched)
    calls, (run, step) = [], (trainer._program.run, trainer._program.step)
    monkeypatch.setattr(trainer._program, "run", lambda *args: calls.append("run") or run(*args), raising=False)
    monkeypatch.setattr(trainer._program, "step", lambda *args: calls.append("step") or step(*args), raising=False)
    trainer.fit(data, order, **watched)
    assert calls == ["run"]


@pytest.mark.parametrize(("worth", "calls_made"), [(1, jax_impl.program.CALLS), (2**60, 1)])
def test_a_watched_jax_run_is_cut_where_it_is_worth_a_call(monkeypatch, worth, calls_made):
    monkeypatch.setattr(jax_impl.program, "WORTH_A_CALL", worth)
    trainer, data, order = setting("jax", DEFAULT, steps=80)
    calls, run = [], trainer._program.run
    monkeypatch.setattr(trainer._program, "run", lambda *args: calls.append("run") or run(*args), raising=False)
    trainer.fit(data, order, progress=lambda done: None)
    assert calls == ["run"] * calls_made


READS = ("item", "tolist", "cpu", "numpy", "__float__", "__int__", "__bool__", "__array__")


@pytest.fixture
def host_reads(monkeypatch):
    """A list of what reads a tensor of the program on the host; a count of steps, which PyTorch keeps there, is none."""
    seen = []

    def watched(name, read):
        def call(tensor, *args, **kwargs):
            if not any(tensor is count for count in counts):
                seen.append(name)
            return read(tensor, *args, **kwargs)

        return call

    counts = []
    for name in READS:
        monkeypatch.setattr(torch.Tensor, name, watched(name, getattr(torch.Tensor, name)))

    def during(config, steps):
        trainer, data, order = setting("torch", config, steps=steps)
        counts[:] = [slots["step"] for slots in trainer._state.optimizer.state.values()]
        seen.clear()
        trainer.fit(data, order, evaluate=data.inputs, evaluate_at=(0, steps), checkpoints_at=(steps,))
        return list(seen)

    return during


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=name_of)
def test_torch_reads_nothing_on_the_host_in_a_step(host_reads, optimizer):
    for model in (MLP((3,)), RegularizedMLP((3,), dropout=0.2)):
        config = replace(DEFAULT, model=model, optimizer=optimizer, clip_norm=0.1)
        host_reads(config, 20)  # what is computed once for a config is kept
        once = host_reads(config, 10)
        assert "numpy" in once
        assert host_reads(config, 20) == once


def test_a_host_read_in_a_step_would_be_seen(host_reads, monkeypatch):
    from torch_impl.program import Program

    step = Program.step
    monkeypatch.setattr(Program, "step", lambda *args: torch.tensor(step(*args).item()))
    assert host_reads(DEFAULT, 20).count("item") == 2 * host_reads(DEFAULT, 10).count("item") > 0


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=name_of)
@pytest.mark.parametrize("model", [MLP((3,)), RegularizedMLP((3,), dropout=0.2)], ids=name_of)
def test_torch_leaves_the_global_random_states_as_they_were(model, optimizer):
    torchs, numpys = torch.get_rng_state(), np.random.get_state()[1].copy()
    for verb, _ in all_verbs("torch", replace(DEFAULT, model=model, optimizer=optimizer)):
        assert torch.equal(torch.get_rng_state(), torchs), verb
        assert np.array_equal(np.random.get_state()[1], numpys), verb


@pytest.fixture
def rough_matmul():
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    with jax.default_matmul_precision("bfloat16"):
        yield
    torch.set_float32_matmul_precision(before)


@pytest.mark.parametrize("name", ["jax", "torch"])
@pytest.mark.usefixtures("rough_matmul")
def test_precision_is_full_inside_and_as_it_was_behind_every_verb(name):
    for verb, told in all_verbs(name, DEFAULT, "float64"):
        assert torch.get_float32_matmul_precision() == "medium", verb
        assert torch.get_default_dtype() == torch.float32, verb
        assert str(jax.config.jax_default_matmul_precision) == "bfloat16", verb
        assert not jax.config.jax_enable_x64, verb
        if verb == "describe":
            assert told["float32_matmul_precision"] == "highest"


@pytest.mark.parametrize("name", ["jax", "torch"])
@pytest.mark.usefixtures("rough_matmul")
def test_precision_is_as_it_was_behind_a_verb_that_fails(name):
    trainer, data, _ = setting(name, DEFAULT, "float64")
    with pytest.raises((TypeError, RuntimeError)):
        trainer.predict(data.inputs[:, :1])
    assert torch.get_float32_matmul_precision() == "medium"
    assert str(jax.config.jax_default_matmul_precision) == "bfloat16"
    assert not jax.config.jax_enable_x64


@pytest.mark.parametrize("name", ["jax", "torch"])
@pytest.mark.usefixtures("rough_matmul")
def test_a_rough_matrix_product_outside_changes_nothing_inside(name):
    trainer, data, order = setting(name, DEFAULT)
    oracle, _, _ = setting("numpy", DEFAULT, "float64")
    rough, _, _ = setting("numpy", DEFAULT, "float32")

    def see(given, replica):
        rough.set_state(given.state)
        return {"": replica.restore_predictions(rough.predict(given.train.inputs))}

    oracle.set_state(trainer.get_state())
    truth = {"": oracle.predict(data.inputs)}
    rounding = noise.of_run(see, Given(trainer.get_state(), data, data, order), DEFAULT, truth)
    assert same(truth[""], trainer.predict(data.inputs), rounding, "float32")
