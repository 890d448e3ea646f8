"""Paired differences: equivalent to within a margin, different beyond it, or too few to tell.

The margin is a share of a standard deviation that is itself only estimated, so each claim is made against a confidence limit
of it: equivalent within the lower, different beyond the upper. Half of a claim's chance to be wrong goes to the limit and half
to the t test on the pairs; by Bonferroni's inequality they add up to no more than the whole, however the two depend.

Equivalence is two one-sided t tests (Schuirmann 1987, doi 10.1007/BF01068419): the 1 - 2 TEST_ALPHA confidence interval of the
mean difference lies inside the margin. SciPy is imported where it is used: most commands need no statistics.
"""

from dataclasses import dataclass
from math import copysign, inf, sqrt

import numpy as np
from numpy.typing import NDArray

from parity.result import MeasureVerdict

Floats = NDArray[np.float64]

ALPHA = 0.05
"""Largest chance to call equivalent what truly differs by the margin or more: the level at which equivalence is tested by
convention, so that a reader can compare."""
ALARM = 0.01
"""Largest chance to call different what truly differs by less than the margin. Stricter than ALPHA, because an alarm sends
someone to look for a fault, and a claim that is not made costs only more seeds."""
TEST_ALPHA, TEST_ALARM = ALPHA / 2, ALARM / 2
"""What of them the t tests may take; the limits of the margin may take as much."""
POWER = 0.8
"""Chance that the number of seeds proposed decides."""
MOST_SEEDS = 1_000_000
"""More than this nobody trains: no number would decide."""
TINY = 1e-300
"""Stands for a standard error of 0, by which nothing can be divided."""
SPREADS, TURN = 1597, 987
"""Pairs of quantiles, of the two standard deviations of a sample, that the power is averaged over, and what spreads them
evenly: Fibonacci numbers in a row make a lattice."""


@dataclass(frozen=True)
class Margins:
    """Confidence limits of a margin."""

    within: float
    """The lower: equivalent is what differs by less."""
    beyond: float
    """The upper: different is what differs by more."""
    enough: bool
    """Whether the lower is above the resolution; else nothing is equivalent."""


@dataclass(frozen=True)
class Comparison:
    """A mean paired difference beside the limits of a margin."""

    mean: float
    sd: float
    interval: tuple[float, float]
    """The 1 - 2 TEST_ALPHA confidence interval of the mean."""
    margins: Margins
    p_equivalent: float
    """Of the two one-sided tests, the larger: small where the difference is within the margin."""
    p_different: float
    """Two-sided: small where the difference is beyond the margin."""
    verdict: MeasureVerdict


def limits(margin: float, count: int, resolution: float = 0.0) -> Margins:
    """What the margin may truly be that was read off `count` >= 2 runs: it is chi distributed, as their deviation is.

    Neither limit is taken below the resolution.
    """
    from scipy.stats import chi2

    freedom = count - 1
    within = margin * sqrt(freedom / float(chi2.isf(ALPHA - TEST_ALPHA, freedom)))
    beyond = margin * sqrt(freedom / float(chi2.ppf(ALARM - TEST_ALARM, freedom)))
    return Margins(max(within, resolution), max(beyond, resolution), within > resolution)


def compare(differences: Floats, margin: float, resolution: float = 0.0) -> Comparison:
    """Judge n >= 2 paired differences against a margin that was read off as many runs.

    Numbers rounded to a grid of `resolution` may agree by chance, so that their deviation would seem to be 0. It counts as at
    least resolution / sqrt(6), that of the difference of two uniform roundings.
    """
    from scipy.stats import t

    count = len(differences)
    margins = limits(margin, count, resolution)
    mean, sd = float(differences.mean()), max(float(differences.std(ddof=1)), _least(resolution))
    error = sd / sqrt(count)
    half = float(t.isf(TEST_ALPHA, count - 1)) * error
    p_equivalent = float(t.sf(_in_errors(margins.within - abs(mean), error), count - 1))
    p_different = min(1.0, 2 * float(t.sf(_in_errors(abs(mean) - margins.beyond, error), count - 1)))
    verdict: MeasureVerdict = (
        "equivalent"
        if margins.enough and p_equivalent <= TEST_ALPHA
        else "different"
        if p_different <= TEST_ALARM
        else "inconclusive"
    )
    return Comparison(mean, sd, (mean - half, mean + half), margins, p_equivalent, p_different, verdict)


def seeds_needed(mean: float, sd: float, margin: float, resolution: float = 0.0) -> int | None:
    """The least number of seeds that decides with POWER, if all is truly as observed; None where none would."""
    if abs(mean) == margin or power(MOST_SEEDS, mean, sd, margin, resolution) < POWER:
        return None
    too_few, enough = 1, 2
    while power(enough, mean, sd, margin, resolution) < POWER:
        too_few, enough = enough, 2 * enough
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        if power(middle, mean, sd, margin, resolution) < POWER:
            too_few = middle
        else:
            enough = middle
    return enough


def power(count: int, mean: float, sd: float, margin: float, resolution: float = 0.0) -> float:
    """The chance that `count` normal differences decide: that they are equivalent where |mean| < margin, else different.

    For given standard deviations of the sample this is a probability of the normal mean, which is independent of that of the
    differences; it is averaged over both, chi distributed (Phillips 1990, doi 10.1007/BF01063556, has the same integral over
    one). That of the reference, which makes the margin, is taken to be independent of the differences.
    """
    from scipy.stats import chi2, norm, t

    freedom, index = count - 1, np.arange(SPREADS)
    ratios = np.sqrt(chi2.ppf((index + 0.5) / SPREADS, freedom) / freedom)
    errors = np.maximum(sd * ratios, _least(resolution)) / sqrt(count)
    true_error = max(sd / sqrt(count), TINY)
    one = limits(1.0, count)
    margins = margin * ratios[index * TURN % SPREADS]
    if abs(mean) < margin:
        within = margins * one.within
        inside = within - t.isf(TEST_ALPHA, freedom) * errors
        chances = norm.cdf((inside - mean) / true_error) - norm.cdf((-inside - mean) / true_error)
        return float(np.where(within > resolution, np.maximum(chances, 0.0), 0.0).mean())
    beyond = np.maximum(margins * one.beyond, resolution) + t.isf(TEST_ALARM / 2, freedom) * errors
    chances = norm.sf((beyond - mean) / true_error) + norm.cdf((-beyond - mean) / true_error)
    return float(chances.mean())


def discordance(only_one: int, only_other: int) -> float:
    """The chance of so uneven a split where both sides are alike: McNemar's test (1947, doi 10.1007/BF02295996), exact."""
    from scipy.stats import binomtest

    return float(binomtest(only_one, only_one + only_other).pvalue) if only_one + only_other else 1.0


def _least(resolution: float) -> float:
    """The standard deviation of the difference of two numbers that were rounded to a grid of `resolution`."""
    return resolution / sqrt(6)


def _in_errors(distance: float, error: float) -> float:
    if error == 0.0:
        return copysign(inf, distance) if distance else 0.0
    return distance / error
