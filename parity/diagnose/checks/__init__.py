"""Tests before symptoms: each shows by itself, without training anything, that something is wrong."""

from collections.abc import Callable, Iterator

from parity.diagnose.checks import frameworks, gradients, leak, loss, modes, order, rows, units
from parity.diagnose.finding import Finding
from parity.diagnose.program import Program

Check = Callable[[Program], Iterator[Finding]]

CHECKS: dict[str, Check] = {
    "numbers are finite": rows.non_finite,
    "each prediction meets its own target": rows.broadcast,
    "a row has one target": rows.torn,
    "targets stand where their inputs do": order.shifted,
    "every input varies": rows.constant,
    "gradients are computed": gradients.backward,
    "updates are made": gradients.update,
    "the optimizer holds what is trained": gradients.attached,
    "every parameter is trained": gradients.frozen,
    "gradients reach every parameter": gradients.reached,
    "gradients are cleared": gradients.cleared,
    "the loss is of the weights that are updated": gradients.rebuilt,
    "a perfect prediction has the smallest loss": loss.right,
    "the output can reach the targets": units.output_range,
    "the network starts with units that work": units.at_start,
    "it trains in training mode": modes.training,
    "it is judged in evaluation mode": modes.evaluation,
    "batch normalisation fits its inputs": modes.batch_norm,
    "it is judged by rows that it was not trained on": leak.same_rows,
    "these are no copies either": leak.copied,
    "compiled functions keep what they change": frameworks.lost_updates,
    "compiled functions see what changes": frameworks.frozen_values,
}


def check(program: Program) -> tuple[list[Finding], tuple[str, ...]]:
    """All findings, and the names of the checks that found nothing."""
    findings: list[Finding] = []
    passed = []
    for name, test in CHECKS.items():
        found = list(test(program))
        findings += found
        if not found:
            passed.append(name)
    return findings, tuple(passed)
