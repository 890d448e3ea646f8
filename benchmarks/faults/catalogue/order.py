"""Faults in which rows, and which masks, a step sees."""

import torch

from benchmarks.faults.catalogue.layers import DROPPING
from benchmarks.faults.copies import Twin, around
from benchmarks.faults.experiments import EPOCH, across
from benchmarks.faults.fault import fault


def put_otherwise(twin: Twin, change) -> None:
    """Change rows (S, B) and masks (S, B, H) where they are put for the whole run."""
    around(twin.trainer.Trainer, "_put_order", lambda put, self, order: change(*put(self, order)))


def rows_of(twin: Twin, choose) -> None:
    """Change the rows of some steps in the run itself, behind what is read back; `choose` is given (S, B) and a step."""

    def batch(original, self, i):
        rows = self.rows.clone()
        rows[i] = choose(self.rows, i)
        return original(self._replace(rows=rows), i)

    around(twin.program.Feed, "batch", batch)


@fault("start", "order.batches", across())
def batches_shifted(twin: Twin) -> None:
    """Every step is to see the batch of the one before it."""
    put_otherwise(twin, lambda rows, masks: (rows.roll(1, 0), masks))


@fault("start", "order.batches", across())
def rows_not_shuffled(twin: Twin) -> None:
    """The rows are taken in their own order, epoch after epoch."""

    def unshuffled(rows, masks):
        return torch.arange(rows.numel(), dtype=rows.dtype).remainder(160).reshape(rows.shape), masks

    put_otherwise(twin, unshuffled)


@fault("start", "masks.draw", DROPPING)
def masks_of_another_draw(twin: Twin) -> None:
    """The masks of the steps are shifted by one."""
    put_otherwise(twin, lambda rows, masks: (rows, {name: mask.roll(1, 0) for name, mask in masks.items()}))


@fault("start", "masks.inverted", DROPPING)
def masks_inverted_on_the_way(twin: Twin) -> None:
    """The masks arrive inverted: true where a unit is dropped."""
    put_otherwise(twin, lambda rows, masks: (rows, {name: ~mask for name, mask in masks.items()}))


@fault("trajectory", "order.rows", across())
def two_batches_exchanged(twin: Twin) -> None:
    """The first two batches of epoch 7 are exchanged."""
    rows_of(twin, lambda rows, i: rows[{60: 61, 61: 60}.get(i, i)])


@fault("trajectory", "order.rows", across())
def two_rows_exchanged_between_batches(twin: Twin) -> None:
    """Two rows are exchanged between the first two batches of epoch 7."""

    def exchanged(rows, i):
        batch = rows[i].clone()
        if i in (60, 61):
            batch[3] = rows[{60: 61, 61: 60}[i]][3]
        return batch

    rows_of(twin, exchanged)


@fault("trajectory", "order.rows", across())
def one_row_seen_twice(twin: Twin) -> None:
    """In one batch of epoch 7 one row stands in the place of another."""

    def replaced(rows, i):
        batch = rows[i].clone()
        if i == 65:
            batch[3] = batch[4]
        return batch

    rows_of(twin, replaced)


@fault("trajectory", ("order.repeated", "order.rows"), across())
def second_epoch_repeats_the_first(twin: Twin) -> None:
    """The second epoch has the order of the first."""
    rows_of(twin, lambda rows, i: rows[i - EPOCH if EPOCH <= i < 2 * EPOCH else i])


@fault("trajectory", "order.repeated", across())
def every_epoch_repeats_the_first(twin: Twin) -> None:
    """Every epoch has the order of the first: the generator is seeded inside the loop."""
    rows_of(twin, lambda rows, i: rows[i % EPOCH])


@fault("trajectory", "masks.order", DROPPING)
def masks_a_step_late(twin: Twin) -> None:
    """From the second step on, each step of a run has the masks of the one before."""

    def late(batch, self, i):
        seen = batch(self, i)
        return seen._replace(masks={name: mask[max(i - 1, 0)] for name, mask in self.masks.items()})

    around(twin.program.Feed, "batch", late)


@fault("trajectory", ("masks.order", "masks.draw"), DROPPING)
def masks_the_same_at_every_step(twin: Twin) -> None:
    """Every step of a run has the masks of the first: one key used again and again."""

    def same(batch, self, i):
        return batch(self, i)._replace(masks={name: mask[0] for name, mask in self.masks.items()})

    around(twin.program.Feed, "batch", same)


@fault("trajectory", "order.rows", across())
def rows_of_a_batch_in_another_order(twin: Twin) -> None:
    """Within each batch the rows are in reverse order: nothing but the order of summation."""
    rows_of(twin, lambda rows, i: rows[i].flip(0))
