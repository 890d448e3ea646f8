"""The verdict of a whole run, in words that a student understands."""

from collections.abc import Mapping, Sequence
from math import floor, isfinite

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
    if not pairs or (ended and worst == "equivalent"):
        return "inconclusive", f"{ended.capitalize()} before the run was finished; what was done until then is kept."
    if worst == "equivalent":
        return worst, _equivalent(experiment, pairs, accuracy, baselines)
    told: str = " ".join(_sentence(pair.summary) for pair in pairs if pair.verdict == worst)
    advice: dict[Verdict, str] = {
        "different": " Nothing above that rung was compared.",
        "diverged": " A smaller learning rate or a clipped gradient (clip_norm) often helps.",
        "inconclusive": " Without a proven common start there is no verdict.",
    }
    return worst, told + advice[worst]


def _equivalent(
    experiment: Experiment, pairs: Sequence[Pair], accuracy: Mapping[str, Accuracy], baselines: Mapping[str, Scores]
) -> str:
    names = [name for pair in pairs for name in (pair.reference, pair.candidate)]
    # Named as shortly as tells them apart: by backend, by device and mode too, or in full.
    shortened = (sorted({":".join(name.split(":")[:parts]) for name in names}) for parts in (1, 3, 4))
    compared = next(short for short in shortened if len(short) > 1)
    dtypes = sorted({pair.candidate.rsplit(":", 1)[1] for pair in pairs})
    return (
        f"On {experiment.problem}, {_listed(compared)} are equivalent in {_listed(dtypes)}: from the same start they "
        f"compute the same predictions, losses, gradients and updates to within rounding, and {_followed(pairs)}. "
        + _learned(list(accuracy.values()), baselines)
    )


def _followed(pairs: Sequence[Pair]) -> str:
    """How far the paths were compared."""
    covers: dict[str, int] = {}
    for pair in pairs:
        dtype = pair.candidate.rsplit(":", 1)[1]
        steps = next(rung.covers for rung in pair.rungs if rung.covers is not None)
        covers[dtype] = min(steps, covers.get(dtype, steps))
    return "take the same path as far as rounding lets it be followed, " + _listed(
        [f"{steps} steps in {dtype}" for dtype, steps in sorted(covers.items())]
    )


def _learned(accuracy: Sequence[Accuracy], baselines: Mapping[str, Scores]) -> str:
    hits = [scores.hit_rate for scores in accuracy if scores.hit_rate is not None]
    if hits:
        simple = baselines["mean"].hit_rate or 0.0
        return (
            f"Of rows they never saw they name {_percent(min(hits))} rightly; always the same class {_percent(simple)}."
        )
    linear = baselines["linear"].r2
    explained = min(scores.r2 for scores in accuracy)
    return f"On rows they never saw they reach R2 {_cut(explained)}; a linear fit reaches {_cut(linear)}, the mean 0."


def _cut(r2: float) -> str:
    # Never rounded up to a success that was not reached.
    return f"{floor(r2 * 1e4) / 1e4:.4f}" if isfinite(r2) else "undefined"


def _percent(share: float) -> str:
    return f"{floor(share * 1e3) / 10:.1f} %"


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _listed(names: Sequence[str]) -> str:
    return " and ".join(", ".join(names).rsplit(", ", 1))
