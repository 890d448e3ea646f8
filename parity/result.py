"""Result: what a run found, as an object and as JSON."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from parity.contract import History, State
from parity.experiment import Experiment
from parity.files import finite

SCHEMA_VERSION = 1

Verdict = Literal["equivalent", "different", "inconclusive", "diverged"]
MeasureVerdict = Literal["equivalent", "different", "inconclusive"]


@dataclass(frozen=True)
class Rung:
    """One comparison of a candidate with its reference."""

    name: str
    passed: bool
    gap: float | None
    """The largest distance found, relative to the size of what was compared."""
    limit: float | None
    """The distance up to which it may be rounding; None where the rung is described and not judged."""
    where: str
    """The place of the largest distance: tensor and element, or step."""
    note: str = ""
    """What was compared, or what went wrong, in words."""
    covers: int | None = None
    """Of a trajectory the steps that were compared; of the rung `step` the one that came closest to its limit, or broke it."""
    undecided: str = ""
    """Why nothing could be judged."""


@dataclass(frozen=True)
class NoiseEnvelope:
    """What the limits of a pair were made from."""

    replicas: int
    model: str
    """What a replica differs in."""
    factor: float
    """The largest distance, over that of the furthest replica, that passes on the rungs predict to step."""
    path_factor: float
    """The same on the trajectory."""
    supported_false_alarm: float
    """The bound on the chance that a rung from predict to step of a correct run alarms, and on that of its trajectories."""
    comparisons: int
    """How many comparisons of correct executions support that."""
    trajectories: int
    """And how many of their trajectories."""
    experiments: int
    """From how many independent experiments they come."""
    steps: int
    """Of the longest of those; the bound says nothing of longer runs."""
    device: str
    """Where those ran; the bound says nothing of other devices."""
    note: str = ""
    """What a reader must know: replicas that diverged, or that were trained one after the other."""


@dataclass(frozen=True)
class Horizon:
    """How far a step-by-step comparison says anything."""

    step: int | None
    """The step at which replicas are half as far apart as independently seeded runs; None where they stay closer."""
    searched: int
    """The steps over which it was looked for."""
    steps: tuple[int, ...] = ()
    """The checkpoints of the drawing."""
    gap: tuple[float, ...] = ()
    """There, the distance of candidate and reference over all parameters."""
    replicas: tuple[float, ...] = ()
    """That of the middle replica."""
    seeds: tuple[float, ...] = ()
    """The middle distance between independently seeded runs."""


@dataclass(frozen=True)
class Error:
    """How far a contender is from the float64 consensus on one rung."""

    error: float
    """Relative to the largest element of its tensor."""
    times_noise: float
    """The same in units of what rounding was seen to do there."""


@dataclass(frozen=True)
class Parted:
    """Where two runs part."""

    step: int
    """Counted from 1; 0 where they did not start alike."""
    stage: str
    """data, state, forward, loss, gradient, optimizer, reporting, or drift where no single step shows it."""
    tensor: str
    where: str
    """Tensor and element."""
    gap: float
    """Relative distance there."""
    culprit: str
    """The contender that is off, or empty where nothing tells."""
    text: str
    """All of it in a sentence."""


@dataclass(frozen=True)
class Cause:
    """What may have made the difference."""

    code: str
    text: str
    align: str
    """What would align the two."""
    side: str = ""
    """The contender that behaves so."""


@dataclass(frozen=True)
class Measure:
    """What both reach, compared seed by seed; numbers are None where there were too few seeds to have them."""

    name: str
    verdict: MeasureVerdict | None
    """None where it is described and not judged."""
    note: str
    """Why there is no verdict, or none but inconclusive."""
    reference_mean: float | None = None
    candidate_mean: float | None = None
    mean_difference: float | None = None
    """Candidate less reference."""
    sd: float | None = None
    """Standard deviation of the differences."""
    interval: tuple[float, float] | None = None
    """The 1 - 2 alpha confidence interval of the mean difference."""
    margin: float | None = None
    """What the claim was judged by: the upper limit of the margin for `different`, the lower otherwise."""
    margin_text: str = ""
    """Where the margin comes from, in words and numbers."""
    p_value: float | None = None
    """Of the equivalence test: small where the difference is within the margin."""
    p_different: float | None = None
    """Small where the difference is beyond the margin."""
    seeds_needed: int | None = None
    """For an inconclusive measure, the number of seeds that would decide it; None where no number would."""


@dataclass(frozen=True)
class Tally:
    """In how many pairs of runs something happened to both, to one alone, or to neither."""

    both: int
    reference_only: int
    candidate_only: int
    neither: int
    p_value: float
    """McNemar's exact test: small where it happens to one side more often than chance explains."""


@dataclass(frozen=True)
class Outcome:
    """How well two contenders end, over pairs of runs that start alike."""

    seeds: int
    """Pairs of runs that were trained."""
    alpha: float
    """Level of the t tests for equivalence, which leaves as much for the margin's own limit."""
    alarm: float
    """Level of the claim that two are different."""
    verdict: MeasureVerdict
    summary: str
    measures: tuple[Measure, ...]
    diverged: Tally
    reached: Tally
    """The target, among the pairs in which neither run diverged."""
    note: str = ""


@dataclass(frozen=True)
class SeedRuns:
    """What was seen of R runs of one contender, each from a seed of its own."""

    seeds: tuple[int, ...]
    r2: NDArray[np.float64]
    """(R, E) on the held-out rows, at each evaluated step."""
    diverged_at: tuple[int | None, ...]
    """The step from which a run was no longer finite."""
    note: str = ""
    """How they were trained, where that is not as usual."""


@dataclass(frozen=True)
class Spread:
    """A number over several splits."""

    mean: float | None
    standard_error: float | None
    """Standard deviation of the splits' numbers over the root of how many they are; None where they are fewer than two."""
    each: tuple[float, ...]


@dataclass(frozen=True)
class SplitScores:
    """What one contender reaches on the rows that several splits hold out."""

    splits: tuple[int, ...]
    """Their seeds, or their numbers where the table has splits of its own; `each` is in their order."""
    outputs: dict[str, dict[str, Spread]]
    """By output, then rmse and mae in its own unit, and r2."""
    diverged: tuple[int, ...] = ()
    """Splits whose runs left the finite numbers, and are in none of the means."""
    note: str = ""
    """How they were trained, where that is not as usual."""


@dataclass(frozen=True)
class Pair:
    """A candidate climbed against its reference, up to the first rung that broke."""

    reference: str
    candidate: str
    verdict: Verdict
    summary: str
    rungs: tuple[Rung, ...]
    envelope: NoiseEnvelope | None = None
    horizon: Horizon | None = None
    arbiter: dict[str, dict[str, Error]] = field(default_factory=dict)
    """By contender and rung."""
    arbiter_note: str = ""
    """Why the arbiter says nothing, or nothing at some rungs."""
    parted: Parted | None = None
    causes: tuple[Cause, ...] = ()
    """At most three, the likeliest first; none where nothing explains the difference."""
    outcome: Outcome | None = None
    """Over several seeds, where those were asked for and no rung broke."""


@dataclass(frozen=True)
class Scores:
    """Accuracy on the held-out rows, in the problem's own units, over all outputs together."""

    rmse: float
    mae: float
    max_abs: float
    r2: float
    """Coefficient of determination, the mean over the outputs; for classes that of the probabilities (Brier skill score)."""
    hit_rate: float | None = None
    """For classes, the share of rows whose most probable class is the true one."""


@dataclass(frozen=True)
class Judged:
    """An error held against how large it may be."""

    measure: str
    """max_abs, max_rel or p99_rel."""
    limit: float
    error: float | None
    held: bool


@dataclass(frozen=True)
class OutputScores:
    """Accuracy of one output on rows that no training saw, in its own unit; relative errors where its range excludes 0."""

    unit: str
    rmse: float
    max_abs: float
    mean_rel: float | None
    """As a share of the true value, as are the two below."""
    p99_rel: float | None
    """The 99th percentile."""
    max_rel: float | None
    need: Judged | None = None
    """By what a practitioner needs."""
    target: Judged | None = None
    """By what the recipe of the problem reaches."""


@dataclass(frozen=True)
class Accuracy(Scores):
    """Scores of a trained contender on the held-out rows, when it reached the target, and each output on rows of its own."""

    outputs: dict[str, OutputScores] = field(default_factory=dict)
    """By symbol, on `rows` rows that are drawn besides, or for a table on those held out."""
    rows: int = 0
    steps_to_target: int | None = None
    """First evaluated step with the target R2 on the held-out rows; None where it was not reached."""


@dataclass(frozen=True)
class Throughput:
    """Speed of a contender, alone in a process, on one core."""

    steps_per_second: float
    """Median over interleaved rounds."""
    spread: tuple[float, float]
    """Slowest and fastest round, steps per second."""
    compile_seconds: float
    """What the first call of a run takes beyond a later one: tracing, and compiling or reading what was compiled."""
    cache: Literal["cold", "warm"]
    """Whether that is warm: all that it compiles was on disk from before, or there is nothing to compile."""


@dataclass(frozen=True)
class Result:
    """What a run found."""

    verdict: Verdict
    summary: str
    complete: bool
    experiment: Experiment
    table: dict[str, Any]
    """The experiment as written to TOML."""
    start: dict[str, str]
    environment: dict[str, str]
    contenders: dict[str, dict[str, str]]
    """What each contender says of itself: device, dtype, mode and precision flags in force."""
    pairs: tuple[Pair, ...]
    accuracy: dict[str, Accuracy]
    baselines: dict[str, Scores]
    seconds: dict[str, float]
    """Wall time of each contender's whole run, compiling with it."""
    throughput: dict[str, Throughput | None]
    throughput_note: str = ""
    """Why a speed is missing."""
    evaluated_at: tuple[int, ...] = ()
    checkpoints_at: tuple[int, ...] = ()
    histories: dict[str, History] = field(default_factory=dict, repr=False)
    curves: dict[str, list[float]] = field(default_factory=dict, repr=False)
    """R2 on the held-out rows at each evaluated step, per contender."""
    first_state: State | None = field(default=None, repr=False)
    seed_runs: dict[str, SeedRuns] = field(default_factory=dict, repr=False)
    splits: dict[str, SplitScores] = field(default_factory=dict)
    """By contender, where several splits were asked for and the ladder held."""

    def to_json(self) -> dict[str, Any]:
        """The record, ready for json.dumps: numbers that are not finite become null."""
        record = {
            "schema_version": SCHEMA_VERSION,
            "verdict": self.verdict,
            "summary": self.summary,
            "complete": self.complete,
            "experiment": self.table,
            "start": self.start,
            "environment": self.environment,
            "contenders": self.contenders,
            "pairs": [asdict(pair) for pair in self.pairs],
            "accuracy": {name: asdict(scores) for name, scores in self.accuracy.items()},
            "baselines": {name: asdict(scores) for name, scores in self.baselines.items()},
            "seconds": self.seconds,
            "throughput": {name: asdict(speed) if speed else None for name, speed in self.throughput.items()},
            "throughput_note": self.throughput_note,
            "splits": {name: asdict(scores) for name, scores in self.splits.items()},
        }
        table: dict[str, Any] = finite(record)
        return table
