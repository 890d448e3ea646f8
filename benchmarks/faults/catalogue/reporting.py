"""Faults in what a run tells of itself, behind training that is right."""

import torch

from benchmarks.faults.catalogue.layers import REGULARIZED
from benchmarks.faults.copies import Twin, around
from benchmarks.faults.experiments import across
from benchmarks.faults.fault import fault
from parity.contract import Constant


def told_otherwise(twin: Twin, change) -> None:
    """Change the record of a run."""
    around(twin.trainer, "history", lambda history, record, final: history(change(record), final))


@fault("trajectory", "report.loss_late", across())
def loss_told_behind_the_update(twin: Twin) -> None:
    """A run tells the loss of each batch behind its update."""

    def train(original, self, state, losses, feed, scalars, i):
        original(self, state, losses, feed, scalars, i)
        batch = feed.batch(i)
        with twin.program.unmoved(state.model), torch.no_grad():
            losses[i] = self.loss(state.model(batch.inputs, batch.masks), batch.targets)

    around(twin.program.Program, "train", train)


@fault("trajectory", "report.shifted", across())
def losses_shifted(twin: Twin) -> None:
    """The losses of a run are shifted by one step, the first told twice."""
    told_otherwise(twin, lambda r: r._replace(losses=torch.cat([r.losses[:1], r.losses[:-1]])))


@fault("trajectory", "report.checkpoint", across())
def checkpoints_a_step_early(twin: Twin) -> None:
    """A checkpoint holds the parameters from in front of its last step."""
    before = {}

    def train(original, self, state, *args):
        before.update({name: p.detach().clone() for name, p in state.parameters.items()})
        original(self, state, *args)

    def keep(original, self, state, record, *args):
        original(self, state._replace(parameters=before or state.parameters), record, *args)

    around(twin.program.Program, "train", train)
    around(twin.program.Program, "keep", keep)


@fault("trajectory", "report.checkpoint", across())
def checkpoints_shifted(twin: Twin) -> None:
    """Each checkpoint holds what belongs to the one before it."""

    def shifted(record):
        parameters = {name: torch.cat([kept[:1], kept[:-1]]) for name, kept in record.parameters.items()}
        return record._replace(parameters=parameters)

    told_otherwise(twin, shifted)


@fault("trajectory", "report.smoothed", across(schedule=Constant()))
def losses_smoothed(twin: Twin) -> None:
    """The losses of a run are running means over all steps so far, as progress bars show them."""

    def smoothed(record):
        count = torch.arange(1, len(record.losses) + 1, dtype=record.losses.dtype)
        return record._replace(losses=record.losses.cumsum(0) / count)

    told_otherwise(twin, smoothed)


@fault("trajectory", ("precision.lower", "dtype.rounded"), across())
def losses_told_in_float32(twin: Twin) -> None:
    """The losses of a float64 run are kept in float32."""
    told_otherwise(twin, lambda r: r._replace(losses=r.losses.float().to(r.losses.dtype)))


@fault("accuracy", "report.evaluation", REGULARIZED)
def learning_curve_in_training_mode(twin: Twin) -> None:
    """On the way the held-out rows are predicted with their own batch statistics."""

    def keep(original, self, state, record, evaluate, evaluation, checkpoint):
        original(self, state, record, evaluate, evaluation, checkpoint)
        if evaluation < len(record.predictions) - 1:
            with twin.program.unmoved(state.model):
                record.predictions[evaluation] = self.predict(state, evaluate, {}, training=True)

    around(twin.program.Program, "keep", keep)


@fault("accuracy", "report.evaluation", across())
def learning_curve_shifted(twin: Twin) -> None:
    """The predictions of the held-out rows are told one evaluation late."""
    told_otherwise(twin, lambda r: r._replace(predictions=torch.cat([r.predictions[:1], r.predictions[:-1]])))
