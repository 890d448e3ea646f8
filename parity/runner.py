"""Run an experiment: train every contender, climb every pair, time what held, and say what was found."""

from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from parity import registry
from parity.accuracy import accuracy, baselines, learning_curve, output_scores
from parity.contender import Contender, Pattern, expand, resolve
from parity.contract import Trainer, require
from parity.environment import describe
from parity.experiment import Experiment
from parity.interrupts import deferred
from parity.ladder import Calibration, Climb, Subject, Voices, calibrated, trainer_of
from parity.outcomes import held, train_seeds, train_splits, with_outcomes
from parity.progress import Silent, Watcher
from parity.records import table_of
from parity.report.folder import RunFolder
from parity.result import Accuracy, Pair, Result, Rung, SeedRuns, SplitScores, Throughput
from parity.start import Start, draw
from parity.surrogate.saving import ModelFolder
from parity.throughput.measure import ROUNDS, measure
from parity.throughput.process import TimingError
from parity.verdict import judge


def run(
    experiment: Experiment,
    *,
    out: Path | str | None = None,
    save: Path | str | None = None,
    overwrite: bool = False,
    throughput: bool = True,
    watcher: Watcher | None = None,
) -> Result:
    """Compare the contenders of an experiment.

    `out` is a folder to leave the run in, and `save` one to keep the trained network in; an InputError is raised before any
    work where they hold a run, or a network, already, unless `overwrite`. An interrupt (Ctrl-C) ends the run early and gives
    what was done, with `complete` False; any other error is raised again behind that.
    """
    watcher = watcher or Silent()
    with watcher.task("loading backends", 1):
        pairs = sorted(resolve(experiment.contender, experiment.reference), key=_float64_first)
    experiment = replace(experiment, contender=tuple(dict.fromkeys(str(candidate) for _, candidate in pairs)))
    calibration = calibrated(experiment.replicas, experiment.false_alarm)
    start = draw(experiment)
    experiment = start.experiment
    subjects = _subjects(pairs, start, watcher, calibration)
    voices = _voices(experiment, subjects, start, watcher, calibration)
    model = ModelFolder.claim(Path(save), overwrite) if save is not None else None
    folder = RunFolder.claim(Path(out), experiment, overwrite) if out is not None else None
    done = _Done()
    try:
        for reference, candidate in pairs:
            done.climb = Climb(subjects[reference], subjects[candidate], voices)
            done.pairs.append(done.climb.pair())
        if experiment.seeds > 1:
            _compare_outcomes(done, subjects, experiment, start, watcher)
        if experiment.splits > 1:
            train_splits(done.splits, _trainers_that_held(done, subjects), experiment, start, watcher)
        if throughput:
            _measure(done, subjects, start, watcher)
        done.ended = ""
    except KeyboardInterrupt:
        done.ended = "interrupted"
    except BaseException as error:
        done.ended = f"ended by {type(error).__name__}"
        raise
    finally:
        with deferred():
            if done.ended and done.climb is not None and len(done.pairs) < len(pairs):
                done.pairs.append(_unfinished(done.climb, done.ended))
            result = _result(experiment, start, subjects, done)
            if folder is not None:
                folder.save(result)
            if model is not None:
                model.save(result, start)
    return result


def _float64_first(pair: tuple[Contender, Contender]) -> bool:
    """A difference there is one of meaning, and the rest is read in its light."""
    return any(contender.dtype != "float64" for contender in pair)


@dataclass
class _Done:
    """What was done so far, and why no more."""

    pairs: list[Pair] = field(default_factory=list)
    climb: Climb | None = None
    """The pair that is being climbed, or was the last."""
    seed_runs: dict[str, SeedRuns] = field(default_factory=dict)
    splits: dict[str, SplitScores] = field(default_factory=dict)
    speeds: dict[str, Throughput] = field(default_factory=dict)
    note: str = "not asked for"
    ended: str = ""


def _unfinished(climb: Climb, ended: str) -> Pair:
    """The pair whose climb was ended on the way."""
    who = f"{climb.candidate.contender} and {climb.reference.contender}"
    return climb.so_far("inconclusive", f"{who} were {ended} behind {len(climb.rungs)} rungs.")


def _subjects(
    pairs: list[tuple[Contender, Contender]], start: Start, watcher: Watcher, calibration: Calibration
) -> dict[Contender, Subject]:
    contenders = dict.fromkeys(contender for pair in pairs for contender in pair)
    return {contender: _subject(contender, start, watcher, calibration) for contender in contenders}


def _subject(contender: Contender, start: Start, watcher: Watcher, calibration: Calibration) -> Subject:
    backend = registry.load(contender.backend)
    return Subject(contender, backend, trainer_of(backend, contender, start.config), start, watcher, calibration)


def _voices(
    experiment: Experiment,
    subjects: dict[Contender, Subject],
    start: Start,
    watcher: Watcher,
    calibration: Calibration,
) -> Voices:
    """All backends of the run in float64, the one that was asked to be the arbiter in front."""
    arbiter = [experiment.arbiter] if experiment.arbiter else []
    for name in arbiter:
        require(
            "float64" in registry.load(name).dtypes,
            f"arbiter is {name!r}, which has no float64; expected a backend that has.",
        )

    @cache
    def make(name: str) -> Subject | None:
        if "float64" not in registry.load(name).dtypes:
            return None
        contender = expand(Pattern(name, "cpu", None, "float64"))[0]
        return subjects.get(contender) or _subject(contender, start, watcher, calibration)

    names = dict.fromkeys([*arbiter, *(contender.backend for contender in subjects)])
    return Voices(tuple(names), make, experiment.arbiter)


def _compare_outcomes(
    done: _Done, subjects: dict[Contender, Subject], experiment: Experiment, start: Start, watcher: Watcher
) -> None:
    """Train the seeds of the pairs that held; what was trained is judged also where that was ended early."""
    trainers = _trainers_that_held(done, subjects)
    evaluated_at = next(iter(subjects.values())).evaluated_at
    try:
        train_seeds(done.seed_runs, trainers, experiment, start, evaluated_at, watcher)
    finally:
        done.pairs = with_outcomes(done.pairs, done.seed_runs, experiment, start.problem.metric, evaluated_at)


def _trainers_that_held(done: _Done, subjects: dict[Contender, Subject]) -> dict[Contender, Trainer]:
    names = {name for pair in done.pairs if held(pair) for name in (pair.reference, pair.candidate)}
    return {contender: subject.trainer for contender, subject in subjects.items() if str(contender) in names}


def _measure(done: _Done, subjects: dict[Contender, Subject], start: Start, watcher: Watcher) -> None:
    held = {name for pair in done.pairs if pair.verdict == "equivalent" for name in (pair.reference, pair.candidate)}
    contenders = [contender for contender in subjects if str(contender) in held]
    done.note = "" if len(contenders) == len(subjects) else "void where the ladder did not hold"
    if not contenders:
        return
    with watcher.task("timing", len(contenders) + ROUNDS) as told:
        try:
            done.speeds = measure(contenders, start, told)
        except TimingError as error:
            done.note = str(error)
    done.pairs = [_with_throughput(pair, done.speeds) for pair in done.pairs]


def _with_throughput(pair: Pair, speeds: dict[str, Throughput]) -> Pair:
    """The pair with the last rung, which is described and not judged, where both were timed."""
    if pair.candidate not in speeds or pair.reference not in speeds:
        return pair
    ratio = speeds[pair.candidate].steps_per_second / speeds[pair.reference].steps_per_second
    rung = Rung("throughput", True, None, None, "", f"{ratio:.2g} times the reference's steps/s")
    return replace(pair, rungs=(*pair.rungs, rung))


def _accuracy(start: Start, subject: Subject) -> Accuracy:
    held_out = accuracy(start, subject.history, subject.evaluated_at, start.experiment.target_r2)
    return replace(held_out, outputs=output_scores(start, subject.predict), rows=len(start.test.targets))


def _result(experiment: Experiment, start: Start, subjects: dict[Contender, Subject], done: _Done) -> Result:
    trained = {str(contender): subject for contender, subject in subjects.items() if subject.is_trained}
    finite = {name: subject for name, subject in trained.items() if subject.diverged_at is None}
    scores = {name: _accuracy(start, subject) for name, subject in finite.items()}
    simple = baselines(start)
    verdict, summary = judge(experiment, done.pairs, scores, simple, done.ended)
    first = next(iter(subjects.values()))
    return Result(
        verdict=verdict,
        summary=summary,
        complete=not done.ended,
        experiment=experiment,
        table=table_of(experiment),
        start=dict(start.hashes),
        environment=describe(contender.backend for contender in subjects),
        contenders={str(contender): dict(subject.trainer.describe()) for contender, subject in subjects.items()},
        pairs=tuple(done.pairs),
        accuracy=scores,
        baselines=simple,
        seconds={name: subject.seconds for name, subject in trained.items() if subject.seconds is not None},
        throughput={str(contender): done.speeds.get(str(contender)) for contender in subjects},
        throughput_note=done.ended or done.note,
        evaluated_at=first.evaluated_at,
        checkpoints_at=first.checkpoints_at,
        histories={name: subject.history for name, subject in trained.items()},
        curves={name: learning_curve(start, subject.history) for name, subject in trained.items()},
        first_state=start.state,
        seed_runs=done.seed_runs,
        splits=done.splits,
    )
