"""Every backend passes the one suite that is shipped to whoever writes the next."""

import subprocess
import sys
from dataclasses import replace

import pytest

from parity import registry
from parity.conformance import CHECKS, Case, cases
from parity.conformance.fit import continues, fits_as_it_steps, fits_many, fits_the_full_batch, records
from parity.conformance.step import steps
from parity.contract import DeviceError, RegularizedMLP

BACKENDS = ("jax", "torch", "numpy")
# What depends on the mode is tried in those that are not the default with the network that has masks and statistics; the
# command below does it all.
OF_A_MODE = (steps, fits_as_it_steps, fits_the_full_batch, continues, records, fits_many)
# Two of PyTorch's compile C++ for some seconds, each batch and network anew: test_torch_modes does what is left out here.
LEFT_OUT = {("torch", "compile"): OF_A_MODE, ("torch", "flat"): (fits_the_full_batch,)}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("backend", BACKENDS)
def test_backend_conforms(backend, check):
    loaded = registry.load(backend)
    for case in cases(loaded):
        tried = (type(case.model), case.dtype) == (RegularizedMLP, "float32") and check in OF_A_MODE
        left_out = check in LEFT_OUT.get((backend, case.mode), ())
        if case.mode == loaded.modes[0] or (tried and not left_out):
            check(case)


def test_the_suite_runs_from_the_command_line():
    command = [sys.executable, "-m", "parity.conformance"]
    told = subprocess.run([*command, "numpy"], capture_output=True, text=True, check=True).stdout
    assert f"numpy: {4 * len(CHECKS)} of {4 * len(CHECKS)} checks passed" in told
    unknown = subprocess.run([*command, "nunpy"], capture_output=True, text=True, check=False)
    assert unknown.returncode == 2
    assert "Did you mean numpy?" in unknown.stderr


class Broken:
    """The oracle's trainer with one verb spoiled."""

    def __init__(self, trainer, verb, spoil):
        self._trainer = trainer
        setattr(self, verb, lambda *args, **kwargs: spoil(trainer, getattr(trainer, verb)(*args, **kwargs)))

    def __getattr__(self, name):
        return getattr(self._trainer, name)


def drop_last_row(trainer, predictions):
    return predictions[:-1]


def scale_gradients(trainer, loss_and_grads):
    loss, gradients = loss_and_grads
    return loss, {name: 1.001 * gradient for name, gradient in gradients.items()}


def forget_the_count(trainer, state):
    return replace(state, step=0)


def shift_losses(trainer, history):
    return replace(history, losses=history.losses[::-1])


def shift_the_targets(trainer, fed):
    data, order = fed
    return replace(data, targets=data.targets + 1), order


@pytest.mark.parametrize(
    ("verb", "spoil", "caught_by"),
    [
        ("predict", drop_last_row, "predicts"),
        ("loss_and_grads", scale_gradients, "differentiates"),
        ("get_state", forget_the_count, "keeps_a_state"),
        ("fit", shift_losses, "fits_as_it_steps"),
        ("read_back", shift_the_targets, "reads_back_bit_for_bit"),
        ("describe", lambda trainer, says: {**says, "device": "abacus"}, "says_what_it_is"),
    ],
)
def test_a_spoiled_backend_is_caught(verb, spoil, caught_by):
    class Spoiled(type(registry.load("numpy"))):
        def trainer(self, config, *, device, mode, dtype):
            if device not in self.devices():
                raise DeviceError(f"no device {device!r}")
            return Broken(super().trainer(config, device=device, mode=mode, dtype=dtype), verb, spoil)

    case = next(case for case in cases(Spoiled()) if case.dtype == "float64")
    check = next(check for check in CHECKS if check.__name__ == caught_by)
    check(Case(registry.load("numpy"), case.device, case.mode, case.dtype, case.model))
    with pytest.raises(AssertionError):
        check(case)
