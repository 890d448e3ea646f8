"""What paired timings say: how many times as long one takes as the other, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import geometric_mean

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000


@dataclass(frozen=True)
class Ratio:
    """How many times as long the one takes as the other."""

    value: float
    """The median over the pairs."""
    low: float
    """Ends of its 95 % interval, by bootstrap."""
    high: float
    equal_within: float
    """The least margin, as a share, within which they are equal by two one-sided tests at 5 %."""
    pairs: int

    def told(self, margin: float) -> str:
        """`slower` or `faster` than the other by more than the margin, `equal` to within it, or `unclear`.

        The margin is the noise of timing one contender against itself: two processes of it differ by a little for as long as
        they live, and by no less for being timed more often.
        """
        if self.equal_within <= margin:
            return "equal"
        return "slower" if self.low > 1.0 + margin else "faster" if self.high < 1.0 / (1.0 + margin) else "unclear"


def ratio_of(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """The ratio of seconds that were measured in pairs.

    The two one-sided tests of Schuirmann 1987 (doi 10.1007/BF01068419) at 5 % hold where the 90 % interval lies within the
    margin.
    """
    logs = np.log(np.asarray(ours, np.float64) / np.asarray(theirs, np.float64))
    medians = resampled_medians(logs)
    low, high = np.quantile(medians, (0.025, 0.975))
    inner = np.abs(np.quantile(medians, (0.05, 0.95))).max()
    return Ratio(
        value=float(np.exp(np.median(logs))),
        low=float(np.exp(low)),
        high=float(np.exp(high)),
        equal_within=float(np.expm1(inner)),
        pairs=len(logs),
    )


def apart(processes: Sequence[Sequence[float]]) -> float:
    """How far two further processes of a program may seem to be apart, as a share, with 95 % confidence.

    `processes` has the seconds of some that were timed in the same rounds. A process is faster or slower than another of the
    same program for as long as it lives: its share is the median, over the rounds, of what it is off the mean of the round. Of
    two that are drawn from where these lie, the difference is within Student's t times the spread times the root of two
    (a prediction interval; Student 1908, doi 10.1093/biomet/6.1.1).
    """
    return float(np.expm1(_widening(processes) * np.median(_off_the_mean(processes), axis=1).std(ddof=1)))


def rounds_needed(
    references: Sequence[Sequence[float]], others: Sequence[Sequence[float]], difference: float, most: int
) -> int:
    """Rounds until a `difference`, a share, that is seen of any of the others is told; `most` where so many would not do.

    That is once the noise and half the interval of the widest ratio together are less than it. More rounds narrow the interval,
    and tell better where a process of the reference lies, but leave it there: only a part of the noise falls with their number.
    """
    off, taken, processes = _off_the_mean(references), len(references[0]), len(references)
    # What each is off the mean varies less than it does itself, for it is in the mean.
    told_by = np.mean([resampled_medians(each).var() for each in off]) * processes / (processes - 1)
    stays = max(0.0, np.median(off, axis=1).var(ddof=1) - told_by)
    mean = [geometric_mean(each) for each in zip(*references, strict=True)]
    ratios = [ratio_of(each, mean) for each in others]
    half = max((np.log(ratio.high / ratio.low) / 2.0 for ratio in ratios), default=0.0)

    def told(rounds: int) -> bool:
        fewer = taken / rounds
        noise = _widening(references) * np.sqrt(stays + told_by * fewer)
        return bool(noise + half * np.sqrt(fewer) <= np.log1p(difference))

    return next((rounds for rounds in range(taken, most, 2) if told(rounds)), most)


def _off_the_mean(processes: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """(processes, rounds) logarithms of what each is off the mean of the round."""
    logs: NDArray[np.float64] = np.log(np.asarray(processes, np.float64))
    off: NDArray[np.float64] = logs - logs.mean(axis=0)
    return off


def _widening(processes: Sequence[Sequence[float]]) -> float:
    """How many times their spread the difference of two further ones may be, with 95 % confidence."""
    from scipy.stats import t

    return float(t.ppf(0.975, len(processes) - 1) * np.sqrt(2.0))


def interval_of(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval of a median, by bootstrap."""
    low, high = np.quantile(resampled_medians(np.asarray(values, np.float64)), (0.025, 0.975))
    return float(low), float(high)


def resampled_medians(values: NDArray[np.float64], seed: int = 0) -> NDArray[np.float64]:
    """(RESAMPLES,) medians of values drawn again with replacement, always alike (Efron 1979, doi 10.1214/aos/1176344552)."""
    drawn = np.random.default_rng(seed).integers(len(values), size=(RESAMPLES, len(values)))
    return np.median(values[drawn], axis=1)
