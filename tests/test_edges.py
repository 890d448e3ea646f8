"""Kinks, edges and runs that go wrong: both twins do what the oracle does, and nothing is silently not finite."""

from dataclasses import replace

import noise
import numpy as np
import pytest

from parity import registry
from parity.contract import (
    MLP,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Batch,
    BatchOrder,
    Constant,
    Data,
    Lion,
    Loss,
    NAdam,
    RAdam,
    RegularizedMLP,
    RMSprop,
    State,
    TrainingConfig,
    zero_state,
)
from parity.ladder.gap import identical
from parity.ladder.replicas import Given

TWINS = ("jax", "torch")
# One unit between one input and one output, kernels of one: what comes out is the activation itself.
UNIT = TrainingConfig(
    MLP((1,), "relu"), inputs=1, outputs=1, loss=Loss("mse", "sum"), optimizer=SGD(0.1), schedule=Constant(),
    clip_norm=None, steps=5,
)  # fmt: skip


def start(config, dtype="float64", fill=None):
    """A state of small random numbers, or of one number."""
    random = np.random.default_rng(0)
    zero = zero_state(config, dtype)
    parameters = {
        name: (0.5 * random.standard_normal(a.shape) if fill is None else np.full(a.shape, fill)).astype(dtype)
        for name, a in zero.parameters.items()
    }
    return State(parameters, {name: np.ones_like(a) for name, a in zero.buffers.items()}, zero.optimizer)


def trainer_of(name, config, state, dtype="float64", mode=None):
    backend = registry.load(name)
    trainer = backend.trainer(config, device="cpu", mode=mode or backend.modes[0], dtype=dtype)
    trainer.set_state(state)
    return trainer


def rows(config, count, dtype="float64"):
    random = np.random.default_rng(1)
    return Data(
        *(random.standard_normal((count, columns)).astype(dtype) for columns in (config.inputs, config.outputs))
    )


def unit(activation="relu", kind="mse"):
    """A config and a state in which a row of input x is predicted as activation(x)."""
    config = replace(UNIT, model=MLP((1,), activation), loss=Loss(kind, "sum"))
    state = start(config, fill=1.0)
    biases = {name: np.zeros_like(array) for name, array in state.parameters.items() if name.endswith("bias")}
    return config, replace(state, parameters={**state.parameters, **biases})


def column(*values, dtype="float64"):
    return np.array(values, dtype)[:, None]


def slope(name, activation, x, dtype="float64"):
    """The derivative of an activation, as a backend has it: the gradient of the first bias for an error of -1/2."""
    config, state = unit(activation)
    trainer = trainer_of(name, config, state, dtype)
    at = column(x, dtype=dtype)
    batch = Batch(at, trainer.predict(at) + np.array(0.5, dtype))
    return -trainer.loss_and_grads(batch)[1]["layers.0.bias"].item()


def assert_alike(expected, found, rounding, dtype="float64", stored=1):
    assert noise.beyond(expected, found, rounding, dtype, stored) == {}


def assert_fits_alike(twin, config, count, steps, state=None, data=None):
    """A full-batch run of a twin ends where the oracle's does, on finite numbers; returns the twin's history."""
    state, data = state or start(config), data or rows(config, count)
    watched = {"evaluate_at": (0, steps), "checkpoints_at": (0, steps)}

    def fit(name, given):
        inputs = given.train.inputs
        return trainer_of(name, config, given.state).fit(given.train, given.order, evaluate=inputs, **watched)

    def see(given, replica):
        return seen(fit("numpy", given), replica)

    given = Given(state, data, data, BatchOrder(steps))
    history = fit(twin, given)
    assert_alike(see(given, None), seen(history), noise.of_run(see, given, config), stored=steps)
    assert all(np.isfinite(array).all() for array in seen(history).values())
    return history


def seen(history, replica=None):
    """What a run left, by name, put back into the order of the original where it is a replica's."""
    restore, in_order = (replica.restore, replica.restore_predictions) if replica else (dict, np.asarray)
    slots = {slot: restore(arrays) for slot, arrays in history.final.optimizer.items()}
    return {
        "losses": history.losses,
        **{f"predictions {e}": in_order(predictions) for e, predictions in enumerate(history.predictions)},
        **{f"kept {name}": kept for name, kept in restore(history.parameters).items()},
        **State(restore(history.final.parameters), restore(history.final.buffers), slots).named(),
    }


@pytest.mark.parametrize(("activation", "at_zero"), [("relu", 0.0), ("leaky_relu", 0.01), ("elu", 1.0)])
@pytest.mark.parametrize("name", ["numpy", *TWINS])
def test_slope_at_the_kink(name, activation, at_zero):
    assert slope(name, activation, 0.0) == at_zero
    assert slope(name, activation, 1e-300 if name != "jax" else 1e-30) == pytest.approx(1.0)


def near_one(arrays):
    """Beside a one each: what is computed from numbers near 1 has the digits of 1, and no more."""
    return {name: np.append(array.ravel(), 1.0) for name, array in arrays.items()}


@pytest.mark.parametrize("activation", ["tanh", "silu", "gelu", "gelu_tanh", "sigmoid", "softplus", "elu"])
@pytest.mark.parametrize("x", [-800.0, -45.0, -1e-9, 0.0, 1e-9, 20.5, 45.0, 800.0])
@pytest.mark.parametrize("twin", TWINS)
def test_activations_are_right_far_out_and_close_to_zero(twin, activation, x):
    config, state = unit(activation)
    at = column(x)

    def predict(name, at):
        return near_one({"prediction": trainer_of(name, config, state).predict(at)})

    expected, found = predict("numpy", at), predict(twin, at)
    assert np.isfinite(found["prediction"]).all()
    assert_alike(expected, found, noise.of_function(lambda at: predict("numpy", at), at))
    assert slope(twin, activation, x) == pytest.approx(slope("numpy", activation, x), rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("name", ["numpy", *TWINS])
def test_gradient_of_mae_is_zero_at_a_perfect_fit(name):
    config, state = unit("identity", "mae")
    x = column(1.0, -2.0)
    loss, gradients = trainer_of(name, config, state).loss_and_grads(Batch(x, x))
    assert loss == 0.0
    assert all((gradient == 0.0).all() for gradient in gradients.values())


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("name", ["numpy", *TWINS])
def test_huber_at_its_corner(name, reduction):
    config, state = unit("identity")
    config = replace(config, loss=Loss("huber", reduction, huber_delta=0.5))
    loss, gradients = trainer_of(name, config, state).loss_and_grads(Batch(column(0.5), column(0.0)))
    assert loss == 0.125
    assert gradients["layers.1.bias"].item() == 0.5


@pytest.mark.parametrize("kind", ["mse", "mae", "huber", "log_cosh"])
@pytest.mark.parametrize("error", [1e-9, 1e9, -1e9, 1e3, -720.0])
@pytest.mark.parametrize("twin", TWINS)
def test_losses_of_tiny_and_huge_errors_are_finite_and_right(twin, kind, error):
    config, state = unit("identity", kind)

    def differentiate(name, predictions):
        loss, gradients = trainer_of(name, config, state).loss_and_grads(Batch(predictions, column(0.0)))
        # Both frameworks compute log cosh as a difference of numbers near 1.
        return near_one({"loss": np.array(loss), **gradients})

    expected, found = differentiate("numpy", column(error)), differentiate(twin, column(error))
    assert all(np.isfinite(array).all() for array in found.values())
    assert_alike(expected, found, noise.of_function(lambda p: differentiate("numpy", p), column(error)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("twin", TWINS)
def test_cross_entropy_of_large_logits_is_finite_and_right(twin, dtype):
    config = replace(UNIT, model=MLP((), "relu"), inputs=3, outputs=3, loss=Loss("cross_entropy"))
    state = start(config)
    parameters = {"layers.0.kernel": np.eye(3), "layers.0.bias": np.zeros(3)}
    state = replace(state, parameters=parameters)
    logits = np.array([[1e4, 0.0, -1e4], [-5e3, -5e3, -5e3], [0.0, 0.0, 2e4], [1e-9, 0.0, 0.0]])
    targets = np.array([[0.0, 0.0, 1.0], [0.2, 0.3, 0.5], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    truth = differentiated("numpy", config, "float64", logits, targets, state)

    def differentiate(name, logits, targets):
        return differentiated(name, config, dtype, logits, targets, cast(state, dtype))

    rounding = noise.of_function(
        lambda *batch: differentiate("numpy", *batch), logits, targets, dtype=dtype, truth=truth
    )
    found = differentiate(twin, logits.astype(dtype), targets.astype(dtype))
    assert_alike(truth, found, rounding, dtype)


def differentiated(name, config, dtype, inputs, targets, state):
    loss, gradients = trainer_of(name, config, state, dtype).loss_and_grads(Batch(inputs, targets))
    return {"loss": np.array(loss), **gradients}


def cast(state, dtype):
    def of(arrays):
        return {name: array.astype(dtype) for name, array in arrays.items()}

    return State(of(state.parameters), of(state.buffers), {slot: of(a) for slot, a in state.optimizer.items()})


@pytest.mark.parametrize("scale", [1e-150, 1e-8, 1e8])
@pytest.mark.parametrize("twin", TWINS)
def test_tiny_and_huge_inputs(twin, scale):
    config = replace(UNIT, model=MLP((3,), "tanh"), inputs=2, outputs=2, optimizer=Adam(1e-2))
    data = rows(config, 6)
    assert_fits_alike(twin, config, 6, 5, data=Data(scale * data.inputs, data.targets))


OPTIMIZERS = [
    SGD(momentum=0.9),
    Adam(),
    AdamW(weight_decay=0.0),
    RMSprop(momentum=0.5),
    Adagrad(),
    NAdam(),
    RAdam(b2=0.9),
    Adamax(),
    Adadelta(),
    Lion(),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: type(optimizer).__name__)
@pytest.mark.parametrize("twin", TWINS)
def test_a_net_of_dead_units_stays_where_it_is(twin, optimizer):
    config = replace(UNIT, model=MLP((3,)), inputs=2, outputs=2, optimizer=optimizer, steps=12)
    state = start(config)
    dead = {**state.parameters, "layers.0.bias": np.full(3, -100.0)}
    history = assert_fits_alike(twin, config, 6, 12, replace(state, parameters=dead))
    for name in ("layers.0.kernel", "layers.0.bias", "layers.1.kernel"):
        assert (history.final.parameters[name] == dead[name]).all()
    assert (history.final.parameters["layers.1.bias"] != dead["layers.1.bias"]).all()


@pytest.mark.parametrize("b2", [0.0, 1 / 3, 0.5, 0.6])
@pytest.mark.parametrize("twin", TWINS)
def test_radam_with_too_short_a_memory_to_rectify(twin, b2):
    config = replace(UNIT, inputs=2, outputs=2, optimizer=RAdam(1e-2, b2=b2))
    assert_fits_alike(twin, config, 6, 5)


@pytest.mark.parametrize("twin", TWINS)
def test_moments_without_memory(twin):
    config = replace(UNIT, inputs=2, outputs=2, optimizer=Adam(1e-2, b1=0.0, b2=0.0, eps=1e-2))
    assert_fits_alike(twin, config, 6, 5)


@pytest.mark.parametrize(
    "config",
    [
        replace(UNIT, inputs=2, outputs=2, optimizer=Adam()),
        replace(UNIT, model=MLP(()), inputs=2, outputs=2, optimizer=Adam()),
        replace(UNIT, model=MLP(()), optimizer=Adam(), clip_norm=0.5),
        replace(UNIT, model=MLP((1, 1, 1), "tanh"), outputs=1, optimizer=Adam()),
    ],
    ids=["one hidden unit", "no hidden layer", "a line", "one unit in each layer"],
)
@pytest.mark.parametrize("count", [1, 6])
@pytest.mark.parametrize("twin", TWINS)
def test_the_smallest_nets_on_one_row_and_on_some(twin, config, count):
    assert_fits_alike(twin, config, count, 5)


@pytest.mark.parametrize("twin", TWINS)
def test_a_regularized_net_without_hidden_layers_and_with_one_unit(twin):
    for hidden in ((), (1,)):
        config = replace(UNIT, model=RegularizedMLP(hidden, dropout=0.0), inputs=2, outputs=2, optimizer=Adam())
        assert_fits_alike(twin, config, 6, 5)


@pytest.mark.parametrize("twin", TWINS)
def test_a_run_of_one_step_with_a_checkpoint_at_its_start(twin):
    config = replace(UNIT, model=MLP((3,), "tanh"), inputs=2, optimizer=Adam(), steps=1)
    history = assert_fits_alike(twin, config, 6, 1)
    assert identical(start(config).parameters, {name: kept[0] for name, kept in history.parameters.items()}).size == 0
    assert history.losses.shape == (1,)
    assert history.final.step == 1


def all_arrays(history):
    final = history.final
    arrays = [history.losses, history.predictions]
    for named in (history.parameters, history.buffers, final.parameters, final.buffers, *final.optimizer.values()):
        arrays += named.values()
    return arrays


@pytest.mark.parametrize("mode", [("jax", "scan"), ("jax", "step"), ("torch", "eager")], ids=":".join)
@pytest.mark.parametrize("model", [MLP((2,), "tanh"), MLP((1,), "tanh"), RegularizedMLP((2,), dropout=0.0)], ids=str)
def test_training_changes_no_array_that_was_given_or_taken(mode, model):
    # A kernel of one column is contiguous also when transposed, a square one looks right untransposed.
    name, how = mode
    config = replace(UNIT, model=model, inputs=2, optimizer=SGD(0.1, momentum=0.9))
    state, data, order = (
        start(config),
        rows(config, 6),
        BatchOrder(5, np.zeros((5, 6), np.int32) + np.arange(6, dtype=np.int32)),
    )
    trainer = trainer_of(name, config, state, mode=how)
    taken = trainer.get_state()
    first = trainer.fit(data, order, evaluate=data.inputs, evaluate_at=(5,), checkpoints_at=(0, 5))
    kept = [array.copy() for array in all_arrays(first)]
    predictions = trainer.predict(data.inputs)
    before = predictions.copy()
    trainer.fit(data, order)
    trainer.step(order.batch(data, 0))
    for given in (state, taken):
        assert identical(start(config).parameters, given.parameters).size == 0
        assert identical(start(config).buffers, given.buffers).size == 0
        assert all((array == 0.0).all() for arrays in given.optimizer.values() for array in arrays.values())
    fresh = rows(config, 6)
    assert (data.inputs == fresh.inputs).all()
    assert (data.targets == fresh.targets).all()
    assert (predictions == before).all()
    assert all((now == then).all() for now, then in zip(all_arrays(first), kept, strict=True))


@pytest.mark.parametrize("name", ["numpy", *TWINS])
def test_float32_stays_float32(name):
    config = replace(UNIT, model=RegularizedMLP((2,), dropout=0.0), optimizer=Adam(), clip_norm=1.0)
    data = rows(config, 6, "float32")
    trainer = trainer_of(name, config, start(config, "float32"), "float32")
    history = trainer.fit(data, BatchOrder(5), evaluate=data.inputs, evaluate_at=(0, 5), checkpoints_at=(0, 5))
    gradients = trainer.loss_and_grads(Batch(data.inputs, data.targets))[1].values()
    assert {a.dtype.name for a in (*all_arrays(history), *gradients, trainer.predict(data.inputs))} == {"float32"}


@pytest.mark.parametrize(
    "mode", [("numpy", "loop"), ("jax", "scan"), ("jax", "step"), ("torch", "eager")], ids=":".join
)
@pytest.mark.parametrize("optimizer", [SGD(1e30), Adam(1e300)], ids=lambda optimizer: type(optimizer).__name__)
def test_a_run_that_leaves_the_finite_numbers_says_so_in_its_losses_alone(mode, optimizer):
    name, how = mode
    config = replace(UNIT, model=MLP((3,), "relu"), inputs=2, optimizer=optimizer, clip_norm=1e300, steps=12)
    data = rows(config, 6)
    trainer = trainer_of(name, config, start(config), mode=how)
    history = trainer.fit(data, BatchOrder(12), evaluate=data.inputs, evaluate_at=(12,), checkpoints_at=(12,))
    assert np.isfinite(history.losses[0])
    assert not np.isfinite(history.losses[-1])
    trainer.predict(data.inputs)
    trainer.loss_and_grads(Batch(data.inputs, data.targets))
    assert not np.isfinite(trainer.step(Batch(data.inputs, data.targets)))


@pytest.mark.parametrize("name", ["numpy", *TWINS])
def test_clipping_does_not_hide_what_is_not_finite(name):
    config = replace(UNIT, model=MLP((3,), "tanh"), clip_norm=1.0)
    data = rows(config, 6)
    targets = data.targets.copy()
    targets[2] = np.nan
    history = trainer_of(name, config, start(config)).fit(Data(data.inputs, targets), BatchOrder(3))
    assert np.isnan(history.losses).all()
    assert all(np.isnan(array).all() for array in history.final.parameters.values())
