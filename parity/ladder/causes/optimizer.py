"""What may be wrong where a step differs though its gradient does not: the update, its rate, or what is carried from step to step."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from math import isfinite, sqrt
from typing import Any

import numpy as np

from parity.contract import (
    SGD,
    Adam,
    AdamW,
    Arrays,
    Constant,
    Cosine,
    Exponential,
    NAdam,
    OneCycle,
    Optimizer,
    RAdam,
    RMSprop,
    Step,
    WarmupCosine,
)
from parity.kinds import kind_of
from parity.ladder.causes.advice import align_constant, align_eps
from parity.ladder.causes.hypothesis import Evidence, Family, Hypothesis, Judged, judged
from parity.ladder.causes.network import round_to_float32
from parity.ladder.causes.rates import Multiple, ease, multiple, one_cycle
from parity.ladder.causes.scene import Scene
from parity.ladder.causes.tensors import groups
from parity.ladder.causes.transitions import COUNT, Transition, Transitions, steps_an_epoch, transitions
from parity.ladder.causes.update import ROOTS, UPDATES, Floats, Rule
from parity.ladder.subject import FIRST_STEPS

Suspected = Iterator[Hypothesis | Family]
Clip = Callable[[Transition], Arrays]
"""The gradients of a step as the optimizer is given them."""

KNOWN: dict[str, tuple[float, ...]] = {
    "b1": (0.9, 0.0, 0.5, 0.8, 0.95, 0.99, 0.999),
    "b2": (0.999, 0.99, 0.9, 0.95, 0.98, 0.9999),
    "eps": (1e-8, 1e-7, 1e-6, 1e-10, 1e-5, 1e-4, 1e-3, 1e-12, 0.0),
    "weight_decay": (0.0, 1e-2, 1e-4, 1e-3, 5e-4, 0.1),
    "momentum": (0.9, 0.0, 0.5, 0.8, 0.95, 0.99),
    "decay": (0.9, 0.99, 0.95, 0.999),
    "momentum_decay": (4e-3, 1e9, 0.0),
}
"""Values that these constants are often given, the frameworks' defaults among them."""


def optimizer_causes(scene: Scene) -> list[Judged]:
    """What would make the suspect's steps of the healthy side's gradients."""
    return Steps(scene).judged()


@dataclass(frozen=True)
class Doing:
    """How steps are made."""

    rule: Rule
    rate: Multiple
    """The learning rate at a step, counted from 0."""
    clip: Clip
    accumulated: bool = False
    """Whether gradients are added to those of all steps before."""


class Steps:
    """The suspect's steps computed anew with something altered."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.config = scene, scene.config
        self.optimizer, self.schedule = self.config.optimizer, self.config.schedule
        self.seen: Transitions = transitions(scene)
        self.multiple = multiple(self.schedule, self.config.steps)
        self.late = scene.place.step > FIRST_STEPS
        self.declared = Doing(
            Rule.of(self.optimizer), self._rate(self.multiple), lambda seen: clipped(seen, self.config.clip_norm)
        )

    def judged(self) -> list[Judged]:
        """The hypotheses that hold."""
        evidence = self.seen.evidence.roughened(self.states(self.declared))
        return judged(self.hypotheses(), evidence)

    def hypotheses(self) -> Suspected:
        """All of them, the likelier first."""
        yield from self._carried()
        yield from self._schedules()
        yield from self._constants()
        yield from self._corrections()
        yield from self._eps_places()
        yield from self._decays()
        yield from self._clips()
        yield from self._kinds()
        yield from self._statistics()
        yield from self._digits()

    def states(self, doing: Doing) -> Arrays:
        """Behind each step."""
        memory: dict[str, Floats] = {}
        return self.seen.joined([self._behind(seen, doing, memory) for seen in self.seen.each])

    def _behind(self, seen: Transition, doing: Doing, memory: dict[str, Floats]) -> Arrays:
        if not seen.own and (doing.accumulated or doing.rule.largest in ("raw", "corrected")):
            return seen.shown  # what is remembered there is not known
        gradients, found, slots = doing.clip(seen), dict(seen.healthy), seen.before.optimizer
        if doing.accumulated:
            for name, g in gradients.items():
                memory[f"sum {name}"] = memory.get(f"sum {name}", 0.0) + g
            gradients = {name: memory[f"sum {name}"] for name in gradients}
        rate = doing.rate(seen.step)
        for name, p in seen.before.parameters.items():
            mine = {slot: arrays[name] for slot, arrays in slots.items()}
            found[name], new = doing.rule.update(name, rate, seen.step + 1, p, gradients[name], mine, memory)
            found |= {f"{slot} of {name}": array for slot, array in new.items()}
        return found

    def _rate(self, at: Multiple) -> Multiple:
        return lambda step: self.optimizer.learning_rate * at(step)

    def _rule(self, code: str, text: str, align: str, **altered: Any) -> Hypothesis:
        doing = replace(self.declared, rule=replace(self.declared.rule, **altered))
        return Hypothesis(code, text, align, lambda: self.states(doing))

    def _doing(self, code: str, text: str, align: str, **altered: Any) -> Hypothesis:
        doing = replace(self.declared, **altered)
        return Hypothesis(code, text, align, lambda: self.states(doing))

    def _edited(self, code: str, text: str, align: str, edit: Callable[[Transition], Arrays]) -> Hypothesis:
        """The healthy side's own state, with some arrays exchanged."""
        return Hypothesis(
            code, text, align, lambda: self.seen.joined([{**seen.healthy, **edit(seen)} for seen in self.seen.each])
        )

    # What is carried

    def _carried(self) -> Suspected:
        first = self.seen.each[0]
        trained, buffers, slots = first.before.parameters, first.before.buffers, first.before.optimizer
        align = "hand every tensor to the optimizer (model.parameters(), wrt=nnx.Param), and keep what the step returns"
        for names, what in groups(trained):
            whole = [*names, *(f"{slot} of {name}" for slot in slots for name in names)]
            for kept, which in ((names, what), (whole, f"{what} with its slots")):
                yield self._edited("state.frozen", f"{which} is not updated", align, _unmoved(kept))
        for slot in slots:
            kept = [f"{slot} of {name}" for name in trained]
            yield self._edited("state.frozen", f"the slot {slot} is not updated", align, _unmoved(kept))
        yield self._edited(
            "state.frozen",
            "the count of steps does not advance",
            "advance the count with every step",
            lambda seen: {COUNT: np.zeros(())},
        )
        if slots:
            align = "make the optimizer once, in front of the loop"
            yield self._rule("state.reset", "the optimizer's slots start at zero in every step", align, reset=True)
        text, align = "the update climbs: its sign is wrong", "subtract the update"
        yield self._rule("gradient.sign", text, align, sign=-1.0)
        text = "every step adds its gradients to those of all steps before"
        align = "optimizer.zero_grad() in every step (PyTorch adds to .grad; JAX's gradients are new)"
        yield self._doing("gradient.accumulated", text, align, accumulated=True)
        del buffers

    # The rate

    def _schedules(self) -> Suspected:
        steps, here, asked = self.config.steps, self.scene.place.step - 1, kind_of(self.schedule)
        epoch, at = steps_an_epoch(self.scene.suspect.start), self.multiple
        align = "schedules count updates from 0: scheduler.step() once a batch (PyTorch), a schedule inside the optimizer (Optax)"
        if not isinstance(self.schedule, Constant):
            for shift, which in ((-1, "before it"), (1, "behind it")):
                text = f"each step has the rate of the one {which}"
                yield self._at("schedule.shift", text, align, lambda t, shift=shift: at(min(max(t + shift, 0), steps - 1)))
            yield self._at("schedule.ignored", "the rate stays what it is at the first step", align, lambda t: at(0))
            yield self._at("schedule.ignored", "the rate is the peak rate at every step", align, lambda t: 1.0)
            if epoch > 1:
                text = f"the rate changes once an epoch, every {epoch} steps"
                yield self._at("schedule.per_epoch", text, align, lambda t: at(t // epoch * epoch))
                text = "the schedule counts epochs where it should count steps"
                yield self._at("schedule.per_epoch", text, align, lambda t: at(t // epoch))
            for name, other in self._other_schedules().items():
                text = f"the schedule is {name} instead of {asked}"
                yield self._at("schedule.kind", text, f"the schedule {asked} as declared", other)
        if self.late:
            text, align = f"from step {here + 1} on the rate stays what it is", "the schedule runs to the last step"
            for stop in (here, here - 1):
                yield self._at("schedule.late", text, align, lambda t, stop=stop: at(min(t, stop)))
            yield self._family(
                "schedule.late",
                lambda value: f"from step {here + 1} on the rate is {value} times what it should be",
                "one schedule for the whole run",
                lambda value: replace(self.declared, rate=self._rate(lambda t: at(t) * (value if t >= here else 1.0))),
                1.0,
                (0.5, 2.0, 0.1, 10.0),
            )
        for field in ("learning_rate",):
            asked_rate = getattr(self.optimizer, field)
            yield self._family(
                "optimizer.learning_rate",
                lambda value: f"consistent with learning_rate = {value} instead of {asked_rate:g}",
                align_constant(self.optimizer, field),
                lambda value: replace(self.declared, rate=lambda t: value * at(t)),
                asked_rate,
                tuple(asked_rate * factor for factor in (0.5, 2.0, 0.1, 10.0)),
            )
        yield self._doing(
            "precision.lower",
            "the learning rate is rounded to float32",
            "compute schedules in float64 (Optax computes them in JAX's default dtype)",
            rate=lambda t: float(np.float32(self.optimizer.learning_rate * at(t))),
        )

    def _at(self, code: str, text: str, align: str, at: Multiple) -> Hypothesis:
        return self._doing(code, text, align, rate=self._rate(at))

    def _other_schedules(self) -> dict[str, Multiple]:
        """The contract's and a few more, with the constants of the declared one where they have the name."""
        steps, schedule = self.config.steps, self.schedule
        end = getattr(schedule, "end", 0.0)
        kinds = (Cosine, Exponential, Step, OneCycle, WarmupCosine)
        found = {kind_of(like(kind, schedule)): multiple(like(kind, schedule), steps) for kind in kinds if kind is not type(schedule)}
        found["linear"] = lambda t: 1.0 - (1.0 - end) * t / steps
        found["linear to the last step"] = lambda t: 1.0 - (1.0 - end) * t / max(steps - 1, 1)
        if isinstance(schedule, Cosine):
            found["cosine to the last step"] = lambda t: ease(1.0, end, t / max(steps - 1, 1))
        if isinstance(schedule, Step):
            found["exponential, without stairs,"] = lambda t: schedule.decay ** (t / schedule.every)
        if isinstance(schedule, OneCycle):
            found["one_cycle of S intervals (Optax)"] = lambda t: one_cycle(schedule, schedule.rise * steps, steps, t)
            found["one_cycle of S intervals, its peak on a whole step (Optax)"] = lambda t: one_cycle(
                schedule, int(schedule.rise * steps), steps, t
            )
        if isinstance(schedule, WarmupCosine):
            warmup = round(schedule.warmup * steps)
            found["warmup_cosine falling over all steps"] = lambda t: (
                multiple(schedule, steps)(t) if t < warmup else ease(1.0, end, t / steps)
            )
        return found

    # The constants

    def _constants(self) -> Suspected:
        for field in fields(self.optimizer):
            name, asked = field.name, getattr(self.optimizer, field.name)
            if name in ("learning_rate", "weight_decay"):
                continue
            if isinstance(asked, bool):
                text = f"{name} is {not asked} instead of {asked}"
                if getattr(self.optimizer, "momentum", 0.0):
                    rule = replace(self.declared.rule, optimizer=_with(self.optimizer, **{name: not asked}))
                    yield self._doing(f"optimizer.{name}", text, align_constant(self.optimizer, name), rule=rule)
                continue
            yield self._constant(name, asked)
        if isinstance(self.optimizer, SGD | RMSprop) and self.optimizer.momentum:
            text, align = "the rate is inside the velocity: v = momentum v + lr g", "v = momentum v + g; p -= lr v, as torch and Optax"
            yield self._rule("optimizer.rate_place", text, align, rate_in_velocity=True)
        if isinstance(self.optimizer, SGD) and self.optimizer.momentum:
            yield Family(
                "optimizer.dampening",
                lambda value: f"consistent with a dampening of {value}",
                "dampening=0 (torch.optim.SGD); Optax has none",
                lambda value: self.states(replace(self.declared, rule=replace(self.declared.rule, dampening=value))),
                0.0,
                (self.optimizer.momentum, 0.5, 0.1),
            )

    def _constant(self, name: str, asked: float) -> Family:
        def doing(value: float) -> Doing:
            return replace(self.declared, rule=replace(self.declared.rule, optimizer=_with(self.optimizer, **{name: value})))

        text = lambda value: f"consistent with {name} = {value} instead of {asked:g}"  # noqa: E731
        code = f"optimizer.{name}"
        return self._family(code, text, align_constant(self.optimizer, name), doing, asked, KNOWN.get(name, ()))

    def _family(
        self,
        code: str,
        text: Callable[[str], str],
        align: str,
        doing: Callable[[float], Doing],
        asked: float,
        known: tuple[float, ...],
    ) -> Family:
        return Family(code, text, align, lambda value: self.states(doing(value)), asked, known)

    def _corrections(self) -> Suspected:
        if not isinstance(self.optimizer, KINDS_CORRECTED):
            return
        align = "moments divided by 1 - b^t, t counted from 1 (torch and Optax alike)"
        variants: dict[str, Callable[[float, int], float]] = {
            "moments are not corrected for their start at zero": lambda b, t: 1.0,
            "moments are corrected as if a step more had been done": lambda b, t: 1.0 - b ** (t + 1),
            "moments are corrected as if a step less had been done": lambda b, t: 1.0 - b ** max(t - 1, 1),
            "moments are corrected in every step as in the first": lambda b, t: 1.0 - b,
        }
        for text, corrected in variants.items():
            yield self._rule("optimizer.bias_correction", text, align, corrected=corrected)
        for which, b in (("first", "b1"), ("second", "b2")):
            mine = getattr(self.optimizer, b)
            text = f"the {which} moment is not corrected for its start at zero"
            corrected = lambda each, t, mine=mine: 1.0 if each == mine else 1.0 - each**t  # noqa: E731
            yield self._rule("optimizer.bias_correction", text, align, corrected=corrected)
        if self.scene.suspect.contender.dtype == "float32":
            text = "the bias corrections are computed in float32"
            align = "compute 1 - b^t in float64, outside: optax.adam computes it in float32, 1e-5 off; torch in double"
            yield self._rule("optimizer.bias_correction", text, align, corrected=_correction_in_float32)

    def _eps_places(self) -> Suspected:
        if not hasattr(self.optimizer, "eps"):
            return
        declared = self.declared.rule.eps_place
        texts = {
            "outside": "eps is added outside the root, after the bias correction",
            "before": "eps is added to the root of the uncorrected moment",
            "inside": "eps is added inside the root",
            "inside before": "eps is added inside the root, before the bias correction",
            "nowhere": "eps is not added",
        }
        for place in ROOTS:
            if place != declared:
                yield self._rule("optimizer.eps_place", texts[place], align_eps(self.optimizer), eps_place=place)

    def _decays(self) -> Suspected:
        asked, trained = self.declared.rule.decay, self.seen.each[0].before.parameters
        align = align_constant(self.optimizer, "weight_decay")
        places = ["gradient", "weights"] if self.declared.rule.decay_place == "gradient" else ["weights", "gradient"]
        words = {"gradient": "an L2 term of the gradient", "weights": "decoupled, beside the update"}
        yield self._decay_family(places[0], "", align, asked)
        if asked:
            other = places[1]
            text = f"the decay of {asked:g} is {words[other]}"
            align_place = "torch.optim.SGD and Adam: an L2 term; AdamW and Lion: decoupled (optax.add_decayed_weights before or behind)"
            yield self._rule("optimizer.decay_coupled", text, align_place, decay_place=other)
            text = "the decay is not multiplied by the learning rate"
            yield self._rule("optimizer.weight_decay", text, align, decay_place="weights, without the rate")
            align_tensors = "all parameters are decayed, as torch and Optax do without groups or a mask"
            for names, what in groups(trained):
                if len(names) < len(trained):
                    decayed = lambda name, names=names: name not in names  # noqa: E731
                    yield self._rule("optimizer.decay_tensors", f"{what} is not decayed", align_tensors, decayed=decayed)
            for names, what in groups(trained):
                if len(names) == 1:
                    decayed = lambda name, names=names: name in names  # noqa: E731
                    yield self._rule("optimizer.decay_tensors", f"only {what} is decayed", align_tensors, decayed=decayed)
        yield self._decay_family(places[1], f", {words[places[1]]}", align, asked)

    def _decay_family(self, place: str, how: str, align: str, asked: float) -> Family:
        def doing(value: float) -> Doing:
            return replace(self.declared, rule=replace(self.declared.rule, decay=value, decay_place=place))

        def text(value: str) -> str:
            return f"consistent with weight_decay = {value}{how} instead of {asked:g}"

        return self._family("optimizer.weight_decay", text, align, doing, asked, KNOWN["weight_decay"])

    # Clipping, other rules

    def _clips(self) -> Suspected:
        largest = self.config.clip_norm
        align = "clip by the global norm, scale = max / (norm + 1e-6) as torch.nn.utils.clip_grad_norm_; Optax's is max / norm"
        if largest is None:
            text = lambda value: f"consistent with gradients clipped at a norm of {value}"  # noqa: E731
            yield self._clip_family(text, "no clipping", 1.0, (0.1, 0.5, 5.0, 10.0))
            return
        yield self._doing("clip.missing", "the gradient is not clipped", align, clip=lambda seen: seen.gradients)
        variants: dict[str, Clip] = {
            "each tensor is clipped by its own norm": lambda seen: {
                name: g * _clip_scale(largest, seen.norms[name]) for name, g in seen.gradients.items()
            },
            "the gradient is scaled by max / norm, without 1e-6": lambda seen: _scaled(seen, largest / _norm(seen)),
            "the gradient is clipped by its largest element": lambda seen: _scaled(seen, largest / (seen.peak + 1e-6)),
            "the gradient is clipped by the sum of its tensors' norms": lambda seen: _scaled(
                seen, largest / (sum(seen.norms.values()) + 1e-6)
            ),
            "the gradient is always scaled to the largest norm": lambda seen: {
                name: g * largest / (_norm(seen) + 1e-6) for name, g in seen.gradients.items()
            },
        }
        for text, clip in variants.items():
            yield self._doing("clip.norm", text, align, clip=clip)
        text_of = lambda value: f"consistent with clip_norm = {value} instead of {largest:g}"  # noqa: E731
        yield self._clip_family(text_of, align, largest, (1.0, 0.1, 0.5, 5.0, 10.0, largest * 2, largest / 2))
        yield self._family(
            "clip.norm",
            lambda value: f"each element of the gradient is clipped at {value}",
            align,
            lambda value: replace(
                self.declared,
                clip=lambda seen: {name: np.clip(g, -abs(value), abs(value)) for name, g in seen.gradients.items()},
            ),
            np.inf,
            (largest, largest / 2, largest / 10, 1.0, 0.1, 0.01),
        )

    def _clip_family(self, text: Callable[[str], str], align: str, asked: float, known: tuple[float, ...]) -> Family:
        def doing(value: float) -> Doing:
            return replace(self.declared, clip=lambda seen: clipped(seen, value))

        return self._family("clip.norm", text, align, doing, asked, known)

    def _kinds(self) -> Suspected:
        asked, slots = kind_of(self.optimizer), len(self.optimizer.slots)
        align = f"the optimizer {asked} as declared"
        if isinstance(self.optimizer, Adam | AdamW | NAdam | RAdam):
            for largest, how in (("raw", "the second moment"), ("corrected", "the corrected second moment")):
                text = f"{how} is the largest so far (AMSGrad)"
                align_largest = "amsgrad=False; torch takes the largest raw moment, Optax the largest corrected one"
                yield self._rule("optimizer.amsgrad", text, align_largest, largest=largest)
            text = "the second moment is never below the squared gradient, as in Adamax"
            yield self._rule("optimizer.kind", text, align, largest="squared gradient")
        for kind in UPDATES:
            if kind is type(self.optimizer):
                continue
            for other in (like(kind, self.optimizer), like(kind, self.optimizer, weight_decay=0.0)):
                if len(other.slots) == slots:
                    text = f"the optimizer is {kind_of(other)} instead of {asked}"
                    yield self._doing("optimizer.kind", text, align, rule=Rule.of(other))

    # Running statistics

    def _statistics(self) -> Suspected:
        momentum = getattr(self.config.model, "momentum", None)
        if momentum is None:
            return
        rows = self.scene.suspect.start.experiment.batch_rows
        names = tuple(self.seen.each[0].before.buffers)
        align = f"momentum={momentum:g} is the batch's weight in torch.nn.BatchNorm1d; nnx.BatchNorm takes one minus it, 0.99 by default"

        def moved(value: float) -> Callable[[Transition], Arrays]:
            return lambda seen: {
                name: (1 - value) * seen.before.buffers[name] + value * _of_batch(seen, name, momentum) for name in names
            }

        yield Family(
            "norm.momentum",
            lambda value: f"consistent with a momentum of {value} instead of {momentum:g}",
            align,
            lambda value: self.seen.joined([{**seen.healthy, **moved(value)(seen)} for seen in self.seen.each]),
            momentum,
            tuple(v for v in (1 - momentum, 0.1, 0.01, 0.9, 0.99, 1.0, 1 - (1 - momentum) ** 2) if v),
        )
        align_variance = "the unbiased variance in the running one, n/(n-1) times the biased (PyTorch; nnx.BatchNorm keeps the biased)"
        text = "the running variance takes the biased variance of the batch"
        yield self._edited("norm.variance", text, align_variance, lambda seen: _variances(seen, momentum, (rows - 1) / rows))
        text = "the running variance takes the unbiased variance twice over"
        yield self._edited("norm.variance", text, align_variance, lambda seen: _variances(seen, momentum, rows / (rows - 1)))
        text = "the running variance takes the deviation of the batch"
        yield self._edited("norm.variance", text, align_variance, lambda seen: _deviations(seen, momentum))
        align = "keep the buffers that the step returns: jax.jit on an nnx module drops them, nnx.jit keeps them"
        kinds = [name for name in ("mean", "var") if any(each.endswith(name) for each in names)]
        for chosen, what in ((kinds, "the running statistics do"), (["mean"], "the running mean does"), (["var"], "the running variance does")):
            kept = [name for name in names if name.rsplit(".", 1)[1] in chosen]
            yield self._edited("norm.frozen", f"{what} not move", align, _unmoved(kept))

    # Digits

    def _digits(self) -> Suspected:
        align = "float64 throughout a float64 run"
        for slot in self.optimizer.slots:
            rule = replace(self.declared.rule, slot_rounded={slot: round_to_float32})
            yield self._doing("precision.lower", f"the slot {slot} is kept in float32", align, rule=rule)
        if self.scene.suspect.contender.dtype == "float64":
            text = "the parameters are rounded to float32 behind each step"
            yield self._edited("precision.lower", text, align, lambda seen: _rounded(seen, seen.before.parameters))
            text = "the whole state is rounded to float32 behind each step"
            yield self._edited("precision.lower", text, align, lambda seen: _rounded(seen, seen.healthy))


KINDS_CORRECTED = tuple(kind for kind in UPDATES if {"b1", "b2", "eps"} <= {field.name for field in fields(kind)})


def clipped(seen: Transition, largest: float | None) -> Arrays:
    """The gradients of a step, clipped by their global norm as the contract has it."""
    return seen.gradients if largest is None else _scaled(seen, _clip_scale(largest, _norm(seen)))


def like(kind: type, declared: Any, **fixed: Any) -> Any:
    """Another kind with the constants of the declared one, where it has them."""
    names = {field.name for field in fields(kind)}
    taken = {name: value for name, value in vars(declared).items() if name in names}
    return _of(kind, taken | {name: value for name, value in fixed.items() if name in names})


def _of(kind: type, values: Mapping[str, Any]) -> Any:
    """An optimizer with any constants, also those that its own checks would refuse."""
    made = object.__new__(kind)
    for field in fields(kind):
        object.__setattr__(made, field.name, values.get(field.name, field.default))
    return made


def _with(optimizer: Optimizer, **constants: Any) -> Optimizer:
    found: Optimizer = _of(type(optimizer), vars(optimizer) | constants)
    return found


def _norm(seen: Transition) -> float:
    return sqrt(sum(size**2 for size in seen.norms.values()))


def _clip_scale(largest: float, norm: float) -> float:
    return min(1.0, largest / (norm + 1e-6))


def _scaled(seen: Transition, scale: float) -> Arrays:
    return {name: g * min(1.0, scale) for name, g in seen.gradients.items()}


def _unmoved(names: list[str]) -> Callable[[Transition], Arrays]:
    def edit(seen: Transition) -> Arrays:
        before = seen.before.named()
        return {name: before[name] for name in names}

    return edit


def _of_batch(seen: Transition, name: str, momentum: float) -> Floats:
    """The batch's own statistic, from what the healthy side made of it."""
    found: Floats = (seen.healthy[name] - (1 - momentum) * seen.before.buffers[name]) / momentum
    return found


def _variances(seen: Transition, momentum: float, factor: float) -> Arrays:
    return {
        name: (1 - momentum) * before + momentum * factor * _of_batch(seen, name, momentum)
        for name, before in seen.before.buffers.items()
        if name.endswith("var")
    }


def _deviations(seen: Transition, momentum: float) -> Arrays:
    return {
        name: (1 - momentum) * before + momentum * np.sqrt(np.abs(_of_batch(seen, name, momentum)))
        for name, before in seen.before.buffers.items()
        if name.endswith("var")
    }


def _rounded(seen: Transition, names: Arrays) -> Arrays:
    return {name: round_to_float32(seen.healthy[name]) for name in names if name != COUNT}


def _correction_in_float32(b: float, t: int) -> float:
    return float(np.float32(1.0) - np.float32(b) ** np.float32(t))


__all__ = ["Evidence", "isfinite", "optimizer_causes"]
