"""Faults in what training carries from step to step, and in what it starts from."""

from dataclasses import replace

import numpy as np
import torch

from benchmarks.faults.copies import Twin, around
from benchmarks.faults.experiments import EPOCH, across
from benchmarks.faults.fault import fault
from parity.contract import SGD, Adagrad, Adam

ADAM = across(optimizer=Adam(1e-2))


def set_otherwise(twin: Twin, change) -> None:
    """Take over another state than the one that is given."""
    around(twin.trainer.Trainer, "set_state", lambda set_state, self, state: set_state(self, change(state)))


def behind_each_step(twin: Twin, act) -> None:
    """Do something behind each update; `act` is given the state and copies of the parameters before it."""

    def step(original, self, state, batch, scalars):
        before = {name: p.detach().clone() for name, p in state.parameters.items()}
        loss = original(self, state, batch, scalars)
        with torch.no_grad():
            act(state, before)
        return loss

    around(twin.program.Program, "step", step)


@fault("start", "state.initial", across())
def weights_of_another_draw(twin: Twin) -> None:
    """The first weights are others, of the same distribution."""

    def rolled(state):
        parameters = {name: np.roll(array, 1, axis=0) for name, array in state.parameters.items()}
        return replace(state, parameters=parameters)

    set_otherwise(twin, rolled)


@fault("start", "state.initial", across())
def one_weight_an_ulp_off(twin: Twin) -> None:
    """One weight differs in its last bit."""

    def nudged(state):
        kernel = state.parameters["layers.0.kernel"].copy()
        kernel[0, 0] = np.nextafter(kernel[0, 0], np.inf)
        return replace(state, parameters=dict(state.parameters) | {"layers.0.kernel": kernel})

    set_otherwise(twin, nudged)


@fault("start", "state.initial", across())
def biases_start_at_zero(twin: Twin) -> None:
    """The biases start at zero, Flax's default."""

    def zeroed(state):
        zeros = {name: 0.0 * array for name, array in state.parameters.items() if name.endswith("bias")}
        return replace(state, parameters=dict(state.parameters) | zeros)

    set_otherwise(twin, zeroed)


@fault("start", "state.initial", across(optimizer=Adagrad(0.05)))
def accumulator_from_a_tenth(twin: Twin) -> None:
    """Adagrad's sum of squares starts at 0.1, Optax's default."""

    def raised(state):
        slots = {name: array + 0.1 for name, array in state.optimizer["sum_of_squares"].items()}
        return replace(state, optimizer={"sum_of_squares": slots})

    set_otherwise(twin, raised)


@fault("step", "state.frozen", across())
def last_bias_not_updated(twin: Twin) -> None:
    """The last bias stays as it was drawn: nobody told the optimizer of it."""

    def restore(state, before):
        name = list(state.parameters)[-1]
        state.parameters[name].copy_(before[name])

    behind_each_step(twin, restore)


@fault("step", "state.frozen", across(hidden=(6, 5)))
def first_kernel_not_updated(twin: Twin) -> None:
    """The first kernel stays as it was drawn."""
    behind_each_step(twin, lambda state, before: state.parameters["layers.0.weight"].copy_(before["layers.0.weight"]))


@fault("step", ("precision.lower", "dtype.rounded"), across())
def weights_rounded_behind_each_step(twin: Twin) -> None:
    """The weights are rounded to float32 behind each step of a float64 run."""

    def rounded(state, before):
        for p in state.parameters.values():
            p.copy_(p.float())

    behind_each_step(twin, rounded)


def forgetting(twin: Twin, when) -> None:
    """Set the optimizer's slots to zero in front of some steps of a run."""

    def train(original, self, state, losses, feed, scalars, i):
        if when(i):
            for slots in state.optimizer.state.values():
                for name, array in slots.items():
                    if name != "step":
                        array.zero_()
        return original(self, state, losses, feed, scalars, i)

    around(twin.program.Program, "train", train)


@fault("trajectory", "state.reset", ADAM)
def moments_reset_at_step_41(twin: Twin) -> None:
    """Adam forgets its moments in front of step 41."""
    forgetting(twin, lambda i: i == 40)


@fault("trajectory", "state.reset", across(optimizer=SGD(0.05, momentum=0.9)))
def velocity_reset_each_epoch(twin: Twin) -> None:
    """The velocity starts anew with every epoch: the optimizer is made inside the loop."""
    forgetting(twin, lambda i: i and i % EPOCH == 0)


@fault("trajectory", ("state.reset", "optimizer.bias_correction"), ADAM)
def count_of_steps_reset_at_step_61(twin: Twin) -> None:
    """Adam counts its steps anew from step 61 on, with its moments kept."""

    def train(original, self, state, losses, feed, scalars, i):
        if i == 60:
            for slots in state.optimizer.state.values():
                slots["step"].zero_()
        return original(self, state, losses, feed, scalars, i)

    around(twin.program.Program, "train", train)


@fault("trajectory", "state.hidden", across())
def rate_by_a_count_of_its_own(twin: Twin) -> None:
    """The rate falls by ten behind 70 steps that the trainer counts itself, beside its state."""
    counts: dict[int, int] = {}

    def fill(original, self, native, state):
        counts.clear()
        original(self, native, state)

    def step(original, self, state, batch, scalars):
        counts[0] = counts.get(0, 0) + 1
        slower = 0.1 if counts[0] > 70 else 1.0
        return original(self, state, batch, {**scalars, "lr": slower * scalars["lr"]})

    around(twin.trainer.Trainer, "_fill", fill)
    around(twin.program.Program, "step", step)
