"""What speeds are held against: work counted operation by operation, C proven against the oracle, the machine's rates."""

import os
import shutil
import subprocess
import sys
from typing import get_args

import counting
import numpy as np
import pytest
from counting import Count, Number, of
from hypothesis import given, settings
from hypothesis import strategies as st

from parity import registry
from parity.contract import (
    LBFGS,
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
    Cosine,
    Data,
    FirstOrder,
    InputError,
    LevenbergMarquardt,
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
from parity.contract.losses import LossKind
from parity.contract.models import Activation
from parity.throughput import c_training
from parity.throughput.c_loop import CLoop, c_loop
from parity.throughput.compiler import library
from parity.throughput.limit import limit_of
from parity.throughput.roofline import Roofline, roofline
from parity.throughput.work import per_parameter, work_of

STEPS = 30
needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler named cc here")


def config_of(**changes) -> TrainingConfig:
    """The smallest network of the project, with changes."""
    default = {"model": MLP((10, 5), "tanh"), "inputs": 2, "outputs": 1, "loss": Loss(), "optimizer": Adam(1e-2)}
    return TrainingConfig(**{**default, "schedule": Constant(), "clip_norm": None, "steps": STEPS, **changes})


def drawn(config, batch_size, rows=40, seed=0):
    """A state, data and an order of batches, in float64."""
    random = np.random.default_rng(seed)
    zero = zero_state(config, "float64")
    parameters = {name: 0.7 * random.standard_normal(array.shape) for name, array in zero.parameters.items()}
    targets = random.standard_normal((rows, config.outputs))
    if config.loss.kind == "cross_entropy":
        targets = np.exp(targets) / np.exp(targets).sum(axis=1, keepdims=True)
    order = BatchOrder(config.steps, random.integers(0, rows, (config.steps, batch_size), np.int32))
    state = State(parameters, zero.buffers, zero.optimizer)
    return state, Data(random.standard_normal((rows, config.inputs)), targets), order


def oracle(config, state, dtype="float64"):
    """The trainer of plain NumPy, at a state."""
    trainer = registry.load("numpy").trainer(config, device="cpu", mode="loop", dtype=dtype)
    trainer.set_state(state)
    return trainer


# Work


widths = st.integers(1, 4)


ACTIVATIONS, LOSSES = get_args(Activation), get_args(LossKind)


@st.composite
def configs(draw, activations=ACTIVATIONS, losses=LOSSES):
    """Small networks of both models with every activation and loss, or with those that are named."""
    hidden = tuple(draw(st.lists(widths, max_size=3)))
    activation = draw(st.sampled_from(activations))
    dropout = draw(st.sampled_from([0.0, 0.5]))
    model = draw(st.sampled_from([MLP(hidden, activation), RegularizedMLP(hidden, activation, dropout=dropout)]))
    loss = Loss(draw(st.sampled_from(losses)), draw(st.sampled_from(["mean", "sum"])), huber_delta=0.7)
    return config_of(model=model, inputs=draw(widths), outputs=draw(widths), loss=loss)


def numbers(array):
    """Nested lists of numbers that count."""
    return [numbers(each) for each in array] if np.ndim(array) else Number(array)


def floats(nested):
    return np.array([floats(each) for each in nested] if isinstance(nested, list) else of(nested))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@given(st.data(), st.integers(2, 4))
@settings(max_examples=12, deadline=None)
def test_work_is_what_a_step_in_single_numbers_does(activation, data, rows):
    check_work(data.draw(configs(activations=(activation,))), rows)


@pytest.mark.parametrize("kind", LOSSES)
@given(st.data(), st.integers(2, 4))
@settings(max_examples=12, deadline=None)
def test_work_of_a_loss_is_what_it_does_in_single_numbers(kind, data, rows):
    check_work(data.draw(configs(losses=(kind,))), rows)


def check_work(config, rows):
    """Count a step, and see that it is the oracle's."""
    state, data, _ = drawn(config, rows, rows)
    random = np.random.default_rng(1)
    masks = {name: random.random((rows, width)) < 0.5 for name, width in config.model.masks().items()}
    parameters = {name: numbers(array) for name, array in state.parameters.items()}

    with Count() as forward:
        predictions, tape = counting.forward(config, parameters, numbers(data.inputs), masks)
    with Count() as backward:
        _, by_prediction = counting.loss(config, predictions, numbers(data.targets))
        gradients = counting.backward(config, tape, by_prediction)

    work = work_of(config, rows, "float64")
    assert (work.forward, work.backward) == (forward.operations, backward.operations)
    # What was counted is the training step, and not something cheaper.
    _, expected = oracle(config, state).loss_and_grads(Batch(data.inputs, data.targets, masks))
    assert expected.keys() == gradients.keys()
    for name, gradient in gradients.items():
        np.testing.assert_allclose(floats(gradient), expected[name], rtol=1e-7, atol=1e-9)


OPTIMIZERS = (
    SGD(0.1),
    SGD(0.1, momentum=0.9, weight_decay=0.1),
    SGD(0.1, momentum=0.9, nesterov=True),
    Adam(),
    AdamW(),
    AdamW(weight_decay=0.0),
    RMSprop(),
    RMSprop(momentum=0.9),
    Adagrad(),
    NAdam(),
    RAdam(),
    Adamax(),
    Adadelta(),
    Lion(),
    Lion(weight_decay=0.1),
)


def test_every_optimizer_is_counted():
    assert {type(optimizer) for optimizer in OPTIMIZERS} == set(get_args(FirstOrder))


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_an_update_is_what_it_does_to_one_number(optimizer):
    from numpy_impl.optimizers import update

    p, g, *slots = 0.3, -0.2, *(0.05, 0.02)[: len(optimizer.slots)]
    with Count() as count:
        found = counting.update(optimizer, 0.01, 9, *numbers([p, g]), numbers(slots))
    named = dict(zip(optimizer.slots, map(np.float64, slots), strict=True))
    expected, _ = update(optimizer, 0.01, 9, np.float64(p), np.float64(g), named)
    assert of(found) == pytest.approx(float(expected), rel=1e-12)
    config = config_of(optimizer=optimizer)
    assert count.operations == per_parameter(optimizer)
    assert count.operations * config.size == work_of(config, 8, "float32").optimizer


def test_clipping_is_what_it_does_to_a_gradient():
    with Count() as count:
        counting.clipped(numbers(np.ones(91)), 0.1)
    plain, clipped = (work_of(config_of(clip_norm=norm), 8, "float32") for norm in (None, 0.1))
    assert count.operations == clipped.optimizer - plain.optimizer


@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3))
@settings(max_examples=20, deadline=None)
def test_a_damped_solution_is_what_cholesky_does(inputs, outputs, rows):
    config = config_of(model=MLP(()), inputs=inputs, outputs=outputs, optimizer=LevenbergMarquardt())
    jacobian = np.random.default_rng(inputs).standard_normal((rows * outputs, config.size))
    with Count() as count:
        found = counting.solution(numbers(jacobian), numbers(np.ones(rows * outputs)), 0.5, 0.1)
    matrix = 0.5 * jacobian.T @ jacobian + 0.1 * np.eye(config.size)
    np.testing.assert_allclose(floats(found), np.linalg.solve(matrix, 0.5 * jacobian.sum(axis=0)), rtol=1e-8)
    work = work_of(config, rows, "float64")
    # Besides: the trial's difference and its loss, and what the linear model promised.
    trial = config.size + work.forward + 3 * rows * outputs + 4 * config.size
    assert work.optimizer == count.operations + trial


@given(configs(), st.integers(2, 64), st.sampled_from(["float32", "float64"]))
def test_bytes_are_those_of_all_arrays_that_a_step_reads_and_writes(config, rows, dtype):
    state = zero_state(config, dtype)
    changed = sum(array.nbytes for array in state.named().values())
    given_to_it = rows * (np.dtype(dtype).itemsize * (config.inputs + config.outputs) + 4)
    masks = rows * sum(config.model.masks().values())
    assert work_of(config, rows, dtype).bytes == 2 * changed + given_to_it + masks


@given(configs(), st.integers(2, 64))
def test_more_rows_are_more_work_and_the_same_update(config, rows):
    one, more = work_of(config, rows, "float32"), work_of(config, rows + 1, "float32")
    assert more.flops > one.flops
    assert more.bytes > one.bytes
    assert more.optimizer == one.optimizer


def test_solvers_have_work_too():
    few, many = (work_of(config_of(optimizer=LBFGS(memory=memory)), 32, "float64") for memory in (5, 10))
    assert many.optimizer - few.optimizer == 5 * 8 * config_of().size
    assert work_of(config_of(optimizer=LevenbergMarquardt()), 32, "float64").flops > many.flops


# The loop in C

PROVEN = {
    "tanh, Adam": (config_of(), 32),
    "a batch that is no block": (config_of(model=MLP((7,), "relu"), inputs=3, outputs=2), 37),
    "a batch below a block": (config_of(model=MLP((4, 4, 3), "sigmoid"), optimizer=SGD(0.1)), 5),
    "momentum, mae, summed": (
        config_of(
            model=MLP((6,), "silu"), optimizer=SGD(1e-3, momentum=0.9, weight_decay=0.01), loss=Loss("mae", "sum")
        ),
        33,
    ),
    "nesterov, huber": (
        config_of(
            model=MLP((6, 3), "elu"), outputs=3, optimizer=SGD(0.05, 0.9, True), loss=Loss("huber", huber_delta=0.3)
        ),
        16,
    ),
    "AdamW, clipped, on a schedule": (
        config_of(
            model=MLP((5, 4), "gelu_tanh"), optimizer=AdamW(1e-2), schedule=Cosine(), clip_norm=1.2
        ),  # clips some steps, and not others
        20,
    ),
    "leaky relu": (config_of(model=MLP((3, 3), "leaky_relu")), 8),
    "nothing hidden": (config_of(model=MLP(()), inputs=4, optimizer=SGD(0.1)), 8),
    "identity": (config_of(model=MLP((3,), "identity")), 8),
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """What is compiled here is kept here."""
    monkeypatch.setenv("PARITY_CACHE", str(tmp_path / "cache"))


def off(loop, config, batch_size, dtype="float64", halves=False):
    """How far losses and the state behind are off those of the oracle in float64, as a share of the largest number of each."""
    from numpy_impl.schedules import multiple

    state, data, order = drawn(config, batch_size)
    history = oracle(config, state).fit(data, order)
    rates = np.array([config.optimizer.learning_rate * multiple(config.schedule, t, STEPS) for t in range(STEPS)])
    parts = [(0, STEPS // 2), (STEPS // 2, STEPS)] if halves else [(0, STEPS)]
    losses = []
    for begin, end in parts:
        of_part, state = loop.train(state, data, order.part(begin, end), rates[begin:end])
        losses.append(of_part)
    assert state.step == STEPS
    assert all(array.dtype == dtype for array in (*losses, *state.named().values()))
    pairs = [(np.concatenate(losses), history.losses)]
    expected = history.final.named()
    assert state.named().keys() == expected.keys()
    pairs += [(array, expected[name]) for name, array in state.named().items()]
    return max(float(np.abs(one - other).max() / np.abs(other).max()) for one, other in pairs)


@needs_compiler
@pytest.mark.parametrize("name", PROVEN)
def test_the_loop_in_c_is_the_training(name):
    config, batch_size = PROVEN[name]
    assert off(c_loop(config, batch_size, "float64"), config, batch_size) < 1e-11


@needs_compiler
def test_it_is_so_in_float32_and_from_a_later_step_on():
    config, batch_size = PROVEN["AdamW, clipped, on a schedule"]
    assert off(c_loop(config, batch_size, "float32"), config, batch_size, "float32") < 1e-4
    assert off(c_loop(config, batch_size, "float64"), config, batch_size, halves=True) < 1e-11


@needs_compiler
def test_whole_batches_are_rows_in_their_own_order():
    config = config_of()
    state, data, _ = drawn(config, 1)
    whole = BatchOrder(STEPS)
    losses, _ = c_loop(config, len(data.inputs), "float64").train(state, data, whole, np.full(STEPS, 1e-2))
    np.testing.assert_allclose(losses, oracle(config, state).fit(data, whole).losses, rtol=1e-11)


FAULTS = {
    "a sign in the update": ("p[i] = p[i] - ", "p[i] = p[i] + "),
    "a slope left out": ("sum[row] * slope_1[in][row]", "sum[row]"),
    "rows that fill up a block": ("row < live ? x_3", "row < block ? x_3"),
    "a bias without a gradient": ("gradient[20 + out] += sum;", ""),
    "a gradient that is kept": ("memset(gradient, 0, sizeof gradient);", ""),
    "one bias correction": ("second[i] * scalars[1]", "second[i]"),
}


@needs_compiler
@pytest.mark.parametrize("fault", FAULTS)
def test_the_proof_sees_a_fault_in_the_source(fault):
    config, batch_size = config_of(), 37
    text = c_training.source(config, batch_size, "float64")
    right, wrong = FAULTS[fault]
    assert right in text
    assert off(CLoop(library(text.replace(right, wrong)), config, batch_size, "float64"), config, batch_size) > 1e-6


@needs_compiler
def test_it_reads_no_rows_that_are_not_there():
    config = config_of()
    loop = c_loop(config, 32, "float64")
    state, data, order = drawn(config, 32)
    rates = np.full(STEPS, 1e-2)
    with pytest.raises(InputError, match="rows 0 to 40; expected 0 to 39"):
        loop.train(state, data, BatchOrder(STEPS, np.minimum(order.rows + 1, 40) - (order.rows == 0)), rates)
    with pytest.raises(InputError, match="learning rates of 29; expected 30"):
        loop.train(state, data, order, rates[1:])
    with pytest.raises(InputError, match="rows of a batch of 31; expected 32"):
        loop.train(state, data, BatchOrder(STEPS, order.rows[:, 1:]), rates)


@needs_compiler
def test_small_numbers_of_the_process_stay():
    """Linked with -ffast-math, a library would set them to zero in whatever runs beside it."""
    code = (
        "import numpy as np; from test_limit import c_loop, config_of;"
        "assert not isinstance(c_loop(config_of(), 8, 'float32'), str);"
        "print(np.float32(1e-30) * np.float32(1e-10) > 0)"
    )
    path = os.pathsep.join([os.path.dirname(__file__), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": path}
    answer = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "True"


REFUSED = {
    "RegularizedMLP": config_of(model=RegularizedMLP((4,))),
    "gelu, which": config_of(model=MLP((4,), "gelu")),
    "the loss log_cosh": config_of(loss=Loss("log_cosh")),
    "Lion": config_of(optimizer=Lion()),
    "LevenbergMarquardt": config_of(optimizer=LevenbergMarquardt()),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_no_c_is_made_for_is_told(what):
    reason = c_loop(REFUSED[what], 8, "float32")
    assert isinstance(reason, str)
    assert reason.startswith(f"no C loop is made for {what}")


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ("false", "the C compiler false made nothing of it (exit status 1): it said nothing"),
        ("no-such-compiler -m64", "there is no C compiler named no-such-compiler; install one, or name one in CC"),
        ("'", 'CC is "\'", which no shell can read; name a C compiler there'),
    ],
)
def test_a_compiler_that_does_not_compile_is_a_reason(named, reason, monkeypatch):
    monkeypatch.setenv("CC", named)
    assert c_loop(config_of(), 32, "float32") == reason


@needs_compiler
def test_a_compiled_loop_is_kept_and_a_damaged_one_made_again(tmp_path, monkeypatch):
    config, folder = config_of(), tmp_path / "cache" / "c-loops"
    assert isinstance(c_loop(config, 8, "float32"), CLoop)
    (kept,) = folder.iterdir()
    kept.write_bytes(b"no library")
    assert off(c_loop(config, 8, "float32"), config, 8, "float32") < 1e-4
    assert kept.stat().st_size > 1000
    # A folder that can't be written to is done without.
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PARITY_CACHE", str(tmp_path / "file"))
    assert isinstance(c_loop(config, 8, "float32"), CLoop)


# The limit


@pytest.fixture(scope="module")
def rates():
    """This machine's, in float32 on one thread."""
    return roofline("float32", 1, 2**20)


def test_rates_are_those_of_a_machine(rates):
    # From a slow phone to a core that is not built yet.
    assert 1e8 < rates.matmul_rate < 1e13
    assert 1e8 < rates.copy_rate < 1e13
    assert rates == roofline("float32", 1, 2**20 - 5)


@given(*[st.floats(1, 1e15)] * 4)
def test_a_roofline_is_the_slower_of_the_two(flops, moved, matmul_rate, copy_rate):
    seconds = Roofline(matmul_rate, copy_rate).seconds(flops, moved)
    assert seconds * matmul_rate >= flops * (1 - 1e-12)
    assert seconds * copy_rate >= moved * (1 - 1e-12)
    assert seconds in (flops / matmul_rate, moved / copy_rate)


def test_the_limit_without_a_compiler_is_the_roofline(monkeypatch, tmp_path):
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    limit = limit_of(config_of(), 32, "float32")
    assert limit.kind == "roofline"
    assert limit.reason == "there is no C compiler named cc; install one, or name one in CC"
    assert (limit.c_loop_seconds, limit.flags) == (None, "")
    assert limit.seconds_per_step == limit.roofline_seconds
    assert limit.roofline_seconds == max(limit.flops / limit.matmul_rate, limit.bytes / limit.copy_rate)


@needs_compiler
def test_the_limit_of_a_tiny_network_is_the_loop_in_c():
    limit = limit_of(config_of(), 32, "float32")
    assert (limit.kind, limit.reason) == ("c loop", "")
    assert "-O3" in limit.flags
    assert limit.seconds_per_step == limit.c_loop_seconds
    assert limit.roofline_seconds < limit.c_loop_seconds


def test_the_limit_of_a_wide_network_is_the_roofline():
    limit = limit_of(config_of(model=MLP((3, 64, 64))), 32, "float32")
    assert limit.kind == "roofline"
    assert limit.reason == "a kernel has 64 x 64 numbers; C loops are a limit up to 256"


def test_what_has_no_limit():
    with pytest.raises(InputError, match="batch_size is 0; expected a whole number of at least 1"):
        limit_of(config_of(), 0, "float32")
    with pytest.raises(InputError, match="threads is 0; expected a whole number of at least 1"):
        limit_of(config_of(), 32, "float32", threads=0)
