"""Faults in what is learned from: other rows, other values."""

import torch

from benchmarks.faults.copies import Twin, around
from benchmarks.faults.experiments import ANY, SEVERAL_OUTPUTS, across
from benchmarks.faults.fault import fault


@fault("start", "data.row_order", across())
def rows_in_reverse(twin: Twin) -> None:
    """The rows arrive in reverse order."""
    around(twin.trainer.Trainer, "_put_data", lambda put, self, data: tuple(rows.flip(0) for rows in put(self, data)))


@fault("start", ("data.row_order", "data.values"), across())
def inputs_beside_other_targets(twin: Twin) -> None:
    """The inputs are shifted by a row against the targets."""

    def shifted(put, self, data):
        inputs, targets = put(self, data)
        return inputs.roll(1, 0), targets

    around(twin.trainer.Trainer, "_put_data", shifted)


@fault("start", "data.values", across())
def one_input_a_thousandth_off(twin: Twin) -> None:
    """One value of one input row is 0.1 % too large."""

    def changed(put, self, data):
        inputs, targets = put(self, data)
        inputs[3, 0] *= 1.001
        return inputs, targets

    around(twin.trainer.Trainer, "_put_data", changed)


@fault("start", "data.values", across())
def one_target_an_ulp_off(twin: Twin) -> None:
    """One target differs in its last bit."""

    def changed(put, self, data):
        inputs, targets = put(self, data)
        targets[5, 0] = torch.nextafter(targets[5, 0], targets[5, 0] + 1.0)
        return inputs, targets

    around(twin.trainer.Trainer, "_put_data", changed)


@fault("start", "data.values", across(*SEVERAL_OUTPUTS))
def target_columns_exchanged(twin: Twin) -> None:
    """The columns of the targets are in reverse order."""

    def exchanged(put, self, data):
        inputs, targets = put(self, data)
        return inputs, targets.flip(1)

    around(twin.trainer.Trainer, "_put_data", exchanged)


@fault("predict", "inputs.scale", across())
def inputs_halved_in_the_network(twin: Twin) -> None:
    """The network halves its inputs, as if they had another scale."""
    for model in twin.models:
        around(model, "forward", lambda forward, self, x, masks: forward(self, x / 2, masks))


@fault("trajectory", ("data.values", "order.rows"), across(*ANY))
def a_row_overwritten_on_the_way(twin: Twin) -> None:
    """From step 61 on the first training row is a copy of the second: the data were changed in place."""

    def overwriting(train, self, state, losses, feed, scalars, i):
        if i == 60:
            for rows in (feed.inputs, feed.targets):
                rows[0] = rows[1]
        return train(self, state, losses, feed, scalars, i)

    around(twin.program.Program, "train", overwriting)
