"""The climb: rung by rung until one breaks, where and why, and what may be said then."""

from dataclasses import dataclass, field
from math import inf

from parity.accuracy import learning_curve
from parity.ladder.arbiter import Voices, accuse, errors_at_start, errors_on_the_way
from parity.ladder.causes import causes_of
from parity.ladder.curve import ACCURACY, mistold
from parity.ladder.parting import Place, at_the_start, envelope_at_start, on_the_way, stage_of_start
from parity.ladder.replicas import MODEL
from parity.ladder.rungs import ENVELOPED, start
from parity.ladder.subject import Subject
from parity.ladder.trajectory import Followed, follow
from parity.progress import Done
from parity.result import Cause, Error, Horizon, NoiseEnvelope, Pair, Parted, Rung, Verdict

RUNGS = 1 + len(ENVELOPED) + 1


@dataclass
class Climb:
    """A pair on its way up; interrupted, it leaves what it reached."""

    reference: Subject
    candidate: Subject
    voices: Voices
    rungs: list[Rung] = field(default_factory=list)
    horizon: Horizon | None = None
    arbiter: dict[str, dict[str, Error]] = field(default_factory=dict)
    arbiter_note: str = ""
    parted: Parted | None = None
    causes: tuple[Cause, ...] = ()
    note: str = ""

    def pair(self) -> Pair:
        """Climb, and say what was found."""
        with self.candidate.watcher.task(f"climbing {self.candidate.contender}", RUNGS) as done:
            self._climb(done)
        return self.so_far(*self._judgement())

    def so_far(self, verdict: Verdict, summary: str) -> Pair:
        """What was found up to now."""
        calibration = self.reference.calibration
        return Pair(
            reference=str(self.reference.contender),
            candidate=str(self.candidate.contender),
            verdict=verdict,
            summary=summary,
            rungs=tuple(self.rungs),
            envelope=NoiseEnvelope(
                replicas=calibration.replicas,
                model=MODEL,
                factor=calibration.factor,
                path_factor=calibration.path_factor,
                supported_false_alarm=calibration.false_alarm,
                comparisons=calibration.comparisons,
                trajectories=calibration.paths,
                experiments=calibration.experiments,
                steps=calibration.steps,
                device=calibration.device,
                note=self.note,
            ),
            horizon=self.horizon,
            arbiter=self.arbiter,
            arbiter_note=self.arbiter_note,
            parted=self.parted,
            causes=self.causes,
        )

    def _climb(self, done: Done) -> None:
        rung = self._add(start(self.reference, self.candidate), done)
        if not rung.passed:
            # The rung names the contender in front of what did not arrive.
            self._explain(Place(0, stage_of_start(rung), rung, side=rung.where.split(": ")[0]))
            return
        envelope = envelope_at_start(self.reference, self.candidate)
        for compare in ENVELOPED.values():
            rung = self._add(compare(envelope), done)
            if not rung.passed:
                self._explain(at_the_start(self.reference, self.candidate, rung, envelope))
            if not rung.passed or rung.undecided:
                break
        told = errors_at_start(self.reference, self.candidate, self.rungs, envelope, self.voices)
        self.arbiter, self.arbiter_note = told
        if rung.passed and not rung.undecided:
            self._follow(done)

    def _follow(self, done: Done) -> None:
        followed = follow(self.reference, self.candidate)
        self.horizon = followed.horizon
        place = on_the_way(self.reference, self.candidate, followed)
        self._add(followed.rung(place is not None), done)
        parted = "" if place else followed.parted_note
        self.note = "; ".join(filter(None, [parted, followed.broken_note, followed.trained]))
        for contender, error in errors_on_the_way(self.reference, self.candidate, followed, self.voices).items():
            self.arbiter.setdefault(contender, {})["trajectory"] = error
        if place is not None:
            self._explain(place, followed)
        elif not self._diverged():
            self._end(followed)

    def _end(self, followed: Followed) -> None:
        """How well both solve the task, as far as they tell it rightly."""
        place = next(filter(None, map(mistold, (self.candidate, self.reference))), None)
        self.rungs.append(outcome(self.reference, self.candidate) if place is None else place.rung)
        if place is not None:
            self._explain(place, followed)

    def _add(self, rung: Rung, done: Done) -> Rung:
        self.rungs.append(rung)
        done(len(self.rungs))
        return rung

    def _explain(self, place: Place, followed: Followed | None = None) -> None:
        """Say where the two part, who is off, and what may have caused it."""
        accusation = accuse(self.reference, self.candidate, place, self.voices)
        names = [str(self.reference.contender), str(self.candidate.contender)]
        other = next((name for name in names if name != accusation.culprit), "")
        gap = place.rung.gap if place.rung.gap is not None else inf
        if not accusation.culprit:
            who = f"{names[1]} and {names[0]} are {gap:.2g} apart (relative), and nothing tells which is off"
        elif place.side:
            who = f"{accusation.culprit} differs from {'its own steps' if place.step else 'what it was given'}"
        elif not accusation.voices:
            who = f"{accusation.culprit} is not what was asked for"
        else:
            agrees = f"{other} agrees with {', '.join(accusation.voices)}"
            who = f"{accusation.culprit} is {gap:.2g} off (relative), {agrees}"
        when = f"step {place.step}" if place.step else "start"
        text = f"{when}, {place.stage}, {place.rung.where}: {who}"
        self.parted = Parted(place.step, place.stage, place.tensor, place.rung.where, gap, accusation.culprit, text)
        self.causes = causes_of(self.reference, self.candidate, self.rungs[-1], place, accusation.culprit, followed)

    def _judgement(self) -> tuple[Verdict, str]:
        last, who = self.rungs[-1], f"{self.candidate.contender} and {self.reference.contender}"
        if last.name == "start" and not last.passed:
            return "inconclusive", f"{who} did not start alike, so nothing is claimed about them ({last.where})."
        if last.undecided:
            return "inconclusive", f"{who} can't be judged at the rung {last.name}: {last.undecided}."
        if not last.passed and self.parted is not None:
            because = f": {self.causes[0].text}" if self.causes else ""
            step = f"step {self.parted.step}, " if self.parted.step else ""
            place = f"{step}{self.parted.stage}, {self.parted.tensor}"
            return "different", f"{who} part at the rung {last.name} ({place}){because}."
        diverged = self._diverged()
        if diverged:
            return "diverged", f"{who}: {diverged}; nothing is claimed beyond that step."
        return "equivalent", f"{who} hold on every rung."

    def _diverged(self) -> str:
        """Which contenders left the finite numbers, and when."""
        return " and ".join(
            f"{subject.contender} is no longer finite from step {subject.diverged_at}"
            for subject in (self.reference, self.candidate)
            if subject.diverged_at is not None
        )


def outcome(reference: Subject, candidate: Subject) -> Rung:
    """How well both solve the task; with one seed this is described, not judged."""
    mine, theirs = (learning_curve(subject.start, subject.history)[-1] for subject in (reference, candidate))
    note = "difference in R2; one seed is not judged"
    return Rung(ACCURACY, True, abs(theirs - mine), None, "", note)
