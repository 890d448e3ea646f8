"""Does a peer train the same network? Its losses are held against ours, in units of how far ours spread by rounding alone.

Replicas of PyTorch's eager run start one unit in the last place away and have the rows of every batch, and the units of every
layer, in another order (parity/ladder/replicas.py). A peer is the same where it is never further from the undisturbed run than
the furthest replica was by then, times the factor that the ladder was calibrated with.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from benchmarks.peers import formulas
from benchmarks.peers.formulas import Formula
from benchmarks.peers.job import DTYPE, Floats, Job
from parity import registry
from parity.ladder.calibration import calibrated
from parity.ladder.plan import FIRST_SEED
from parity.ladder.replicas import Given, disturb
from parity.replicate import fit_many

STEPS = 320
REPLICAS = 16
REFERENCE = ("torch", "eager")


class Check:
    """Our losses and those of their replicas, trained once."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.limit = calibrated(REPLICAS, None).path_factor

    @cached_property
    def runs(self) -> Floats:
        """(1 + R, S) the losses, first of the undisturbed run."""
        start, (backend, mode) = self.job.start, REFERENCE
        trainer = registry.load(backend).trainer(start.config, device="cpu", mode=mode, dtype=DTYPE)
        given = Given(*start.cast(DTYPE), start.order).part(0, STEPS)
        members = [given, *(disturb(given, start.config, FIRST_SEED + r).given for r in range(REPLICAS))]
        states, data, orders = ([getattr(m, part) for m in members] for part in ("state", "train", "order"))
        histories, _ = fit_many(trainer, states, data, orders)
        return np.array([history.losses for history in histories], np.float64)

    def distance(self, losses: Sequence[float], span: int, formula: Formula = formulas.OURS) -> float:
        """The largest distance from our losses, or from those that ours would be by a formula, over the furthest replica's."""
        original, *replicas = over(self.runs, span)
        noise = np.maximum.accumulate(np.abs(np.array(replicas) - original).max(axis=0))
        expected = original if formula == formulas.OURS else over(formulas.losses(self.job, STEPS, formula), span)
        return float((np.abs(np.array(losses, np.float64) - expected) / noise).max())

    def judged(self, losses: Sequence[float], span: int, formula: Formula) -> dict[str, Any]:
        """Whether a peer is the same, and whether its formula is all that it differs by."""
        row = {"steps": STEPS, "span": span, "replicas": REPLICAS, "limit": self.limit}
        row["distance"] = distance = self.distance(losses, span)
        if distance <= self.limit:
            return {**row, "statement": "same"}
        reason = formula.reason or "for a reason that is not known"
        if formula != formulas.OURS:
            row["by_its_formula"] = left = self.distance(losses, span, formula)
            reason += ", and nothing else" if left <= self.limit else ", and that is not all"
        return {**row, "statement": f"differs: {reason}"}


def over(losses: Floats, span: int) -> Floats:
    """(..., S) losses as means over so many steps."""
    return losses.reshape(*losses.shape[:-1], -1, span).mean(axis=-1)
