"""The verdict of a whole run, in words that a student understands."""

from collections.abc import Mapping, Sequence
from math import floor

from parity.experiment import Experiment
from parity.result import Accuracy, Pair, Scores, Verdict

# What is worst decides: a difference that was seen is not undone by another pair's agreement.
SEVERITY: tuple[Verdict, ...] = ("different", "diverged", "inconclusive", "equivalent")


def judge(
    experiment: Experiment,
    pairs: Sequence[Pair],
    accuracy: Mapping[str, Accuracy],
    baselines: Mapping[str, Scores],
    ended: str,
) -> tuple[Verdict, str]:
    """The verdict over all pairs, and one or two sentences; `ended` says why the run did not come to its end."""
    worst: Verdict = min((pair.verdict for pair in pairs), key=SEVERITY.index, default="inconclusive")
    if not pairs or (ended and worst in ("equivalent", "inconclusive")):
        return "inconclusive", f"{ended.capitalize()} before the run was finished; what was done until then is kept."
    if worst == "equivalent":
        return worst, _equivalent(experiment, pairs, accuracy, baselines)
    told: str = " ".join(_sentence(pair.summary) for pair in pairs if pair.verdict == worst)
    advice: dict[Verdict, str] = {
        "different": " Nothing above that rung was compared.",
        "diverged": " A smaller learning rate or a clipped gradient (clip_norm) often helps.",
        "inconclusive": "",
    }
    return worst, told + advice[worst]


def _equivalent(
    experiment: Experiment, pairs: Sequence[Pair], accuracy: Mapping[str, Accuracy], baselines: Mapping[str, Scores]
) -> str:
    return (
        f"On {experiment.problem}, {_compared(pairs)}: from the same start they "
        f"compute the same predictions, losses, gradients and updates to within rounding, and "
        f"{_followed(pairs, experiment.steps)}. "
        + " ".join([_learned(list(accuracy.values()), baselines), *_ended(pairs)])
    )


def _compared(pairs: Sequence[Pair]) -> str:
    """`jax and torch are equivalent in float32 and float64`, for each two that were compared."""
    dtypes: dict[tuple[str, str], list[str]] = {}
    for pair in pairs:
        (one, one_dtype), (other, dtype) = (name.rsplit(":", 1) for name in (pair.candidate, pair.reference))
        mixed = one_dtype != dtype
        two = (pair.candidate, pair.reference) if mixed else (one, other)
        dtypes.setdefault(two, []).append(f"{one_dtype} and {dtype}" if mixed else dtype)
    if len(dtypes) == 1:
        # Named by backend alone, where that tells them apart.
        two, listed = dtypes.popitem()
        short = [name.split(":")[0] for name in two]
        dtypes = {(short[0], short[1]) if short[0] != short[1] else two: listed}
    return "; ".join(
        f"{one} and {other} are equivalent in {_listed(listed)}" for (one, other), listed in dtypes.items()
    )


def _followed(pairs: Sequence[Pair], total: int) -> str:
    """How far the paths were compared."""
    covers: dict[str, int] = {}
    for pair in pairs:
        dtype = pair.candidate.rsplit(":", 1)[1]
        steps = next(rung.covers or 0 for rung in pair.rungs if rung.name == "trajectory")
        covers[dtype] = min(steps, covers.get(dtype, steps))
    followed = [f"the first {steps:,} in {dtype}" for dtype, steps in sorted(covers.items())]
    return f"take the same path over the steps that are compared one by one, {_listed(followed)} of {total:,}"


def _ended(pairs: Sequence[Pair]) -> list[str]:
    """What their seeds say, of each pair."""
    return [pair.outcome.summary for pair in pairs if pair.outcome is not None]


def _learned(accuracy: Sequence[Accuracy], baselines: Mapping[str, Scores]) -> str:
    hits = [scores.hit_rate for scores in accuracy if scores.hit_rate is not None]
    if hits:
        simple = baselines["mean"].hit_rate or 0.0
        return (
            f"Of rows they never saw they name {_percent(min(hits))} rightly; always the same class {_percent(simple)}."
        )
    linear, mean = baselines["linear"].r2, baselines["mean"].r2
    explained = min(scores.r2 for scores in accuracy)
    return (
        f"On rows they never saw they reach R2 {explained:.5f}; a linear fit reaches {linear:.5f}, the mean {mean:.5f}."
    )


def _percent(share: float) -> str:
    return f"{floor(share * 1e3) / 10:.1f} %"


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _listed(names: Sequence[str]) -> str:
    return " and ".join(", ".join(names).rsplit(", ", 1))
