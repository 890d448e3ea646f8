"""What is compared over seeds: how well a run ends, and how soon it reaches the target."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from parity.experiment import Experiment
from parity.numbers import short
from parity.outcomes.equivalence import compare, seeds_needed
from parity.result import Measure

Floats = NDArray[np.float64]
Curves = tuple[Floats, Floats]
"""(R, E) R2 of the reference and of the candidate, a row a seed."""


def final(metric: str, curves: Curves, experiment: Experiment, dtype: str) -> Measure:
    """The task's metric behind the last step.

    Its resolution is what rounding alone may bring: one eps a step, which add up as a random walk does.
    """
    mine, theirs = (rows[:, -1] for rows in curves)
    if np.isnan(mine).any() or np.isnan(theirs).any():
        return Measure(metric, None, f"{metric} is not defined where a true output is constant")
    rounding = float(np.finfo(dtype).eps) * sqrt(experiment.steps)
    return _judged(metric, mine, theirs, experiment.margin, rounding, "that rounding alone may bring")


def steps_to_target(curves: Curves, experiment: Experiment, evaluated_at: Sequence[int]) -> Measure:
    """The first evaluated step with the target R2, and all S steps for a run that never reaches it.

    So cut off, the mean is that of min(T, S), which is known for every run, where the mean of T is not. Its resolution is the
    distance between two evaluations.
    """
    name = "steps to target"
    if not any(ever_reached(rows, experiment.target_r2).any() for rows in curves):
        return Measure(name, None, f"no run of either reached the target, an R2 of {experiment.target_r2:g}")
    mine, theirs = (_first_steps(rows, experiment, evaluated_at) for rows in curves)
    apart = float(np.diff(evaluated_at).max())
    return _judged(name, mine, theirs, experiment.margin, apart, "steps between two evaluations")


def ever_reached(curves: Floats, target: float) -> NDArray[np.bool_]:
    """(R,) whether a run reached the target at any evaluated step."""
    reached: NDArray[np.bool_] = np.any(curves >= target, axis=1)
    return reached


def _first_steps(curves: Floats, experiment: Experiment, evaluated_at: Sequence[int]) -> Floats:
    first = np.asarray(evaluated_at, np.float64)[np.argmax(curves >= experiment.target_r2, axis=1)]
    return np.where(ever_reached(curves, experiment.target_r2), first, float(experiment.steps))


def _judged(name: str, mine: Floats, theirs: Floats, share: float, resolution: float, which: str) -> Measure:
    """Compare seed by seed, by a share of the reference's spread.

    Where that is not surely above the resolution, a difference beyond it still is one, but nothing can be equivalent.
    """
    count = len(mine)
    if count < 2:
        return Measure(name, "inconclusive", "fewer than 2 pairs of runs stayed finite, and one has no spread")
    spread = float(mine.std(ddof=1))
    found = compare(theirs - mine, share * spread, resolution)
    margins = found.margins
    of_spread = f"{share:g} of the standard deviation {short(spread)} of the reference's own seeds"
    within = (
        f"equivalent within {short(margins.within)}"
        if margins.enough
        else f"never equivalent, as the lower is not above the {short(resolution)} {which}"
    )
    told = f"{of_spread}, by its limits over {count} seeds: {within}; different beyond {short(margins.beyond)}"
    needed, note = None, ""
    if found.verdict == "inconclusive" and share * spread <= resolution:
        note = f"the reference's seeds are too alike: {of_spread} is not above the {short(resolution)} {which}"
    elif found.verdict == "inconclusive":
        needed = seeds_needed(found.mean, found.sd, share * spread, resolution)
        note = "no number of seeds would decide" if needed is None else f"about {needed:,} seeds would decide"
    return Measure(
        name=name,
        verdict=found.verdict,
        note=note,
        reference_mean=float(mine.mean()),
        candidate_mean=float(theirs.mean()),
        mean_difference=found.mean,
        sd=found.sd,
        interval=found.interval,
        margin=margins.beyond if found.verdict == "different" else margins.within,
        margin_text=told,
        p_value=found.p_equivalent,
        p_different=found.p_different,
        seeds_needed=needed,
    )
