"""The checks that any backend must pass, for authors of backends: `python -m parity.conformance NAME`.

Each check takes a `Case` and raises AssertionError, saying what it expected. None knows a framework: truth is NumPy, finite
differences, or another verb of the same trainer.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from parity import registry
from parity.contract import (
    MLP,
    Adam,
    Arrays,
    Backend,
    Batch,
    BatchOrder,
    Cosine,
    Data,
    DeviceError,
    History,
    InputError,
    Loss,
    Model,
    ParityError,
    RegularizedMLP,
    State,
    Trainer,
    TrainingConfig,
    zero_state,
)
from parity.ladder.gap import identical, largest_gap
from parity.ladder.tolerance import limit

ROWS, BATCH, STEPS, INPUTS, OUTPUTS = 24, 6, 7, 3, 2


@dataclass(frozen=True)
class Case:
    """A backend on a device, in a mode and dtype, with a small network and data to try it on."""

    backend: Backend
    device: str
    mode: str
    dtype: str
    model: Model

    def __str__(self) -> str:
        return f"{self.backend.name}:{self.device}:{self.mode}:{self.dtype}:{type(self.model).__name__}"

    @property
    def config(self) -> TrainingConfig:
        return TrainingConfig(self.model, INPUTS, OUTPUTS, Loss(), Adam(), Cosine(), clip_norm=1.0, steps=STEPS)

    @property
    def state(self) -> State:
        """A state in which no tensor is zero or one."""
        random = np.random.default_rng(1)

        def draw(arrays: Arrays) -> Arrays:
            return {name: random.uniform(0.1, 0.9, array.shape).astype(self.dtype) for name, array in arrays.items()}

        zero = zero_state(self.config, self.dtype)
        slots = {slot: draw(arrays) for slot, arrays in zero.optimizer.items()}
        return State(draw(zero.parameters), draw(zero.buffers), slots)

    @property
    def data(self) -> Data:
        random = np.random.default_rng(2)
        inputs, targets = random.standard_normal((ROWS, INPUTS)), random.standard_normal((ROWS, OUTPUTS))
        return Data(inputs.astype(self.dtype), targets.astype(self.dtype))

    @property
    def order(self) -> BatchOrder:
        random = np.random.default_rng(3)
        rows = np.stack([random.permutation(ROWS)[:BATCH] for _ in range(STEPS)]).astype(np.int32)
        masks = {name: random.random((STEPS, BATCH, width)) < 0.8 for name, width in self.model.masks().items()}
        return BatchOrder(STEPS, rows, masks)

    @property
    def batch(self) -> Batch:
        return self.order.batch(self.data, 0)

    def trainer(self) -> Trainer:
        """A trainer in the case's state."""
        trainer = self.backend.trainer(self.config, device=self.device, mode=self.mode, dtype=self.dtype)
        trainer.set_state(self.state)
        return trainer

    def close(self, expected: Arrays, found: Arrays, what: str) -> None:
        """Assert that two sets of arrays differ by rounding alone, over a few steps."""
        gap = largest_gap(expected, found)
        bound = limit(self.dtype, terms=ROWS * OUTPUTS, steps=STEPS)
        assert gap.size <= bound, f"{what}: {gap.where} differs by {gap.size:.2g}; expected at most {bound:.2g}"


Check = Callable[[Case], None]


def says_what_it_is(case: Case) -> None:
    """`describe` repeats device, dtype and mode, and the config is the one that was given."""
    trainer = case.trainer()
    for key in ("device", "dtype", "mode"):
        found, expected = trainer.describe().get(key), getattr(case, key)
        assert found == expected, f"describe()[{key!r}] is {found!r}; expected {expected!r}"
    assert trainer.config == case.config, "trainer.config is not the config that was given"


def refuses_an_unknown_device(case: Case) -> None:
    """A device that is not there raises DeviceError, which quotes it."""
    try:
        case.backend.trainer(case.config, device="abacus", mode=case.mode, dtype=case.dtype)
    except DeviceError as error:
        said = str(error)
    else:
        raise AssertionError("a trainer on the device 'abacus' was made; expected DeviceError")
    assert "abacus" in said, f"the DeviceError does not quote the device: {said}"


def refuses_an_unknown_mode_or_dtype(case: Case) -> None:
    """A mode or dtype that the backend has not raises InputError; another one in its place would be timed under its name."""
    for wrong in ({"mode": "abacus"}, {"dtype": "float13"}):
        asked = {"device": case.device, "mode": case.mode, "dtype": case.dtype} | wrong
        try:
            case.backend.trainer(case.config, **asked)
        except InputError:
            continue
        raise AssertionError(f"a trainer with {wrong} was made; expected InputError")


def starts_from_zero(case: Case) -> None:
    """A new trainer has every tensor of the contract, all zero."""
    trainer = case.backend.trainer(case.config, device=case.device, mode=case.mode, dtype=case.dtype)
    same_state(zero_state(case.config, case.dtype), trainer.get_state(), "the state of a new trainer")


def reads_back_bit_for_bit(case: Case) -> None:
    """What is put on the device comes back as it was: floats, row numbers and masks."""
    data, order = case.trainer().read_back(case.data, case.order)
    assert order.steps == STEPS, f"read_back gave an order of {order.steps} steps; expected {STEPS}"
    same(fed(case.data, case.order), fed(data, order), "read_back")
    _, full = case.trainer().read_back(case.data, BatchOrder(STEPS))
    assert full.rows is None, "read_back gave row numbers to an order that has none"


def keeps_a_state(case: Case) -> None:
    """`get_state` gives what `set_state` was given, bit for bit, with the count of steps."""
    trainer = case.trainer()
    state = replace(case.state, step=4)
    trainer.set_state(state)
    same_state(state, trainer.get_state(), "get_state behind set_state")


def shares_no_memory(case: Case) -> None:
    """What a caller does to its arrays changes nothing inside, and training changes nothing outside."""
    state = case.state
    trainer = case.backend.trainer(case.config, device=case.device, mode=case.mode, dtype=case.dtype)
    trainer.set_state(state)
    given = trainer.get_state()
    for array in (*state.parameters.values(), *state.buffers.values()):
        array += 1
    same_state(case.state, trainer.get_state(), "the state behind a change of the caller's arrays")
    trainer.step(case.batch)
    same_state(case.state, given, "the caller's state behind a step")


def predicts(case: Case) -> None:
    """Predictions are (N, K) in the dtype, each row's own, and change no state."""
    trainer = case.trainer()
    inputs = case.data.inputs
    found = trainer.predict(inputs)
    assert found.shape == (ROWS, OUTPUTS), f"predictions have shape {found.shape}; expected {(ROWS, OUTPUTS)}"
    assert found.dtype == case.dtype, f"predictions are {found.dtype}; expected {case.dtype}"
    case.close({"predictions": found[::-1]}, {"predictions": trainer.predict(inputs[::-1].copy())}, "rows reversed")
    same_state(case.state, trainer.get_state(), "the state behind predict")


def tells_training_from_evaluation(case: Case) -> None:
    """Training mode uses the batch's statistics and the masks, evaluation mode does not; neither changes the state."""
    trainer = case.trainer()
    training = trainer.predict(case.batch.inputs, training=True, masks=case.batch.masks)
    evaluation = trainer.predict(case.batch.inputs)
    differs = not np.allclose(training, evaluation)
    depends = isinstance(case.model, RegularizedMLP)
    assert differs == depends, f"training and evaluation mode {'differ' if differs else 'agree'}"
    if depends:
        none_dropped = {name: np.ones_like(mask) for name, mask in case.batch.masks.items()}
        undropped = trainer.predict(case.batch.inputs, training=True, masks=none_dropped)
        assert not np.allclose(training, undropped), "predictions in training mode do not depend on the masks"
    trainer.loss_and_grads(case.batch)
    same_state(case.state, trainer.get_state(), "the state behind predict and loss_and_grads in training mode")


def differentiates(case: Case) -> None:
    """Gradients are those of the loss: central differences along random directions, in either mode."""
    if case.dtype != "float64":
        return
    trainer = case.trainer()
    random = np.random.default_rng(4)
    for training in (True, False):
        _, gradients = trainer.loss_and_grads(case.batch, training=training)
        for name, gradient in gradients.items():
            direction = random.standard_normal(gradient.shape)
            losses = []
            for sign in (1, -1):
                moved = {**case.state.parameters, name: case.state.parameters[name] + sign * 1e-5 * direction}
                trainer.set_state(replace(case.state, parameters=moved))
                losses.append(trainer.loss_and_grads(case.batch, training=training)[0])
            expected, found = (losses[0] - losses[1]) / 2e-5, float((gradient * direction).sum())
            # Central differences leave the third derivative times h^2 and the rounding of the loss over h.
            assert abs(expected - found) < 1e-7, f"gradient of {name}: {found}; differences of the loss say {expected}"
            trainer.set_state(case.state)


def steps(case: Case) -> None:
    """A step returns the loss before it, counts, and moves every parameter, buffer and slot."""
    trainer = case.trainer()
    loss, _ = trainer.loss_and_grads(case.batch)
    case.close({"loss": np.array(loss)}, {"loss": np.array(trainer.step(case.batch))}, "loss of a step")
    before, after = case.state, trainer.get_state()
    assert after.step == 1, f"the count behind one step is {after.step}"
    for name, array in before.named().items():
        assert not np.array_equal(array, after.named()[name]), f"{name} did not move in a step"


def fits_as_it_steps(case: Case) -> None:
    """`fit` over a batch order does what `step` does over its batches."""
    stepping, fitting = case.trainer(), case.trainer()
    losses = [stepping.step(case.order.batch(case.data, i)) for i in range(STEPS)]
    history = fitting.fit(case.data, case.order)
    case.close({"losses": np.array(losses)}, {"losses": history.losses.astype(np.float64)}, "losses of fit")
    case.close(stepping.get_state().named(), fitting.get_state().named(), "state behind fit")


def fits_the_full_batch(case: Case) -> None:
    """Without row numbers each step sees all rows in their own order."""
    masks = {name: np.ones((STEPS, ROWS, width), bool) for name, width in case.model.masks().items()}
    everything = np.tile(np.arange(ROWS, dtype=np.int32), (STEPS, 1))
    histories = [case.trainer().fit(case.data, BatchOrder(STEPS, rows, masks)) for rows in (None, everything)]
    case.close(histories[1].final.named(), histories[0].final.named(), "state behind full batches")


def continues(case: Case) -> None:
    """Two fits in a row are one fit: rate and bias corrections follow the count of steps, and so it is from a kept state."""
    whole, parts = case.trainer(), case.trainer()
    expected = whole.fit(case.data, case.order)
    first = parts.fit(case.data, case.order.part(0, 3))
    parts.set_state(first.final)
    second = parts.fit(case.data, case.order.part(3, STEPS))
    assert second.final.step == STEPS, f"the count behind {STEPS} steps is {second.final.step}"
    case.close(expected.final.named(), second.final.named(), "state behind two fits")


def records(case: Case) -> None:
    """A history has losses, predictions and checkpoints where they were asked for, the first and last step included."""
    trainer = case.trainer()
    done: list[int] = []
    at: dict[str, Any] = {"evaluate_at": (0, 2, STEPS), "checkpoints_at": (0, 1, 5, STEPS)}
    inputs = case.data.inputs[:5]
    history = trainer.fit(case.data, case.order, evaluate=inputs, progress=done.append, **at)
    shapes = {"losses": (STEPS,), "predictions": (3, 5, OUTPUTS)}
    for name, expected in shapes.items():
        array = getattr(history, name)
        assert array.shape == expected, f"history.{name} has shape {array.shape}; expected {expected}"
        assert array.dtype == case.dtype, f"history.{name} is {array.dtype}; expected {case.dtype}"
    assert done, "progress was never called"
    assert done == sorted(done), f"progress went backwards: {done}"
    assert done[-1] == STEPS, f"progress ended at {done[-1]}; expected {STEPS}"
    same_state(trainer.get_state(), history.final, "history.final")
    same(case.state.parameters, checkpoint(history, 0), "parameters at step 0")
    same(trainer.get_state().parameters, checkpoint(history, -1), "parameters at the last step")
    case.close({"last": trainer.predict(inputs)}, {"last": history.predictions[-1]}, "predictions at the last step")
    early = case.trainer()
    early.fit(case.data, case.order.part(0, 1))
    case.close(
        early.get_state().named(), {**early.get_state().named(), **checkpoint(history, 1)}, "parameters at step 1"
    )


def records_nothing_unasked(case: Case) -> None:
    """Where nothing is to be seen the arrays have no rows, but their names, shapes and dtype."""
    history = case.trainer().fit(case.data, case.order)
    assert history.predictions.shape[0] == 0, f"predictions have shape {history.predictions.shape}; expected no rows"
    assert history.predictions.dtype == case.dtype, f"predictions are {history.predictions.dtype}"
    for name, array in case.state.parameters.items():
        kept = history.parameters.get(name)
        assert kept is not None, f"history.parameters has no {name}"
        assert kept.shape == (0, *array.shape), f"{name} has shape {kept.shape}; expected {(0, *array.shape)}"


def refuses_steps_outside_the_run(case: Case) -> None:
    """A step behind the end, or steps that do not rise, raise InputError before any training."""
    for at in ((0, STEPS + 1), (2, 1), (-1,)):
        trainer = case.trainer()
        try:
            trainer.fit(case.data, case.order, checkpoints_at=at)
        except InputError:
            same_state(case.state, trainer.get_state(), "the state behind a refused fit")
            continue
        raise AssertionError(f"fit took checkpoints_at={at} in a run of {STEPS} steps; expected InputError")


def repeats(case: Case) -> None:
    """The same run twice is the same, bit for bit."""
    one, other = (case.trainer().fit(case.data, case.order) for _ in range(2))
    same({"losses": one.losses}, {"losses": other.losses}, "losses of a second run")
    same_state(one.final, other.final, "the state of a second run")


def fits_many(case: Case) -> None:
    """`fit_many` does what `fit` does from each state, with shared or own data and order, and leaves its own state."""
    states = [case.state, replace(case.state, parameters={n: -a for n, a in case.state.parameters.items()})]
    own = [case.data, Data(case.data.inputs[::-1].copy(), case.data.targets)]
    orders = [
        case.order,
        replace(case.order, rows=case.order.rows[::-1].copy() if case.order.rows is not None else None),
    ]
    for data, order in ((case.data, case.order), (own, case.order), (own, orders)):
        trainer = case.trainer()
        at: dict[str, Any] = {"evaluate": case.data.inputs[:4], "evaluate_at": (0, STEPS), "checkpoints_at": (2,)}
        done: list[int] = []
        together = trainer.fit_many(states, data, order, progress=done.append, **at)
        assert done[-1:] == [len(states) * STEPS], f"progress ended at {done[-1:]}; expected {len(states) * STEPS}"
        same_state(case.state, trainer.get_state(), "the trainer's own state behind fit_many")
        for r, history in enumerate(together):
            alone = case.trainer()
            alone.set_state(states[r])
            mine = data if isinstance(data, Data) else data[r]
            expected = alone.fit(mine, order if isinstance(order, BatchOrder) else order[r], **at)
            case.close(summary(expected), summary(history), f"replica {r} of fit_many")


CHECKS: tuple[Check, ...] = (
    says_what_it_is,
    refuses_an_unknown_device,
    refuses_an_unknown_mode_or_dtype,
    starts_from_zero,
    reads_back_bit_for_bit,
    keeps_a_state,
    shares_no_memory,
    predicts,
    tells_training_from_evaluation,
    differentiates,
    steps,
    fits_as_it_steps,
    fits_the_full_batch,
    continues,
    records,
    records_nothing_unasked,
    refuses_steps_outside_the_run,
    repeats,
    fits_many,
)


def cases(backend: Backend) -> Iterator[Case]:
    """Every device, mode and dtype of a backend, with either network."""
    models = (MLP(hidden=(5, 4), activation="tanh"), RegularizedMLP(hidden=(5, 4), activation="tanh", dropout=0.3))
    for device in backend.devices():
        for mode in backend.modes:
            for dtype in backend.dtypes:
                for model in models:
                    yield Case(backend, device, mode, dtype, model)


def fed(data: Data, order: BatchOrder) -> Arrays:
    """What training is fed with, by name."""
    return {"inputs": data.inputs, "targets": data.targets, **order.named()}


def summary(history: History) -> Arrays:
    """What a history holds, by name."""
    arrays = {"losses": history.losses, "predictions": history.predictions, **history.final.named()}
    return {**arrays, **{f"{name} at checkpoints": kept for name, kept in history.parameters.items()}}


def checkpoint(history: History, index: int) -> Arrays:
    """The parameters at one checkpoint."""
    return {name: kept[index] for name, kept in history.parameters.items()}


def same(expected: Arrays, found: Arrays, what: str) -> None:
    """Assert that arrays are the same bit for bit."""
    gap = identical(expected, found)
    assert gap.size == 0, f"{what}: {gap.where} is not what it was"


def same_state(expected: State, found: State, what: str) -> None:
    """Assert that states are the same bit for bit."""
    same(expected.named(), found.named(), what)
    assert expected.step == found.step, f"{what}: the count of steps is {found.step}; expected {expected.step}"


def main(arguments: list[str]) -> int:
    """Run every check on a backend and print what failed; returns 0 where nothing did."""
    if len(arguments) != 1:
        print("usage: python -m parity.conformance BACKEND", file=sys.stderr)
        return 2
    try:
        backend = registry.load(arguments[0])
    except ParityError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    failed = 0
    for case in cases(backend):
        for check in CHECKS:
            try:
                check(case)
            except AssertionError as error:
                failed += 1
                print(f"FAILED {check.__name__} on {case}: {error}")
    total = len(CHECKS) * len(list(cases(backend)))
    print(f"{backend.name}: {total - failed} of {total} checks passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
