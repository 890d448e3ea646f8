"""The fewest changes that make the program learn: what is proven broken, then what helps most, without what is not needed."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from parity.diagnose.changes import TRIED_BY_PEOPLE, Change, changes, farther
from parity.diagnose.checks.units import RANGES
from parity.diagnose.finding import Effect, Finding, Trial
from parity.diagnose.likelihood import rank, spoken_for
from parity.diagnose.repairs import REPAIRS, SOFT, STOPPED, repair
from parity.diagnose.scene import Scene
from parity.diagnose.setup import Setup
from parity.diagnose.wording import finding_of

GAIN = 0.03  # Of the score, below which two trainings count as equally good.
ROUNDS = 3
# What is mended by training in a loop of our own, without any other change.
OF_LOOPS = frozenset(
    {"eval-mode-in-training", "train-mode-in-evaluation", "value-frozen-at-trace", "graph-not-rebuilt"}
)


@dataclass
class Verdict:
    """What the interventions say."""

    findings: list[Finding]
    """In order of effect."""
    trials: list[Trial] = field(default_factory=list)
    mended: float | None = None
    attainable: float | None = None
    unchecked: list[str] = field(default_factory=list)
    signals: dict[str, float] = field(default_factory=dict)
    """What the trials show of the network."""
    sizes: dict[str, float] = field(default_factory=dict)
    """By code, how many times a rate or a number of epochs is to change."""


class Search:
    """Mend what is known to be broken, then add what helps most until nothing does, then leave out what is not needed."""

    def __init__(self, scene: Scene, found: Sequence[Finding]) -> None:
        self.scene, self.found = scene, list(found)
        self.broken = [repair(f) for f in found if f.code in REPAIRS and f.code not in SOFT]
        self.effects: dict[str, Effect] = {}
        self.by_loop: Effect | None = None

    def verdict(self) -> Verdict:
        """The findings in order, with what each buys."""
        scene, basis = self.scene, list(self.broken)
        if basis and not scene.setup.still:
            self._try_as_people_do()
        scene.say("the same again, in a loop of our own")
        score = self._score(basis, scene.as_it_stands)
        if not basis:
            score = self._loop_at_fault(score)
        for _ in range(ROUNDS):
            if score >= scene.attainable - GAIN:
                break
            better = self._try_all(basis, score)
            chosen = [self._preferred(better, score)] if better else self._together(basis, score)
            if not chosen:
                break
            basis += chosen
            score = self._score(basis, score)
        scene.trials.use_reserve()
        basis = self._needed(basis, score)
        # The one that does most harm alone; where nothing is learned anyhow, the one that stops everything.
        harm = {change: self._without(basis, change) for change in basis}
        basis.sort(key=lambda one: (round(max(harm[one], 0.0) / GAIN), one.code not in STOPPED, harm[one]))
        self._measure_effects(basis)
        told, left = self._told(basis), self._left(basis)
        mended = OF_LOOPS | ({"wrong-loss"} if scene.loss_is_ours else set())
        of_loop = [replace(f, effect=self.by_loop) for f in left if self.by_loop and f.code in mended]
        rest = [f for f in left if not (self.by_loop and f.code in mended)]
        findings = [*of_loop, *told, *rest, *self._polish(basis, score)]
        sizes = {finding_of(c, self.effects[c.name], scene).code: c.size for c in basis}
        ten = scene.trials.ten_rows
        return Verdict(
            findings,
            scene.tried,
            score,
            scene.attainable,
            [*scene.notes, *self._untried()],
            {} if ten is None else {"score on ten rows": ten},
            sizes,
        )

    def _loop_at_fault(self, score: float) -> float:
        """Where the same training does better in a loop of our own, the fault is in the program's loop and in nothing else."""
        scene = self.scene
        if score <= scene.as_it_stands + GAIN:
            return scene.as_it_stands
        self.by_loop = Effect(scene.as_it_stands, score)
        known = any(finding.code in OF_LOOPS for finding in self.found)
        if scene.loss_is_ours and not known and lost(scene.as_it_stands, score):
            self.found.insert(0, self._other_loss(score))
        elif not known:
            unlike = ", and with the mean of squared errors in place of its own loss" if scene.loss_is_ours else ""
            self.scene.notes.append(
                f"The same network, trained again on the same rows as the script does it, but in a loop of our own{unlike}, "
                f"comes to {score:.3f}: the fault is in the way the script trains or judges it, and no test here names it."
            )
        return score

    def _other_loss(self, score: float) -> Finding:
        """The loop of our own has a loss of its own, where the program's is none that is known."""
        program, metric = self.scene.program, self.scene.metric
        evidence = (
            "The loss is none of those known here; with the mean of squared errors in its place, and all else the same, "
            f"{metric} is {score:.3f}."
        )
        return Finding("wrong-loss", "error", evidence, program.loss_place)

    # Trying.

    def _setup(self, basis: Sequence[Change]) -> Setup:
        setup = self.scene.setup
        for change in basis:
            setup = change.apply(setup)
        return setup

    def _score(self, basis: Sequence[Change], otherwise: float) -> float:
        score = self.scene.trials.run(self._setup(basis))
        return otherwise if score is None else score

    def _changes(self) -> list[Change]:
        program, network = self.scene.program, self.scene.trials.network
        operations = [o for o in program.operations if o.kind in ("linear", "activation")]
        linear = sum(o.kind == "linear" for o in operations)
        hidden = network.hidden if network else (1,) * max(0, linear - 1)
        activation = next((o.name for o in operations[:-1] if o.kind == "activation"), None)
        output = operations[-1].name if operations and operations[-1].kind == "activation" else None
        every = changes(self.scene.setup, hidden, activation, output)
        return [change for change in every if not (self._cut_inside and change.code == "too-little-capacity")]

    def _try_as_people_do(self) -> None:
        """What is tried first by anybody, while the fault is still there."""
        scene = self.scene
        usual = [change for change in self._changes() if change.name in TRIED_BY_PEOPLE]
        scene.say("what people try first")
        stands_still = not scene.setup.updates or scene.setup.misled or not scene.setup.finite
        if not stands_still:
            scene.trials.run_all([change.apply(scene.setup) for change in usual])
        for change in usual:
            score = scene.as_it_stands if stands_still else scene.trials.run(change.apply(scene.setup))
            if score is not None:
                scene.tried.append(Trial(change.name, score, (), gained=score > scene.as_it_stands + GAIN))

    def _try_all(self, basis: Sequence[Change], score: float) -> list[tuple[Change, float]]:
        """Each change on top of the basis; those that gain and speak for a finding."""
        scene, names = self.scene, tuple(change.name for change in basis)
        scene.say(f"what helps beside {' and '.join(names)}" if names else "what helps")
        # The likeliest first, in case there is no time for all.
        every = sorted((c for c in self._changes() if c.name not in names), key=lambda change: rank(change.code, scene))
        scene.trials.run_all([self._setup([*basis, change]) for change in every if not change.far])
        tried: list[tuple[Change, float]] = []
        better: list[tuple[Change, float]] = []
        for change in every:
            if change.far and not farther(change, tried, score + GAIN):
                continue
            reached = self._score([*basis, change], float("nan"))
            if np.isnan(reached):
                why = (
                    "there was no time (give more: --seconds)"
                    if scene.trials.out_of_time
                    else "this network can't be changed so"
                )
                scene.untried[change.name] = why
                continue
            gained = self._gains([*basis, change], basis, score)
            tried.append((change, reached))
            better += [(change, reached)] if gained and change.code else []
            scene.tried.append(Trial(change.name, reached, names, gained))
        return better

    def _gains(self, changes: Sequence[Change], basis: Sequence[Change], score: float) -> bool:
        """More than is worth telling, and more than the choice of the judged rows can do."""
        much = self._score(changes, float("nan")) > score + GAIN
        return much and self.scene.trials.beyond_chance(self._setup(changes), self._setup(basis))

    def _untried(self) -> list[str]:
        whys = dict.fromkeys(self.scene.untried.values())
        return [
            f"Not tried, because {why}: {'; '.join(name for name, own in self.scene.untried.items() if own == why)}."
            for why in whys
        ]

    # Choosing.

    @property
    def _cut_inside(self) -> bool:
        """The cut is in the captured network itself, so that no trial is without it: more units there help around it."""
        return self.scene.trials.network is None and any(change.code == "detached-graph" for change in self.broken)

    def _together(self, basis: Sequence[Change], score: float) -> list[Change]:
        """What was found and is no help alone, where it is one together."""
        names = {change.name for change in basis}
        soft = [repair(finding) for finding in self.found if finding.code in SOFT & REPAIRS.keys()]
        soft = [change for change in soft if change.name not in names]
        return soft if len(soft) > 1 and self._gains([*basis, *soft], basis, score) else []

    def _preferred(self, better: Sequence[tuple[Change, float]], score: float) -> Change:
        """Of the changes that do about equally well, the one that the evidence speaks for, and as much of it as does best."""
        helps_most, best = max(better, key=lambda pair: pair[1])
        enough = min(best, max(self.scene.attainable, score + 2 * GAIN)) - GAIN
        near = [(change, reached) for change, reached in better if reached >= enough]
        if spoken_for(helps_most.code, self.scene) is False:
            # Nothing but its score speaks for it; of what evidence speaks for, half as much is enough.
            half = (max(score, 0.0) + best) / 2
            near = [(c, reached) for c, reached in better if spoken_for(c.code, self.scene) and reached >= half] or near
        code = min(near, key=lambda pair: (rank(pair[0].code, self.scene), -pair[1]))[0].code
        return max((pair for pair in near if pair[0].code == code), key=lambda pair: pair[1])[0]

    def _needed(self, basis: list[Change], score: float) -> list[Change]:
        """Without the changes that turn out not to be needed once the others are made."""
        for change in [change for change in basis if change not in self.broken]:
            others = [one for one in basis if one is not change]
            if others and self._score(others, -1.0) >= score - GAIN:
                basis = others
        return basis

    def _without(self, basis: Sequence[Change], left_out: Change) -> float:
        """The score when all but this one are made."""
        if left_out.code == "output-range":
            return self._within_range()
        return self._score([change for change in basis if change is not left_out], -1.0)

    def _within_range(self) -> float:
        """The best score that an output of that range can have."""
        truth, program = self.scene.judge.targets, self.scene.program
        last = next(o.name for o in reversed(program.operations) if o.kind == "activation")
        return self.scene.trials.measure(np.clip(truth, *RANGES.get(last, (-np.inf, np.inf))), truth)

    # Telling.

    def _measure_effects(self, basis: Sequence[Change]) -> None:
        before = self.by_loop.after if self.by_loop else self.scene.as_it_stands
        for i, change in enumerate(basis):
            bounded = any(other.code == "output-range" for other in basis[i + 1 :])
            after = self._score(basis[: i + 1], max(before, self._within_range()) if bounded else before)
            self.effects[change.name] = Effect(before, after)
            before = after

    def _told(self, basis: Sequence[Change]) -> list[Finding]:
        known = {finding.code: finding for finding in self.found}
        told = []
        for change in basis:
            effect = self.effects[change.name]
            shown = known.get(change.code) or self._normalised(change, known)
            told.append(
                replace(shown, effect=effect, severity="error") if shown else finding_of(change, effect, self.scene)
            )
        return told

    @staticmethod
    def _normalised(change: Change, known: dict[str, Finding]) -> Finding | None:
        """Scaled inputs help a batch normalisation that could not do it."""
        told = known.get("batch-norm-units") if change.code == "unscaled-inputs" else None
        return told if told is not None and told.severity == "error" else None

    def _left(self, basis: Sequence[Change]) -> list[Finding]:
        """What was found and needs no change of ours, and what follows from the rest."""
        told, left = {finding.code for finding in self._told(basis)}, []
        for finding in self.found:
            if finding.code not in told:
                follows = finding.code in SOFT - {"constant-input"} and (bool(basis) or self.by_loop is not None)
                left.append(replace(finding, severity="hint") if follows else finding)
        losses = self.scene.program.training.losses
        if len(losses) and not np.isfinite(losses[-1]):
            step = int(np.argmin(np.isfinite(losses)))
            evidence = f"From step {step} on the loss was not finite."
            left.append(Finding("diverged", "error", evidence, self.scene.program.loss_place))
        return left

    def _polish(self, basis: Sequence[Change], score: float) -> list[Finding]:
        """Once it learns: whether scaled inputs and targets take away half of what is still missing."""
        scene, missing = self.scene, self.scene.attainable - score
        if (
            scene.program.classes
            or not 0 < missing <= GAIN
            or {"unscaled-inputs", "unscaled-targets"} & {c.code for c in basis}
        ):
            return []
        scaled = Change("inputs and targets scaled", "", lambda s: replace(s, scale_inputs=True, scale_targets=True))
        reached = self._score([*basis, scaled], float("nan"))
        if not reached > score + missing / 2:
            return []
        scene.tried.append(Trial(scaled.name, reached, tuple(change.name for change in basis), True))
        both = (replace(scaled, code=code) for code in ("unscaled-inputs", "unscaled-targets"))
        return [replace(finding_of(change, Effect(score, reached), scene), severity="hint") for change in both]


def lost(as_it_stands: float, score: float) -> bool:
    """More than half of the score: what a loss that is meant for something else, as a quantile, does not cost."""
    return max(as_it_stands, 0.0) < score / 2
