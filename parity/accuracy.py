"""How well a contender solves the task, beside what needs no network."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from parity.contract import Data, History
from parity.problems import Bound, Quantity
from parity.result import Accuracy, Judged, OutputScores, Scores
from parity.start import Start

Floats = NDArray[np.float64]


def score(truth: Floats, predictions: Floats, classes: bool) -> Scores:
    """Scores of (V, K) predictions in the problem's own units; R2 is NaN where a true output is constant."""
    error = predictions - truth
    varies = (truth != truth[0]).any(axis=0)
    spread = ((truth - truth.mean(axis=0)) ** 2).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        r2 = np.where(varies, 1.0 - (error**2).sum(axis=0) / spread, np.nan)
        return Scores(
            rmse=float(np.sqrt((error**2).mean())),
            mae=float(np.abs(error).mean()),
            max_abs=float(np.abs(error).max()),
            r2=float(r2.mean()),
            hit_rate=float((predictions.argmax(axis=1) == truth.argmax(axis=1)).mean()) if classes else None,
        )


def in_own_units(start: Start, outputs: NDArray[np.floating]) -> Floats:
    """Network outputs as the problem's quantities: unscaled numbers, or probabilities of classes (softmax)."""
    if start.problem.task == "regression":
        return start.targets.from_network(outputs)
    logits = outputs.astype(np.float64)
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: Floats = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return probabilities


def learning_curve(start: Start, history: History) -> list[float]:
    """R2 on the held-out rows at each evaluated step."""
    return [_scores(start, predictions).r2 for predictions in history.predictions]


def accuracy(start: Start, history: History, evaluated_at: tuple[int, ...], target_r2: float) -> Accuracy:
    """Scores behind the last step, and the first evaluated step that reached the target."""
    final = _scores(start, history.predictions[-1])
    curve = learning_curve(start, history)
    reached = next((step for step, r2 in zip(evaluated_at, curve, strict=True) if r2 >= target_r2), None)
    return Accuracy(**vars(final), steps_to_target=reached)


def output_scores(start: Start, predict: Callable[[Floats], NDArray[np.floating]]) -> dict[str, OutputScores]:
    """Each output on the rows of `Start.test`; `predict` is from inputs (V, D) to outputs (V, K), both in network units."""
    if start.problem.task != "regression":
        return {}
    predictions = in_own_units(start, predict(start.inputs.to_network(start.test.inputs)))
    columns = zip(start.problem.outputs, predictions.T, start.test.targets.T, strict=True)
    return {quantity.symbol: score_output(quantity, told, true) for quantity, told, true in columns}


def score_output(quantity: Quantity, told: Floats, true: Floats) -> OutputScores:
    """One output over (V,) rows, in its own unit."""
    with np.errstate(over="ignore", invalid="ignore"):
        error = np.abs(told - true)
        relative = error / np.abs(true) if quantity.has_relative_error else None
        errors = {
            "rmse": float(np.sqrt((error**2).mean())),
            "max_abs": float(error.max()),
            "mean_rel": None if relative is None else float(relative.mean()),
            "p99_rel": None if relative is None else float(np.quantile(relative, 0.99)),
            "max_rel": None if relative is None else float(relative.max()),
        }
    bounds = {"need": judged(quantity.need, errors), "target": judged(quantity.target, errors)}
    return OutputScores(quantity.unit, **errors, **bounds)  # type: ignore[arg-type]


def judged(bound: Bound | None, errors: Mapping[str, float | None]) -> Judged | None:
    """An error against its bound; what is not finite, or not defined, does not hold."""
    if bound is None:
        return None
    error = errors[bound.measure]
    return Judged(bound.measure, bound.value, error, error is not None and error <= bound.value)


def baselines(start: Start) -> dict[str, Scores]:
    """Predicting the mean of the training targets, and linear least squares with a constant."""
    train, held_out = start.train_truth, start.truth
    mean = np.broadcast_to(train.targets.mean(axis=0), held_out.targets.shape)
    classes = start.problem.task == "classification"
    return {
        "mean": score(held_out.targets, mean, classes),
        "linear": score(held_out.targets, least_squares(train, held_out.inputs), classes),
    }


def least_squares(train: Data, inputs: Floats) -> Floats:
    """(V, K) predictions of a linear model with a constant, fitted to (N, D) rows, for (V, D) inputs."""
    solution, *_ = np.linalg.lstsq(_with_constant(train.inputs), train.targets, rcond=None)
    predictions: Floats = _with_constant(inputs) @ solution
    return predictions


def _scores(start: Start, outputs: NDArray[np.floating]) -> Scores:
    return score(start.truth.targets, in_own_units(start, outputs), start.problem.task == "classification")


def _with_constant(inputs: Floats) -> Floats:
    return np.column_stack([inputs, np.ones(len(inputs))])
