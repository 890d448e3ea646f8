"""Is the loss smallest where the prediction is right?"""

from collections.abc import Callable, Iterator

import numpy as np

from parity.diagnose.finding import Finding
from parity.diagnose.lossfit import CLOSE, Floats
from parity.diagnose.program import CLASS_LOSSES, Program

DISTINCT = 20  # More different values than this are quantities, not classes.
PROBABILITY = 1e-3  # How far the sum of probabilities may be from 1 by rounding.
ENOUGH_STEPS = 5  # Whose losses must be told by their mean errors,
SMALL_MEAN = 0.01  # as far as these are no smaller a part of the mean sizes of the errors,
MEAN = 0.9  # which are not the mean sizes of the errors too, as where a network always says too little.
MEAN_ERRORS: dict[str, Callable[[Floats], Floats]] = {
    "the square of the mean error": np.square,
    "the size of the mean error": np.abs,
    "the mean error": np.positive,
}
SOFTENED = ("softmax", "log_softmax", "sigmoid", "log_sigmoid")


def right(program: Program) -> Iterator[Finding]:
    """A perfect prediction must have the smallest loss."""
    first = program.first
    if first is None or first.predictions is None or first.targets is None:
        return
    finding = (
        _compares_numbers(program)
        or _of_classes(program)
        or _wrong_way(program)
        or _only_the_mean_error(program)
        or _falls_while_error_grows(program)
    )
    if finding:
        yield Finding("wrong-loss", "error", finding, first.loss_place)


def _compares_numbers(program: Program) -> str | None:
    first = program.first
    assert first is not None
    rows = len(first.inputs) if first.inputs is not None and np.ndim(first.inputs) else 0
    if np.size(first.predictions) == 1 and np.size(first.targets) == 1 and rows > 1:
        return f"One number of the whole batch is compared with one other: of {rows} rows the errors cancel each other."
    return None


def _of_classes(program: Program) -> str | None:
    first = program.first
    assert first is not None
    assert first.predictions is not None
    assert first.targets is not None
    if first.loss_function not in CLASS_LOSSES:
        return None
    targets = np.asarray(first.targets, float)
    finite = targets[np.isfinite(targets)]
    columns = np.shape(first.predictions)[-1] if np.ndim(first.predictions) > 1 else 1
    if (
        "binary" in first.loss_function
        and finite.size
        and (finite.min() < 0 or finite.max() > 1 or len(np.unique(finite)) > DISTINCT)
    ):
        return f"{first.loss_function} is for classes of 0 and 1; the targets go from {finite.min():.4g} to {finite.max():.4g}."
    if "cross_entropy" in first.loss_function and "binary" not in first.loss_function and columns == 1:
        return f"{first.loss_function} over a single column is 0 whatever is predicted."
    if (
        "cross_entropy" in first.loss_function
        and "binary" not in first.loss_function
        and len(np.unique(finite)) > max(DISTINCT, columns)
    ):
        return f"{first.loss_function} is for classes; the targets have {len(np.unique(finite))} different values."
    if first.loss_function == "nll_loss" and columns > 1:
        total = float(
            np.exp(np.asarray(first.predictions, float)).sum(1 if np.ndim(first.predictions) > 1 else 0).mean()
        )
        if abs(total - 1) > PROBABILITY:
            return (
                f"nll_loss takes logarithms of probabilities, which sum to 1; those of the network sum to {total:.4g}, and the "
                "loss falls without end the larger its scores grow."
            )
    last = next((o for o in reversed(first.operations) if o.kind != "reshape"), None)
    twice = first.loss_function in (
        "cross_entropy",
        "binary_cross_entropy_with_logits",
        "softmax_cross_entropy",
        "sigmoid_binary_cross_entropy",
    )
    if twice and last is not None and last.name in SOFTENED:
        return (
            f"{first.loss_function} takes raw scores and softens them itself; the network ends in {last.name} already."
        )
    return None


def _wrong_way(program: Program) -> str | None:
    loss = program.loss
    if loss is not None and loss.factor < 0:
        return f"The loss is {loss} times {loss.factor:g}: it gets smaller the further off the predictions are."
    return None


def _only_the_mean_error(program: Program) -> str | None:
    """A loss of the mean error: errors of opposite sign cancel each other, and it stays as it is when targets are permuted."""
    if program.loss is not None or program.classes:
        return None
    seen = [
        (step.loss, float(error.mean()), float(np.abs(error).mean()))
        for step in program.met
        if step.predictions.shape == step.targets.shape
        for error in (step.predictions.astype(float) - step.targets,)
    ]
    seen = [one for one in seen if np.isfinite(one).all() and one[2] > 0]
    # Small means have lost their digits; where all errors have one sign, it is their mean size too.
    losses, means, sizes = np.array(seen).reshape(-1, 3).T
    telling = np.abs(means) > SMALL_MEAN * sizes
    if telling.sum() < ENOUGH_STEPS or (np.abs(means) > MEAN * sizes).all():
        return None
    for what, of in MEAN_ERRORS.items():
        with np.errstate(over="ignore", invalid="ignore"):
            factors = losses[telling] / of(means[telling])
            same = np.ptp(factors) <= CLOSE * abs(np.median(factors))
        if same:
            return f"The loss is {what}: errors of opposite sign cancel, and targets in another order give the same."
    return None


def _falls_while_error_grows(program: Program) -> str | None:
    """Over the steps that were looked at, where the loss itself could not be told."""
    if program.loss is not None or program.classes or program.broadcast:
        return None
    points = [
        (step.loss, float(np.mean((np.asarray(step.predictions, float) - np.asarray(step.targets, float)) ** 2)))
        for step in program.steps
        if step.predictions is not None
        and step.targets is not None
        and np.shape(step.predictions) == np.shape(step.targets)
    ]
    points = [point for point in points if np.isfinite(point).all()]
    if len(points) < 10 or len({round(loss, 12) for loss, _ in points}) < 5:
        return None
    losses, errors = np.array(points).T
    ranks = np.corrcoef(losses.argsort().argsort(), errors.argsort().argsort())[0, 1]
    if losses[-1] < losses[0] and errors[-1] > errors[0] and ranks < -0.5:
        return (
            f"While the loss fell from {losses[0]:.4g} to {losses[-1]:.4g}, the mean squared error rose from "
            f"{errors[0]:.4g} to {errors[-1]:.4g}."
        )
    if losses.min() < 0 and losses[-1] < 0 and program.training.network:
        return (
            f"The loss went below 0, to {losses[-1]:.4g}, where no prediction can be perfect."
            if errors[-1] > 0.5 * errors[0]
            else None
        )
    return None
