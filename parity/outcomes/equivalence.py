"""Paired differences: equivalent to within a margin, different beyond it, or too few to tell.

Two one-sided t tests on the pairs (Schuirmann 1987, doi 10.1007/BF01068419): equivalent where the 1 - 2 ALPHA confidence
interval of the mean difference lies inside the margin. SciPy is imported where it is used: most commands need no statistics.
"""

from dataclasses import dataclass
from math import copysign, inf, sqrt

import numpy as np
from numpy.typing import NDArray

from parity.result import MeasureVerdict

Floats = NDArray[np.float64]

ALPHA = 0.05
"""Largest chance to call equivalent what truly differs by the margin: the level at which equivalence is tested by convention,
so that a reader can compare."""
ALARM = 0.01
"""Largest chance to call different what truly differs by less than the margin. Stricter than ALPHA, because an alarm sends
someone to look for a fault, and a claim that is not made costs only more seeds."""
POWER = 0.8
"""Chance that the number of seeds proposed decides."""
MOST_SEEDS = 1_000_000
"""More than this nobody trains: no number would decide."""
SPREADS = 1000
"""Quantiles of a sample's standard deviation that the power is averaged over."""


@dataclass(frozen=True)
class Comparison:
    """A mean paired difference beside a margin."""

    mean: float
    sd: float
    interval: tuple[float, float]
    """The 1 - 2 ALPHA confidence interval of the mean."""
    p_equivalent: float
    """Of the two one-sided tests, the larger: small where the difference is within the margin."""
    p_different: float
    """Two-sided: small where the difference is beyond the margin."""
    verdict: MeasureVerdict


def compare(differences: Floats, margin: float, resolution: float = 0.0) -> Comparison:
    """Judge n >= 2 paired differences against a margin above 0.

    Numbers rounded to a grid of `resolution` may agree by chance, so that their deviation would seem to be 0. It counts as at
    least resolution / sqrt(6), that of the difference of two uniform roundings.
    """
    from scipy.stats import t

    count = len(differences)
    mean, sd = float(differences.mean()), max(float(differences.std(ddof=1)), resolution / sqrt(6))
    error = sd / sqrt(count)
    half = float(t.ppf(1 - ALPHA, count - 1)) * error
    p_equivalent = float(t.sf(_in_errors(margin - abs(mean), error), count - 1))
    p_different = min(1.0, 2 * float(t.sf(_in_errors(abs(mean) - margin, error), count - 1)))
    verdict: MeasureVerdict = (
        "equivalent" if p_equivalent <= ALPHA else "different" if p_different <= ALARM else "inconclusive"
    )
    return Comparison(mean, sd, (mean - half, mean + half), p_equivalent, p_different, verdict)


def seeds_needed(mean: float, sd: float, margin: float) -> int | None:
    """The least number of seeds that decides with POWER, if mean and deviation are as observed; None where none would."""
    if sd == 0.0 or abs(mean) == margin or power(MOST_SEEDS, mean, sd, margin) < POWER:
        return None
    too_few, enough = 1, 2
    while power(enough, mean, sd, margin) < POWER:
        too_few, enough = enough, 2 * enough
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        if power(middle, mean, sd, margin) < POWER:
            too_few = middle
        else:
            enough = middle
    return enough


def power(count: int, mean: float, sd: float, margin: float) -> float:
    """The chance that `count` normal differences decide: that they are equivalent where |mean| < margin, else different.

    For a given standard deviation of the sample this is a probability of the normal mean, which is independent of it; it is
    averaged over the sample's deviation, chi distributed (Phillips 1990, doi 10.1007/BF01063556, has the same integral).
    """
    from scipy.stats import chi2, norm, t

    freedom = count - 1
    quantiles = (np.arange(SPREADS) + 0.5) / SPREADS
    errors = sd * np.sqrt(chi2.ppf(quantiles, freedom) / freedom / count)
    true_error = sd / sqrt(count)
    if abs(mean) < margin:
        inside = margin - t.ppf(1 - ALPHA, freedom) * errors
        chances = norm.cdf((inside - mean) / true_error) - norm.cdf((-inside - mean) / true_error)
        return float(np.maximum(chances, 0.0).mean())
    beyond = margin + t.ppf(1 - ALARM / 2, freedom) * errors
    chances = norm.sf((beyond - mean) / true_error) + norm.cdf((-beyond - mean) / true_error)
    return float(chances.mean())


def discordance(only_one: int, only_other: int) -> float:
    """The chance of so uneven a split where both sides are alike: McNemar's test (1947, doi 10.1007/BF02295996), exact."""
    from scipy.stats import binomtest

    return float(binomtest(only_one, only_one + only_other).pvalue) if only_one + only_other else 1.0


def _in_errors(distance: float, error: float) -> float:
    if error == 0.0:
        return copysign(inf, distance) if distance else 0.0
    return distance / error
