"""What a trainer is and holds before it computes: its name, its state, what it received."""

from dataclasses import replace

from parity.conformance.case import STEPS, Case, fed, same, same_state
from parity.contract import (
    BatchOrder,
    DeviceError,
    InputError,
    zero_state,
)


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
