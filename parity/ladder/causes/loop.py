"""What may be wrong where a run differs from its own steps: what it feeds itself with, what it forgets, and what it tells.

The suspect's own steps are taken once more, with something altered, from shortly before the first difference to some steps behind it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from parity.contract import Arrays, Batch, State
from parity.ladder.causes.hypothesis import Evidence, Family, Floats, Hypothesis, Judged, judged
from parity.ladder.causes.loss import valued
from parity.ladder.causes.network import Network, round_to_float32
from parity.ladder.causes.rates import multiple
from parity.ladder.causes.transitions import steps_an_epoch
from parity.ladder.causes.update import Rule
from parity.ladder.parting import Place
from parity.ladder.subject import Subject
from parity.ladder.trajectory import Followed

Suspected = Iterator[Hypothesis | Family]

STEPS = 24
"""Steps behind the first difference that a hypothesis must give."""
SEARCHED = 1000
"""Batches that are tried in the place of one."""
PAIRS = 4000
"""Exchanges of one row for another that are tried where a batch is normalised together."""
CLOSEST = 4
"""Of what was searched, how many are looked at in full."""

ALIGN_ORDER = "the rows of each step are data: one order for the run, as given"
ALIGN_MASKS = "the masks of each step are data: those of its own number"
ALIGN_STATE = "one optimizer and one state for the whole run, carried from step to step"
ALIGN_LOSS = "the loss of each step is that of its batch before the update, at its own place"
ALIGN_KEPT = "a checkpoint holds the state behind its step"


def loop_causes(suspect: Subject, place: Place, followed: Followed) -> list[Judged]:
    """What would make the suspect's run of its own steps."""
    return Loop(suspect, place, followed).judged()


@dataclass(frozen=True)
class Altered:
    """What is done otherwise in a walk."""

    batch: Callable[[int], Batch]
    """Of a step, counted from 0."""
    before: Callable[[int, State], State] = lambda step, state: state
    """The state that a step begins with."""
    count: Callable[[int], int] | None = None
    """Which step an update takes itself for; None leaves it to the trainer."""
    factor: Callable[[int], float] = lambda step: 1.0
    """Of the learning rate."""


class Loop:
    """The suspect's run, taken step by step with something altered."""

    def __init__(self, suspect: Subject, place: Place, followed: Followed) -> None:
        self.suspect, self.trainer, self.given, self.followed = suspect, suspect.trainer, suspect.given, followed
        self.at = [step for step in suspect.compared_at if step <= followed.end]
        self.is_loss = place.rung.where == "loss"
        # The step, counted from 0, whose loss is the first that differs, or that lies behind the first checkpoint that does.
        self.here = place.step - 1 if self.is_loss else place.step
        before = [step for step in self.at if step < place.step]
        self.first = max(0, self.here - 2) if self.is_loss else max(before, default=0)
        behind = [step for step in self.at if step >= self.here]
        self.last = min(followed.end, max(self.here + STEPS, *behind[:2]) if behind else self.here + STEPS)
        self.own = self._walk(Altered(self.given.batch), 0)

    def judged(self) -> list[Judged]:
        """The hypotheses that hold."""
        return judged(self.hypotheses(), self.evidence)

    @cached_property
    def evidence(self) -> Evidence:
        """Losses and checkpoints of the run, and those of the steps."""
        history, noise, factor = self.suspect.beginning, self.followed.noise, self.followed.factor
        shown: dict[str, Floats] = {}
        limits: dict[str, float] = {}
        for step in range(self.first, self.last):
            shown[f"loss {step}"] = np.array(float(history.losses[step]))
            limits[f"loss {step}"] = factor * float(noise.losses[step])
        for c, step in enumerate(self.at):
            if self.first < step <= self.last:
                for name, kept in {**history.parameters, **history.buffers}.items():
                    shown[f"{step} {name}"] = kept[c].astype(np.float64)
                    limits[f"{step} {name}"] = factor * noise.of_tensor(name, c)
        return Evidence(shown, self._window(self.own), limits)

    def hypotheses(self) -> Suspected:
        """All of them, the likelier first."""
        yield from self._reports()
        yield from self._orders()
        yield from self._masks()
        yield from self._resets()
        yield from self._rates()
        yield from self._batches()
        yield from self._rows()

    # Walks

    @cached_property
    def states(self) -> dict[int, State]:
        """Before each step around the first difference, and at every checkpoint."""
        kept, trainer = {}, self.trainer
        trainer.set_state(self.given.state)
        for step in range(self.last + 1):
            if step >= self.first - 1 or step in self.at or step + 1 in self.at:
                kept[step] = trainer.get_state()
            if step < self.last:
                trainer.step(self.given.batch(step))
        return kept

    def _walk(self, altered: Altered, first: int) -> Arrays:
        """Losses of the steps from one on, and checkpoints, by name."""
        trainer, found = self.trainer, {}
        trainer.set_state(self.given.state if first == 0 else self.states[first])
        for step in range(first, self.last):
            before = trainer.get_state()
            state = altered.before(step, before)
            if state is not before:
                trainer.set_state(state)
            batch = altered.batch(step)
            if altered.count is None:
                found[f"loss {step}"] = np.array(trainer.step(batch))
            else:
                found[f"loss {step}"] = np.array(self._by_rule(state, batch, step, altered))
            if step + 1 in self.at:
                found |= _kept(step + 1, trainer.get_state())
        return found

    def _by_rule(self, state: State, batch: Batch, step: int, altered: Altered) -> float:
        """A step by the restated rule, for what no trainer can be told; buffers move as the trainer moves them."""
        config, trainer = self.trainer.config, self.trainer
        loss, gradients = trainer.loss_and_grads(batch)
        trainer.step(batch)
        after, rule, slots = trainer.get_state(), Rule.of(config.optimizer), state.optimizer
        rate = altered.factor(step) * config.optimizer.learning_rate * multiple(config.schedule, config.steps)(step)
        norm = float(np.sqrt(sum(float((g.astype(np.float64) ** 2).sum()) for g in gradients.values())))
        clip = 1.0 if config.clip_norm is None else min(1.0, config.clip_norm / (norm + 1e-6))
        parameters, new = {}, {slot: dict(arrays) for slot, arrays in slots.items()}
        assert altered.count is not None
        for name, p in state.parameters.items():
            mine = {slot: arrays[name].astype(np.float64) for slot, arrays in slots.items()}
            moved, kept = rule.update(
                name, rate, altered.count(step) + 1, p.astype(np.float64), clip * gradients[name].astype(np.float64), mine, {}
            )
            parameters[name] = moved.astype(p.dtype)
            for slot, array in kept.items():
                new[slot][name] = array.astype(p.dtype)
        trainer.set_state(State(parameters, after.buffers, new, after.step))
        return loss

    def _window(self, found: Arrays) -> Arrays:
        """What lies in the steps that are looked at."""
        names = [f"loss {step}" for step in range(self.first, self.last)]
        names += [name for name in found if not name.startswith("loss") and self.first < int(name.split()[0]) <= self.last]
        return {name: found[name] for name in names}

    def _so(self, code: str, text: str, align: str, altered: Altered, cost: int = 0) -> Hypothesis:
        return Hypothesis(code, text, align, lambda: self._walk(altered, self.first), cost)

    # What is told

    def _reports(self) -> Suspected:
        yield self._told("report.loss_late", "the loss of each batch is told behind its update", self._losses_behind)
        for shift, which in ((-1, "before"), (1, "behind")):
            text = f"the losses are shifted: each is that of the step {which}"
            yield self._told("report.shifted", text, lambda shift=shift: {t: self._own_loss(t + shift) for t in self._steps})  # type: ignore[misc]
        text = "the losses are means over all steps so far"
        yield self._told("report.smoothed", text, lambda: {t: np.mean(self._own_losses[: t + 1]) for t in self._steps})
        yield Family(
            "report.smoothed",
            lambda value: f"the losses are running means with a decay of {value}",
            ALIGN_LOSS,
            lambda value: self._edited(dict(enumerate(_running(self._own_losses, value)))),
            0.0,
            (0.9, 0.99, 0.98, 0.5),
        )
        yield Hypothesis(
            "precision.lower",
            "the losses of the run are kept in float32",
            "float64 throughout a float64 run",
            lambda: self._edited({t: float(np.float32(self._own_loss(t))) for t in self._steps}),
        )
        for text, kept in (
            ("a checkpoint holds the state in front of its step", lambda step: step - 1),
            ("a checkpoint holds the state a step behind its own", lambda step: step + 1),
            ("each checkpoint holds what belongs to the one before", lambda step: self._neighbour(step, -1)),
            ("each checkpoint holds what belongs to the one behind", lambda step: self._neighbour(step, 1)),
        ):
            for part in ("parameters", "buffers", "both"):
                expected = lambda kept=kept, part=part: self._checkpoints(kept, part)  # noqa: E731
                yield Hypothesis("report.checkpoint", text, ALIGN_KEPT, expected)
        parts = {"parameters": "parameters", "state": "parameters and buffers"}
        for part, word in parts.items():
            expected = lambda part=part: self._rounded(part == "state")  # noqa: E731
            text = f"the {word} of the run are kept in float32"
            yield Hypothesis("precision.lower", text, "float64 throughout a float64 run", expected)

    @property
    def _steps(self) -> range:
        return range(self.first, self.last)

    @cached_property
    def _own_losses(self) -> Floats:
        return np.array([self.own[f"loss {step}"] for step in range(self.last)])

    def _own_loss(self, step: int) -> float:
        return float(self._own_losses[min(max(step, 0), self.last - 1)])

    def _losses_behind(self) -> dict[int, float]:
        return {step: self._loss_at(self.states[step + 1], self.given.batch(step)) for step in self._steps}

    def _loss_at(self, state: State, batch: Batch) -> float:
        self.trainer.set_state(state)
        return self.trainer.loss_and_grads(batch)[0]

    def _told(self, code: str, text: str, losses: Callable[[], Mapping[int, float]]) -> Hypothesis:
        return Hypothesis(code, text, ALIGN_LOSS, lambda: self._edited(losses()))

    def _edited(self, losses: Mapping[int, float]) -> Arrays:
        own = self._window(self.own)
        return {**own, **{f"loss {t}": np.array(losses[t]) for t in self._steps}}

    def _neighbour(self, step: int, places: int) -> int:
        place = self.at.index(step) + places
        return self.at[min(max(place, 0), len(self.at) - 1)]

    def _checkpoints(self, kept: Callable[[int], int], part: str) -> Arrays:
        found = dict(self._window(self.own))
        for step in self.at:
            if self.first < step <= self.last:
                state = self.states.get(max(kept(step), 0))
                if state is not None:
                    arrays = {"parameters": state.parameters, "buffers": state.buffers, "both": {**state.parameters, **state.buffers}}
                    found |= {f"{step} {name}": array for name, array in arrays[part].items()}
        return found

    def _rounded(self, buffers: bool) -> Arrays:
        own = self._window(self.own)
        names = {*self.given.state.parameters, *(self.given.state.buffers if buffers else ())}
        return {n: round_to_float32(a.astype(np.float64)) if n.split()[-1] in names else a for n, a in own.items()}

    # What is fed

    def _orders(self) -> Suspected:
        if self.given.order.rows is None:
            return
        epoch, here = steps_an_epoch(self.suspect.start), self.here
        rows, total = self.given.order.rows, self.given.order.steps
        maps: dict[tuple[str, str], Callable[[int], int]] = {
            ("order.repeated", "every epoch has the order of the first"): lambda t: t % epoch,
            ("order.repeated", f"from step {here + 1} on each epoch has the order of the one before"): lambda t: (
                t - epoch if t >= here else t
            ),
            ("order.repeated", "one epoch has the order of the one before"): lambda t: (
                t - epoch if here <= t < here // epoch * epoch + epoch else t
            ),
            ("order.rows", "each step sees the batch of the one before"): lambda t: t - 1 if t >= here else t,
            ("order.rows", "each step sees the batch of the one behind"): lambda t: t + 1 if t >= here else t,
            ("order.rows", f"the batches of steps {here + 1} and {here + 2} are exchanged"): lambda t: (
                {here: here + 1, here + 1: here}.get(t, t)
            ),
        }
        for (code, text), of in maps.items():
            if epoch > 1 or code == "order.rows":
                yield self._so(code, text, ALIGN_ORDER, self._fed(lambda t, of=of: rows[min(max(of(t), 0), total - 1)]))
        size = rows.shape[1]
        text = "the rows are taken in their own order, epoch after epoch"
        yield self._so("order.rows", text, ALIGN_ORDER, self._fed(lambda t: np.arange(t % epoch * size, (t % epoch + 1) * size)))

    def _fed(self, rows: Callable[[int], Floats]) -> Altered:
        """Batches of other rows."""
        train, order = self.given.train, self.given.order

        def batch(step: int) -> Batch:
            chosen = rows(step)
            masks = {name: mask[step] for name, mask in order.masks.items()}
            return Batch(train.inputs[chosen], train.targets[chosen], masks)

        return Altered(batch)

    def _masks(self) -> Suspected:
        masks, here, total = self.given.order.masks, self.here, self.given.order.steps
        if not masks:
            return

        def fed(of: Callable[[int], int]) -> Altered:
            def batch(step: int) -> Batch:
                chosen = {name: mask[min(max(of(step), 0), total - 1)] for name, mask in masks.items()}
                return replace(self.given.batch(step), masks=chosen)

            return Altered(batch)

        for text, of in (
            ("each step has the masks of the one before", lambda t: t - 1),
            ("each step has the masks of the one behind", lambda t: t + 1),
            ("every step has the masks of the first", lambda t: 0),
            (f"from step {here + 1} on every step has the masks of step {here}", lambda t: min(t, max(here - 1, 0))),
        ):
            yield self._so("masks.order", text, ALIGN_MASKS, fed(of))

    def _batches(self) -> Suspected:
        """Another step's batch, searched by the loss that is told."""
        if self.given.order.rows is None or not self.is_loss:
            return
        rows, here, shown = self.given.order.rows, self.here, float(self.suspect.beginning.losses[self.here])
        state = self.states[here]
        tried = [step for step in range(min(SEARCHED, len(rows))) if step != here]
        near = sorted(tried, key=lambda step: abs(self._loss_of(state, rows[step]) - shown))[:CLOSEST]
        for step in near:
            for text, of in (
                (f"step {here + 1} sees the batch of step {step + 1}", lambda t, step=step: step if t == here else t),
                (
                    f"the batches of steps {here + 1} and {step + 1} are exchanged",
                    lambda t, step=step: {here: step, step: here}.get(t, t),
                ),
                (
                    f"from step {here + 1} on each step sees the batch {abs(step - here)} steps {'before' if step < here else 'behind'}",
                    lambda t, step=step: min(max(t + step - here, 0), len(rows) - 1) if t >= here else t,
                ),
            ):
                yield self._so("order.rows", text, ALIGN_ORDER, self._fed(lambda t, of=of: rows[of(t)]), 1)  # type: ignore[misc]

    def _loss_of(self, state: State, rows: Floats) -> float:
        """The loss of some rows with the masks of the step, by the restated network."""
        masks = {name: mask[self.here] for name, mask in self.given.order.masks.items()}
        x, t = (array[rows].astype(np.float64) for array in (self.given.train.inputs, self.given.train.targets))
        return valued(self.trainer.config.loss, self._network.predict(state.parameters, state.buffers, x, True, masks), t)[0]

    @cached_property
    def _network(self) -> Network:
        return Network.of(self.trainer.config.model)

    def _rows(self) -> Suspected:
        """One row in the place of another, searched by the loss that is told."""
        if self.given.order.rows is None or not self.is_loss:
            return
        rows, here = self.given.order.rows, self.here
        for position, row in self._near_rows():
            old = int(rows[here][position])
            one = {here: (position, row)}
            text = f"step {here + 1} sees row {row} where row {old} belongs"
            yield self._so("order.rows", text, ALIGN_ORDER, self._fed(lambda t, one=one: _exchanged(rows[t], one.get(t))), 1)  # type: ignore[misc]
            for other in range(here + 1, self.last):
                places = np.flatnonzero(rows[other] == row)
                if len(places):
                    both = one | {other: (int(places[0]), old)}
                    text = f"rows {old} and {row} are exchanged between steps {here + 1} and {other + 1}"
                    yield self._so("order.rows", text, ALIGN_ORDER, self._fed(lambda t, both=both: _exchanged(rows[t], both.get(t))), 1)  # type: ignore[misc]
                    break
            text = f"from step {here + 1} on row {old} is a copy of row {row}"
            yield self._so(
                "order.rows",
                text,
                "the data are not changed in place",
                self._fed(lambda t, old=old, row=row: np.where(rows[t] == old, row, rows[t]) if t >= here else rows[t]),  # type: ignore[misc]
                1,
            )

    def _near_rows(self) -> list[tuple[int, int]]:
        """Places in the batch and the rows that would, standing there, give a loss close to the one that is told."""
        rows, state = self.given.order.rows[self.here], self.states[self.here]  # type: ignore[index]
        shown, count = float(self.suspect.beginning.losses[self.here]), len(self.given.train.inputs)
        if self.given.order.masks or self.given.state.buffers:
            if len(rows) * count > PAIRS:
                return []
            pairs = [(b, n) for b in range(len(rows)) for n in range(count)]
            losses = np.array([self._loss_of(state, _exchanged(rows, pair)) for pair in pairs])
        else:
            each = np.array([self._loss_of(state, np.array([n])) for n in range(count)])
            weight = 1.0 if self.trainer.config.loss.reduction == "sum" else 1 / len(rows)
            own = weight * each[rows].sum()
            losses = (own + weight * (each[None, :] - each[rows][:, None])).ravel()
            pairs = [(b, n) for b in range(len(rows)) for n in range(count)]
        return [pairs[k] for k in np.argsort(np.abs(losses - shown))[:CLOSEST]]

    # What is carried

    def _resets(self) -> Suspected:
        epoch, dtype = steps_an_epoch(self.suspect.start), self.suspect.contender.dtype
        first = self.given.state
        for step in self._when():
            if first.optimizer:
                text = f"the optimizer's slots are set to zero in front of step {step + 1}"
                yield self._so("state.reset", text, ALIGN_STATE, self._forgetting(lambda t, step=step: t == step))  # type: ignore[misc]
            if first.buffers:
                text = f"the running statistics start anew in front of step {step + 1}"
                begin = lambda t, state, step=step: replace(state, buffers=first.buffers) if t == step else state  # noqa: E731
                yield self._so("state.reset", text, ALIGN_STATE, Altered(self.given.batch, begin))
            text = f"the parameters start anew in front of step {step + 1}"
            begin = lambda t, state, step=step: replace(state, parameters=first.parameters) if t == step else state  # noqa: E731
            yield self._so("state.reset", text, ALIGN_STATE, Altered(self.given.batch, begin))
            if hasattr(self.trainer.config.optimizer, "b1"):
                text = f"the optimizer counts its steps anew from step {step + 1} on"
                count = lambda t, step=step: t - step if t >= step else t  # noqa: E731
                yield self._so("state.reset", text, ALIGN_STATE, Altered(self.given.batch, count=count))
        if first.optimizer and epoch > 1:
            text = "the optimizer's slots are set to zero in front of every epoch"
            yield self._so("state.reset", text, ALIGN_STATE, self._forgetting(lambda t: t > 0 and t % epoch == 0))
        del dtype

    def _when(self) -> list[int]:
        """Steps in which a change of the state would first show where the difference first shows."""
        if self.is_loss:
            return [max(self.here - 1, 0)]
        return list(range(self.first, min(self.here, self.first + STEPS)))[::-1]

    def _forgetting(self, when: Callable[[int], bool]) -> Altered:
        def before(step: int, state: State) -> State:
            if not when(step):
                return state
            zeros = {slot: {n: np.zeros_like(a) for n, a in arrays.items()} for slot, arrays in state.optimizer.items()}
            return replace(state, optimizer=zeros)

        return Altered(self.given.batch, before)

    def _rates(self) -> Suspected:
        for begin in self._when()[:1]:
            yield Family(
                "schedule.late",
                lambda value, begin=begin: f"from step {begin + 1} on the rate of the run is {value} times that of its steps",  # type: ignore[misc]
                "one schedule for the whole run",
                lambda value, begin=begin: self._walk(  # type: ignore[misc]
                    Altered(
                        self.given.batch,
                        count=lambda t: t,
                        factor=lambda t: value if t >= begin else 1.0,
                    ),
                    self.first,
                ),
                1.0,
                (0.5, 2.0, 0.1, 10.0),
            )


def _kept(step: int, state: State) -> dict[str, Floats]:
    return {f"{step} {name}": array.astype(np.float64) for name, array in {**state.parameters, **state.buffers}.items()}


def _exchanged(rows: Floats, place: tuple[int, int] | None) -> Floats:
    """Some rows with another at one place."""
    if place is None:
        return rows
    found = rows.copy()
    found[place[0]] = place[1]
    return found


def _running(losses: Floats, decay: float) -> Floats:
    """Exponentially weighted means, from the first."""
    found = losses.copy()
    for t in range(1, len(losses)):
        found[t] = decay * found[t - 1] + (1 - decay) * losses[t]
    return found
