"""Blame by intervention: which changes make the program learn, and the fewest that do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from parity.contract import SGD, Adam, Constant, Cosine, Exponential, Loss, Place, Schedule
from parity.diagnose.changes import FAR, Change, changes
from parity.diagnose.checks.units import RANGES
from parity.diagnose.finding import Effect, Finding, Trial
from parity.diagnose.program import Program
from parity.diagnose.setup import Setup, optimizer_of
from parity.diagnose.trials import Floats, Trials

GAIN = 0.03  # Of the score, below which two trainings count as equally good.
NOTHING = 0.1  # R2 up to which inputs tell nothing about targets.
ROUNDS = 3
FEW_ROWS = 50

# What makes the captured training whole again, by the code of what was found wrong with it.
STOPPED = frozenset({
    "missing-backward", "missing-optimizer-step", "optimizer-not-attached", "frozen-parameters", "detached-graph",
    "graph-not-rebuilt", "updates-lost-in-jit",
})  # fmt: skip
REPAIRS: dict[str, Callable[[Setup], Setup]] = {
    **dict.fromkeys(STOPPED, lambda s: replace(s, updates=True)),
    "target-shape-broadcast": lambda s: replace(s, paired=True),
    "missing-zero-grad": lambda s: replace(s, accumulate=False),
    "wrong-loss": lambda s: replace(s, misled=False, factor=abs(s.factor)),
    "output-range": lambda s: replace(s, bare_output=True),
    "batch-norm-units": lambda s: replace(s, scale_inputs=True),
    "dead-units": lambda s: replace(s, redraw=True),
    "saturated-units": lambda s: replace(s, redraw=True),
}
REPAIR_NAMES = {
    "target-shape-broadcast": "target shape",
    "missing-zero-grad": "zero_grad",
    "missing-optimizer-step": "the optimizer's step",
    "missing-backward": "backward",
    "optimizer-not-attached": "all parameters in the optimizer",
    "frozen-parameters": "no frozen parameters",
    "detached-graph": "an uncut graph",
    "graph-not-rebuilt": "the graph made anew",
    "updates-lost-in-jit": "updates kept",
    "wrong-loss": "another loss",
    "output-range": "no activation behind the last layer",
    "batch-norm-units": "inputs scaled",
    "dead-units": "fresh initial weights",
    "saturated-units": "fresh initial weights",
}
# Tried while the fault is still there, because people do.
TRIED_ALONE = frozenset({
    "10 times the epochs", "4 times as wide", "one more layer", "one hidden layer", "tanh", "relu", "Adam", "rate x 10", "rate x 100",
    "rate / 10", "rate / 100",
})  # fmt: skip
# What mends nothing by itself where scaling or another start does as well, and is then only a consequence.
SOFT = frozenset({"dead-units", "saturated-units", "constant-input", "batch-norm-units", "output-range"})


@dataclass
class Verdict:
    """What the interventions say."""

    findings: list[Finding] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    mended: float | None = None
    attainable: float | None = None
    unchecked: list[str] = field(default_factory=list)
    sizes: dict[str, float] = field(default_factory=dict)
    """By code, how many times a rate or a number of epochs is to change."""


def captured(program: Program, found: Sequence[Finding]) -> Setup | None:
    """The training as the program does it, with the faults that were found."""
    codes = {finding.code for finding in found}
    optimizer = optimizer_of(program.training.optimizer)
    rows, loss = program.rows, program.loss
    if rows is None:
        return None
    if program.classes or "wrong-loss" in codes or loss is None or loss.loss is None:
        kind = Loss("cross_entropy" if program.classes and "wrong-loss" not in codes else "mse")
        factor = 1.0
    else:
        kind, factor = loss.loss, loss.factor
    if optimizer is None:
        rate = next((s.learning_rate for s in program.steps if s.learning_rate), None)
        optimizer = Adam(learning_rate=rate or 1e-3) if program.training.optimizer else SGD(learning_rate=1e-2)
    whole = program.batch_rows >= len(rows.inputs)
    return Setup(
        optimizer,
        kind,
        None if whole else max(1, program.batch_rows),
        max(1, program.updates),
        paired=not program.broadcast,
        updates=not codes & STOPPED,
        accumulate="missing-zero-grad" in codes,
        misled="wrong-loss" in codes,
        factor=factor,
        schedule=schedule_of(program),
    )


def schedule_of(program: Program) -> Schedule:
    """The schedule that comes nearest to the rates that were seen."""
    seen = [(s.number, s.learning_rate) for s in program.steps if s.learning_rate is not None and s.learning_rate > 0]
    if len(seen) < 3 or len({rate for _, rate in seen}) == 1:
        return Constant()
    numbers, rates = np.array(seen, float).T
    multiples, steps = rates / rates.max(), max(program.updates, 2)
    end = float(multiples[-1])
    decay = end ** (1 / max(numbers[-1], 1))
    forms: list[tuple[Schedule, Floats]] = [
        (Constant(), np.ones_like(multiples)),
        (Cosine(end), end + (1 - end) * (1 + np.cos(np.pi * numbers / steps)) / 2),
        (Exponential(decay), decay**numbers),
    ]
    return min(forms, key=lambda form: float(np.abs(np.log(np.maximum(form[1], 1e-9) / multiples)).sum()))[0]


def blame(
    program: Program, found: Sequence[Finding], trials: Trials, say: Callable[[str], None] = lambda name: None
) -> Verdict:
    """Try what might help, and tell what did."""
    return _Blame(program, found, trials, say).verdict()


class _Blame:
    def __init__(self, program: Program, found: Sequence[Finding], trials: Trials, say: Callable[[str], None]) -> None:
        self.program, self.trials, self.say = program, trials, say
        self.found = list(found)
        self.result = Verdict()
        self.own = program.score[0]
        self.setup = captured(program, found)

    def verdict(self) -> Verdict:
        trials, result = self.trials, self.result
        if self.setup is None or trials.split is None:
            result.findings = self.found
            result.unchecked.append(
                "What would help was not tried: the rows that the network learns from were not seen."
            )
            return result
        self.say("what can be learned from these rows")
        if trials.final is not None and not any(f.code == "non-finite-data" for f in self.found):
            self.own = trials.final
        result.attainable = trials.attainable
        self._pairing()
        if result.attainable is None or self._unrepairable():
            result.findings = self.found
            return result
        good = self.own is not None and np.isfinite(self.own) and self.own >= result.attainable - GAIN
        if good:
            result.findings = [replace(f, severity="hint") if f.code in SOFT else f for f in self.found]
            return result
        self._search()
        return result

    def _unrepairable(self) -> bool:
        return any(finding.code in ("inputs-targets-misaligned", "value-frozen-at-trace") for finding in self.found)

    def _pairing(self) -> None:
        """Inputs that tell nothing at all about their targets belong to other rows."""
        attainable = self.result.attainable
        split = self.trials.split
        if attainable is None or split is None or self.program.classes or len(split[0].inputs) < FEW_ROWS:
            return
        known = {finding.code for finding in self.found}
        if attainable > NOTHING or known & {"inputs-targets-misaligned", "constant-input"}:
            return
        scores = self.trials.baselines
        evidence = (
            f"Nothing about a target can be told from its inputs: R2 {scores['linear']:.2f} by linear least squares, "
            f"{scores['nearest rows']:.2f} by the nearest rows, at best {attainable:.2f} by a network of 64-64 units."
        )
        first = self.program.first
        place = self.program.training.forward_place or (first.loss_place if first else None)
        self.found.append(Finding("inputs-targets-misaligned", "error", evidence, place))

    # The search.

    def _search(self) -> None:
        assert self.setup is not None and self.result.attainable is not None
        goal = self.result.attainable - GAIN
        hard = [f for f in self.found if f.code in REPAIRS and f.code not in SOFT]
        basis: list[Change] = [Change(REPAIR_NAMES[f.code], f.code, REPAIRS[f.code]) for f in hard]
        as_it_stands = self.own if self.own is not None and np.isfinite(self.own) else -1.0
        alone = self._alone(basis, as_it_stands) if basis else []
        current = as_it_stands
        if basis:
            current = self._run(basis, current)
        self.result.trials += alone
        effects = self._effects(basis, as_it_stands)
        for _ in range(ROUNDS):
            if current >= goal:
                break
            tried = self._try_all(basis, current)
            better = [(change, score) for change, score in tried if score > current + GAIN and change.code]
            if not better:
                break
            chosen, score = self._preferred(better, current)
            effects[chosen.name] = Effect(current, score)
            basis.append(chosen)
            current = score
        basis = self._pruned(basis, current, {f.code for f in hard})
        if len(basis) > 1:
            # The one that does most harm alone comes first.
            basis.sort(key=lambda change: round(max(self._without(basis, change), -1.0) / GAIN))
            effects = self._effects(basis, as_it_stands)
        self.result.mended = current
        self._tell(basis, effects, hard)
        self._polish(basis, current)

    def _run(self, basis: Sequence[Change], otherwise: float) -> float:
        assert self.setup is not None
        setup = self.setup
        for change in basis:
            setup = change.apply(setup)
        score = self.trials.run(setup)
        return otherwise if score is None else score

    def _without(self, basis: Sequence[Change], left_out: Change) -> float:
        if left_out.code == "output-range":
            return self._within_range()
        return self._run([change for change in basis if change is not left_out], -1.0)

    def _within_range(self) -> float:
        """The best score that an output of that range can have."""
        assert self.trials.split is not None
        last = next(o.name for o in reversed(self.program.operations) if o.kind == "activation")
        truth = self.trials.split[1].targets
        return self.trials.measure(np.clip(truth, *RANGES.get(last, (-np.inf, np.inf))), truth)

    def _effects(self, basis: Sequence[Change], before: float) -> dict[str, Effect]:
        effects = {}
        for i, change in enumerate(basis):
            after = self._run(basis[: i + 1], before)
            effects[change.name] = Effect(before, after)
            before = after
        return effects

    def _alone(self, basis: Sequence[Change], as_it_stands: float) -> list[Trial]:
        """What the changes that people try by themselves buy while the fault is still there."""
        told = []
        assert self.setup is not None
        every = [change for change in self._changes(self.setup) if change.name in TRIED_ALONE]
        self.say("what people try first")
        if self.setup.updates and not self.setup.misled:
            self.trials.run_all([change.apply(self.setup) for change in every])
        for change in every:
            setup = change.apply(self.setup)
            stopped = not setup.updates or setup.misled
            score = as_it_stands if stopped else self.trials.run(setup)
            if score is not None:
                told.append(Trial(change.name, score, (), gained=score > as_it_stands + GAIN))
        return told

    def _changes(self, setup: Setup) -> list[Change]:
        network = self.trials.network
        operations = [o for o in self.program.operations if o.kind in ("linear", "activation")]
        linear = sum(o.kind == "linear" for o in operations)
        hidden = network.hidden if network else (1,) * max(0, linear - 1)
        own = next((o.name for o in operations[:-1] if o.kind == "activation"), None)
        output = operations[-1].name if operations and operations[-1].kind == "activation" else None
        return list(changes(setup, hidden, own, output))

    def _try_all(self, basis: Sequence[Change], current: float) -> list[tuple[Change, float]]:
        assert self.setup is not None
        tried = []
        base = self.setup
        for change in basis:
            base = change.apply(base)
        self.say(f"what helps beside {' and '.join(change.name for change in basis)}" if basis else "what helps")
        every = [change for change in self._changes(self.setup) if change.name not in {one.name for one in basis}]
        far = [change for change in every if max(change.size, 1 / change.size) >= FAR]
        self.trials.run_all([change.apply(base) for change in every if change not in far])
        for change in every:
            if change in far and not self._leads_there(change, tried, current):
                continue
            score = self._run([*basis, change], float("nan"))
            if np.isnan(score):
                self.result.unchecked.append(
                    f"{change.name}: not tried, it can't be done with this network or there was no time."
                )
                continue
            tried.append((change, score))
            self.result.trials.append(Trial(change.name, score, tuple(c.name for c in basis), score > current + GAIN))
        return tried

    @staticmethod
    def _leads_there(far: Change, tried: Sequence[tuple[Change, float]], current: float) -> bool:
        """Whether less of the same helped, or was not finite and so says nothing."""
        less = [score for change, score in tried if change.code == far.code and (change.size > 1) == (far.size > 1)]
        return bool(less) and (max(less) > current + GAIN or (far.size < 1 and not np.isfinite(less).any()))

    def _preferred(self, better: Sequence[tuple[Change, float]], current: float) -> tuple[Change, float]:
        """Of the changes that do about equally well, the one that the evidence speaks for."""
        best = max(score for _, score in better)
        enough = min(best - GAIN, max(self.result.attainable or best, current + GAIN) - GAIN)
        near = [(change, score) for change, score in better if score >= enough]
        code = min(near, key=lambda pair: (self._rank(pair[0]), -pair[1]))[0].code
        # How much of it: as much as does best.
        return max((pair for pair in near if pair[0].code == code), key=lambda pair: pair[1])

    def _rank(self, change: Change) -> float:
        assert self.setup is not None
        if change.code == "unscaled-inputs":
            return 0.0 if self._far(inputs=True) else 6.0
        if change.code == "unscaled-targets":
            return 1.0 if self._far(inputs=False) else 6.5
        if change.code == "learning-rate-too-small":
            return 3.0 if self._rate() < 1 else 5.0
        if change.code == "learning-rate-too-large":
            return 3.0
        fires = max((o.off for o in self.program.last_operations), default=0.0) < 0.5
        inside = max((o.ends for o in self.program.last_operations), default=0.0) < 0.3
        if (change.code == "dead-units" and fires) or (change.code == "saturated-units" and inside):
            return 8.0
        order = {"missing-nonlinearity": 0.5, "output-range": 2.0, "reduction-and-rate": 2.5 if self.setup.loss.reduction == "sum" else 4.5,
                 "dead-units": 3.5, "saturated-units": 3.6, "too-few-epochs": 4.0, "too-little-capacity": 5.5}  # fmt: skip
        return order.get(change.code, 9.0)

    def _far(self, inputs: bool) -> bool:
        """Whether a column is far from mean 0 and spread 1."""
        assert self.trials.split is not None
        data = self.trials.split[0]
        columns = (data.inputs if inputs else data.targets).reshape(len(data.inputs), -1).astype(float)
        spread, mean = columns.std(0), np.abs(columns.mean(0))
        varied = spread > 0
        return bool(((mean > 10) | (spread > 10) | (varied & (spread < 0.05))).any())

    def _rate(self) -> float:
        """The learning rate as a multiple of the smallest that is usual for its optimizer and reduction."""
        assert self.setup is not None and self.trials.split is not None
        optimizer = self.setup.optimizer
        if type(optimizer) is not SGD:
            return optimizer.learning_rate / 3e-4
        elements = self.setup.batch or len(self.trials.split[0].inputs)
        return optimizer.learning_rate * (elements if self.setup.loss.reduction == "sum" else 1) / 1e-3

    def _pruned(self, basis: list[Change], current: float, needed: set[str]) -> list[Change]:
        """Without the changes that turn out not to be needed once the others are made."""
        for change in [c for c in basis if c.code not in needed]:
            without = [c for c in basis if c is not change]
            if len(basis) > 1 and self._run(without, -1.0) >= current - GAIN:
                basis = without
        return basis

    def _polish(self, basis: Sequence[Change], current: float) -> None:
        """Once it learns: whether scaled inputs and targets take away half of what is still missing."""
        assert self.result.attainable is not None
        codes = {finding.code for finding in self.result.findings}
        missing = self.result.attainable - current
        if self.program.classes or not 0 < missing <= GAIN or codes & {"unscaled-inputs", "unscaled-targets"}:
            return
        both = Change(
            "inputs and targets scaled", "unscaled-inputs", lambda s: replace(s, scale_inputs=True, scale_targets=True)
        )
        score = self._run([*basis, both], float("nan"))
        if score > current + missing / 2:
            for code in ("unscaled-inputs", "unscaled-targets"):
                told = self._of_change(replace(both, code=code), Effect(current, score))
                self.result.findings.append(replace(told, severity="hint"))
            self.result.trials.append(Trial(both.name, score, tuple(c.name for c in basis), True))

    # Telling.

    def _tell(self, basis: Sequence[Change], effects: dict[str, Effect], hard: Sequence[Finding]) -> None:
        by_code = {finding.code: finding for finding in self.found}
        told: list[Finding] = []
        for change in basis:
            effect = effects.get(change.name)
            if change.code in by_code:
                told.append(
                    replace(
                        by_code[change.code],
                        effect=effect,
                        severity="error" if change.code in SOFT else by_code[change.code].severity,
                    )
                )
            else:
                told.append(self._of_change(change, effect))
        codes = {finding.code for finding in told}
        scaled = {"unscaled-inputs", "unscaled-targets"} & codes
        for finding in self.found:
            if finding.code in codes:
                continue
            consequence = finding.code in SOFT and (scaled or told)
            told.append(
                replace(finding, severity="hint") if consequence and finding.code != "constant-input" else finding
            )
        losses = self.program.training.losses
        if len(losses) and not np.isfinite(losses[-1]) and "non-finite-data" not in codes:
            bad = int(np.argmin(np.isfinite(losses)))
            told.append(
                Finding(
                    "diverged",
                    "error",
                    f"The loss was not finite from step {bad} on.",
                    self.program.first.loss_place if self.program.first else None,
                )
            )
        self.result.findings = told

    def _of_change(self, change: Change, effect: Effect | None) -> Finding:
        program, setup = self.program, self.setup
        assert setup is not None
        place: Place | None = program.training.optimizer.place if program.training.optimizer else None
        code = change.code
        then = (
            "it learns"
            if effect is None
            else f"{'the share of hits' if program.classes else 'R2'} is {effect.after:.3f}"
        )
        if code in ("learning-rate-too-small", "learning-rate-too-large"):
            rate = setup.optimizer.learning_rate
            evidence = f"With a rate of {rate * change.size:.3g} instead of {rate:.3g}, and all else the same, {then}."
            if self._reduction_does_it(change, effect):
                code = "reduction-and-rate"
                evidence = f"The loss is a {setup.loss.reduction} over {self._elements()} rows and the rate {rate:.3g}: it suits their {self._other_reduction()}."
        elif code == "reduction-and-rate":
            evidence = f"The loss is a {setup.loss.reduction} over {self._elements()} rows; with their {self._other_reduction()} at the same rate {then}."
        elif code in ("unscaled-inputs", "unscaled-targets"):
            evidence = f"{self._scale(code == 'unscaled-inputs')}; scaled to 0 and 1, and all else the same, {then}."
            place = (
                program.training.forward_place
                if code == "unscaled-inputs"
                else program.first.loss_place
                if program.first
                else None
            )
        elif code == "missing-nonlinearity":
            evidence = f"There is no activation between the layers: together they are one linear layer. With {change.name}, {then}."
            place = next((o.place for o in program.operations if o.kind == "linear"), place)
        elif code == "too-few-epochs":
            evidence = f"{program.updates} updates are too few: with {change.size:g} times as many, {then}."
        elif code == "dead-units":
            off = max((o.off for o in program.last_operations), default=0.0)
            evidence = f"At the end {off:.0%} of the units of a layer were 0 for every row; with {change.name}, {then}."
        else:
            evidence = f"With {change.name}, and all else the same, {then}."
            place = next((o.place for o in program.operations if o.kind == "linear"), place)
        self.result.sizes[code] = change.size
        severity = "error" if effect is None or effect.after - max(effect.before, -1) > 0.1 else "warning"
        return Finding(code, severity, evidence, place, effect=effect)  # type: ignore[arg-type]

    def _elements(self) -> int:
        assert self.setup is not None and self.trials.split is not None
        return self.setup.batch or len(self.trials.split[0].inputs)

    def _other_reduction(self) -> str:
        assert self.setup is not None
        return "mean" if self.setup.loss.reduction == "sum" else "sum"

    def _reduction_does_it(self, change: Change, effect: Effect | None) -> bool:
        """A rate too large for a sum, which is right for the mean."""
        assert self.setup is not None
        if (
            change.code != "learning-rate-too-large"
            or self.setup.loss.reduction != "sum"
            or self._elements() < 8
            or effect is None
        ):
            return False
        return any(t.name == "the mean in the loss" and t.score >= effect.after - 2 * GAIN for t in self.result.trials)

    def _scale(self, inputs: bool) -> str:
        assert self.trials.split is not None
        data = self.trials.split[0]
        columns = (data.inputs if inputs else data.targets).reshape(len(data.inputs), -1).astype(float)
        spread, mean = columns.std(0), columns.mean(0)
        worst = int(np.argmax(np.maximum(np.abs(mean), spread)))
        what = (
            f"Column {worst} of the inputs"
            if inputs
            else "The target"
            if columns.shape[1] == 1
            else f"Column {worst} of the targets"
        )
        return f"{what} has mean {mean[worst]:.4g} and standard deviation {spread[worst]:.4g}"
