"""Trials: the captured network trained again, compiled where the contract can express it, else by its own framework.

N rows, D inputs, K outputs, S steps, R replicas.
"""

import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity import registry
from parity.accuracy import least_squares
from parity.contract import (
    MLP,
    SGD,
    Adam,
    BatchOrder,
    Constant,
    Cosine,
    Data,
    Evaluation,
    InputError,
    Loss,
    Replay,
    Schedule,
    State,
    TrainingConfig,
    Watcher,
    zero_state,
)
from parity.diagnose.neighbours import neighbours
from parity.diagnose.network import Network, expressed
from parity.diagnose.program import Program, hits, r2
from parity.diagnose.scaling import Scalings
from parity.diagnose.setup import Setup
from parity.start import cast, initial

Floats = NDArray[Any]
SEEDS = 3
CHEAP = 3e8  # Products of steps, rows and parameters, up to which a trial is run from several initial weights.
TEN_ROWS_STEPS = 1000
NEAREST = 5  # Rows whose mean target is one of the baselines.
RESERVED = 0.2  # Of the time, for weighing what was found.
AT_ONCE = 2  # Trials that are compiled and run side by side.
RESAMPLES = 400
SURE = 0.99  # Share of them in which a change must gain; about twenty changes are tried.
FEW_STEPS = 1000  # Up to which PyTorch is done while JAX still compiles.
MOST_ROWS = 4000
MOST_STEPS = 300_000


class TimeUpError(Exception):
    """A trial took longer than it may."""


@dataclass
class Trials:
    """Trains a program's network again and says how well it does on rows that it was not trained on."""

    program: Program
    watcher: Watcher | None
    training: int
    seconds: float
    """Of all trials together."""

    def __post_init__(self) -> None:
        self.end = time.monotonic() + (1 - RESERVED) * self.seconds
        self.done: dict[Setup, float] = {}
        self.answers: dict[Setup, Floats] = {}
        """(V, K) what the network of the middle score predicts for the rows that it is judged by."""

    # What is learned, and what it is judged by.

    @cached_property
    def network(self) -> Network | None:
        return expressed(self.program)

    @property
    def comparable(self) -> Evaluation | None:
        """The program's evaluation of held-out rows, where its targets are in the units of those that it trains on."""
        held_out = self.program.held_out
        return None if held_out is None or held_out.compared is not None else held_out

    @cached_property
    def split(self) -> tuple[Data, Data] | None:
        """Rows to learn from, and rows to be judged by: those of the program's evaluation, else a fifth of the others."""
        rows = self.program.rows
        if rows is None:
            return None
        inputs, targets = rows.inputs, self._targets(rows.targets)
        keep = finite(inputs) & finite(targets)
        inputs, targets = inputs[keep], targets[keep]
        if len(inputs) < 20:
            return None
        held_out = self.comparable
        if held_out is not None and held_out.inputs is not None and held_out.inputs.shape[1:] == inputs.shape[1:]:
            judged = Data(
                held_out.inputs, self._targets(np.asarray(held_out.targets).reshape(len(held_out.inputs), -1))
            )
            clean = finite(judged.inputs) & finite(judged.targets)
            if judged.targets.shape[1:] == targets.shape[1:] and clean.sum() >= 10:
                return Data(inputs[:MOST_ROWS], targets[:MOST_ROWS]), Data(judged.inputs[clean], judged.targets[clean])
        order = np.random.default_rng(0).permutation(len(inputs))[: MOST_ROWS * 5 // 4]
        cut = len(order) // 5
        # In their own order, as the program has them.
        train, judge = np.sort(order[cut:]), np.sort(order[:cut])
        return Data(inputs[train], targets[train]), Data(inputs[judge], targets[judge])

    @property
    def judged_on(self) -> str:
        """Which rows `final` is of."""
        count = 0 if self.split is None else len(self.split[1].inputs)
        return (
            f"{count} rows that it was not trained on"
            if self.comparable is not None
            else f"{count} of the rows that it was trained on"
        )

    def _targets(self, targets: Floats) -> Floats:
        """Classes as rows of ones and zeros."""
        if not self.program.classes or (targets.dtype.kind == "f" and targets.shape[-1] > 1):
            return targets.astype(float)
        labels = targets.reshape(-1).astype(int)
        scores = self.program.first.predictions if self.program.first else labels
        count = max(2, labels.max() + 1, scores.shape[-1] if scores.ndim > 1 else 0)
        ones: Floats = np.eye(count)[np.clip(labels, 0, count - 1)]
        return ones

    def measure(self, predictions: Floats, truth: Floats) -> float:
        value = hits(predictions, truth) if self.program.classes else r2(predictions, truth)
        return value if np.isfinite(value) else float("-inf")

    # Trials.

    def use_reserve(self) -> None:
        """No more is looked for; the rest of the time is for weighing what was found."""
        self.end += RESERVED * self.seconds

    @property
    def out_of_time(self) -> bool:
        """No more can be tried."""
        return time.monotonic() > self.end

    def run(self, setup: Setup) -> float | None:
        """The score, median of three initial weights where that is cheap; None where it can't be tried or time is up."""
        if setup not in self.done:
            score = self._run(setup)
            if score is None:
                return None
            self.done[setup] = score
        return self.done[setup]

    def run_all(self, setups: Sequence[Setup]) -> None:
        """Run these side by side, where they are compiled; `run` then knows their scores."""
        if self.network is None or self.network.output is not None:
            return
        compiled = [setup for setup in dict.fromkeys(setups) if not eagerly(setup.steps)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self.run, compiled))

    def beyond_chance(self, setup: Setup, than: Setup) -> bool:
        """One does better than the other also on other rows of the kind, as far as those that it is judged by can tell.

        A paired bootstrap (Efron and Tibshirani 1993, An Introduction to the Bootstrap) over the judged rows.
        """
        if self.split is None or not {setup, than} <= self.answers.keys():
            return True  # One of them did not train at all.
        truth = self.split[1].targets
        drawn = np.random.default_rng(0).integers(len(truth), size=(RESAMPLES, len(truth)))
        better, worse = (self.answers[one].reshape(len(truth), -1) for one in (setup, than))
        gains = [self.measure(better[rows], truth[rows]) > self.measure(worse[rows], truth[rows]) for rows in drawn]
        return float(np.mean(gains)) >= SURE

    def _run(self, setup: Setup) -> float | None:
        if self.split is None or self.out_of_time:
            return None
        if not setup.finite:
            return float("-inf")
        if setup.misled or not setup.updates:
            return self.untrained
        train, judge = self.split
        as_asked = setup
        scaling = Scalings.of(train, setup.scale_inputs, setup.scale_targets and not self.program.classes)
        train, loss, optimizer = scaling.scaled(train), setup.loss, setup.optimizer
        rate = setup.factor
        if not setup.paired:
            # All pairs of a batch: by gradient the same as the mean for a target, for a sum with as many times the rate.
            rate *= (setup.batch or len(train.inputs)) if loss.reduction == "sum" else 1
            train = Data(train.inputs, np.broadcast_to(train.targets.mean(0), train.targets.shape).copy())
        if rate != 1 and isinstance(optimizer, SGD):  # The others divide a factor of the gradient out again.
            optimizer = replace(optimizer, learning_rate=optimizer.learning_rate * rate)
        setup = replace(setup, optimizer=optimizer, loss=loss, steps=min(setup.steps, MOST_STEPS))
        try:
            predictions = self._train(setup, train, scaling.inputs_of(judge.inputs))
        except (TimeUpError, InputError):
            return None
        if predictions is None:
            return None
        answers = [scaling.targets.from_network(p) for p in predictions]
        scores = [self.measure(answer, judge.targets) for answer in answers]
        middle = int(np.argsort(scores)[len(scores) // 2])
        self.answers[as_asked] = answers[middle]
        return scores[middle]

    @cached_property
    def untrained(self) -> float | None:
        """The score of the initial weights."""
        return self._as_it_is(trained=False)

    def _as_it_is(self, trained: bool) -> float | None:
        """The score of the captured network, without a step; None where there is none, or it does not take these rows."""
        if self.split is None or self.watcher is None or not self.program.training.replayable:
            return None
        train, judge = self.split
        plan = Replay(train, judge.inputs, Loss(), Adam(), Constant(), 0, None, trained=trained)
        try:
            return self.measure(self.watcher.replay(self.training, plan).predictions, judge.targets)
        except Exception:  # It is the user's own network.
            return None

    @cached_property
    def final(self) -> float | None:
        """The score of the weights as the program left them, in evaluation mode, on the rows that trials are judged by."""
        if self.split is None:
            return None
        if self.program.training.replayable and self.watcher is not None:
            return self._as_it_is(trained=True)
        judge = self.split[1]
        network = expressed(self.program, final=True)
        if network is None or network.output is not None:
            return None
        setup = Setup(Adam(), Loss(), None, 1)
        config = self._config(network.hidden, network.activation, judge, setup, Constant())
        backend = fastest(steps=0)
        trainer = backend.trainer(config, device="cpu", mode=backend.modes[0], dtype="float32")
        trainer.set_state(start(config, 0, network.parameters))
        return self.measure(
            trainer.predict(judge.inputs.reshape(len(judge.inputs), -1).astype(np.float32)), judge.targets
        )

    def _train(self, setup: Setup, train: Data, judge: Floats) -> Sequence[Floats] | None:
        network = self.network
        bare = network is not None and (network.output is None or setup.bare_output)
        if network is not None and bare and not setup.accumulate and not setup.still:
            return self._fit(setup, network, train, judge)
        return self._replay(setup, train, judge)

    def _fit(self, setup: Setup, network: Network, train: Data, judge: Floats) -> Sequence[Floats]:
        """By a compiled backend, from the captured weights and from two draws of fresh ones."""
        hidden = tuple(width * setup.width for width in network.hidden)
        if setup.layers is not None:
            hidden = (
                ((*hidden, hidden[-1]) if len(hidden) < setup.layers else hidden[: setup.layers])
                if hidden
                else (setup.width,)
            )
        config = self._config(hidden, setup.activation or network.activation, train, setup, setup.schedule)
        same = setup.as_captured or (
            setup.bare_output and setup.width == 1 and setup.layers is None and not setup.redraw
        )
        cheap = (
            setup.steps * (setup.batch or len(train.inputs)) * sum(a.size for a in network.parameters.values()) < CHEAP
        )
        draws = range(SEEDS if cheap and not same else 1)
        states = [start(config, seed, network.parameters if seed == 0 and same else None) for seed in draws]
        return self._fit_config(config, states, train, judge, self.order(len(train.inputs), setup))

    @staticmethod
    def _config(
        hidden: tuple[int, ...], activation: str | None, data: Data, setup: Setup, schedule: Schedule
    ) -> TrainingConfig:
        model = MLP(hidden, activation or "identity")  # type: ignore[arg-type]
        inputs, outputs = prod(data.inputs.shape[1:]), data.targets.shape[1]
        return TrainingConfig(model, inputs, outputs, setup.loss, setup.optimizer, schedule, None, setup.steps)

    def _fit_config(
        self, config: TrainingConfig, states: Sequence[State], train: Data, judge: Floats, order: BatchOrder
    ) -> Sequence[Floats]:
        backend = fastest(order.steps)
        trainer = backend.trainer(config, device="cpu", mode=backend.modes[0], dtype="float32")

        def watch_clock(steps: int) -> None:
            if time.monotonic() > self.end:
                raise TimeUpError

        flat = [array.reshape(len(array), -1).astype(np.float32) for array in (train.inputs, train.targets, judge)]
        histories = trainer.fit_many(
            states, Data(flat[0], flat[1]), order, evaluate=flat[2], evaluate_at=(order.steps,), progress=watch_clock
        )
        return [history.predictions[-1] for history in histories]

    def _replay(self, setup: Setup, train: Data, judge: Floats) -> Sequence[Floats] | None:
        """By the program's own framework, on the network itself."""
        scores = self.program.first.predictions if self.program.first else np.zeros(0)
        if self.program.classes and (scores.ndim < 2 or scores.shape[-1] != train.targets.shape[-1]):
            return None  # One score for two classes: the contract's loss wants one for each.
        changed = setup.layers is not None or setup.bare_output
        if self.watcher is None or not self.program.training.replayable or changed:
            return None
        own = next((o.name for o in self.program.operations if o.kind == "activation"), None)
        if setup.activation is not None and own is not None:
            return None
        order = self.order(len(train.inputs), setup)
        left = max(1.0, (self.end - time.monotonic()) / 3)
        plan = Replay(
            train,
            judge,
            setup.loss,
            setup.optimizer,
            setup.schedule,
            setup.steps,
            order.rows,
            accumulate=setup.accumulate,
            activate=setup.activation,
            redraw=setup.redraw or setup.width != 1,
            width=setup.width,
            still=setup.still,
            seconds=left,
        )
        return [self.watcher.replay(self.training, plan).predictions]

    def order(self, rows: int, setup: Setup) -> BatchOrder:
        """Seeded batches of the program's size."""
        if setup.batch is None or setup.batch >= rows:
            return BatchOrder(setup.steps)
        rng, epochs = np.random.default_rng(1), -(-setup.steps * setup.batch // rows)
        drawn = np.concatenate([rng.permutation(rows) for _ in range(epochs + 1)])[: setup.steps * setup.batch]
        return BatchOrder(setup.steps, drawn.reshape(setup.steps, setup.batch).astype(np.int32))

    @cached_property
    def ten_rows(self) -> float | None:
        """How well the network learns ten rows by heart, with a loss and an optimizer known to work."""
        if self.split is None or self.out_of_time:
            return None
        train = self.split[0]
        few = np.linspace(0, len(train.inputs) - 1, min(10, len(train.inputs))).astype(int)
        rows = Data(train.inputs[few], train.targets[few])
        scaling = Scalings.of(rows, False, not self.program.classes)
        loss = Loss("cross_entropy" if self.program.classes else "mse")
        setup = Setup(Adam(learning_rate=1e-2), loss, None, TEN_ROWS_STEPS)
        try:
            predictions = self._train(setup, scaling.scaled(rows), rows.inputs)
        except (TimeUpError, InputError):
            return None
        return None if predictions is None else self.measure(scaling.targets.from_network(predictions[0]), rows.targets)

    # Without the program's own network.

    @cached_property
    def attainable(self) -> float | None:
        """What a network known to learn well reaches on these rows: scaled data, silu, Adam with a falling rate."""
        if self.split is None:
            return None
        train, judge = self.split
        scaling = Scalings.of(train, True, not self.program.classes)
        scaled = scaling.scaled(train)
        batch = min(128, len(train.inputs))
        setup = Setup(Adam(learning_rate=5e-3), Loss("cross_entropy" if self.program.classes else "mse"), batch, 3000)
        config = self._config((64, 64), "silu", train, setup, Cosine())
        try:
            predictions = self._fit_config(
                config,
                [start(config, 0, None)],
                scaled,
                scaling.inputs_of(judge.inputs),
                self.order(len(train.inputs), setup),
            )
        except TimeUpError:
            return None
        return max(self.measure(scaling.targets.from_network(predictions[0]), judge.targets), *self.baselines.values())

    @cached_property
    def baselines(self) -> dict[str, float]:
        """What needs no network: the mean, linear least squares, the nearest rows."""
        if self.split is None:
            return {}
        train, judge = self.split
        scaling = Scalings.of(train, True, False)
        x, x_judge = (
            scaling.scaled(train).inputs.reshape(len(train.inputs), -1),
            scaling.inputs_of(judge.inputs).reshape(len(judge.inputs), -1),
        )
        mean = np.broadcast_to(train.targets.mean(0), judge.targets.shape)
        linear = least_squares(Data(x, train.targets), x_judge)
        return {
            "mean": self.measure(mean, judge.targets),
            "linear": self.measure(linear, judge.targets),
            "nearest rows": self.measure(train.targets[neighbours(x, x_judge, NEAREST)[1]].mean(1), judge.targets),
        }


def finite(array: Floats) -> NDArray[np.bool_]:
    """(N,) whether all numbers of a row are finite."""
    numbers = array.reshape(len(array), -1)
    whole: NDArray[np.bool_] = np.isfinite(numbers.astype(float)).all(1)
    return whole


def start(config: TrainingConfig, seed: int, parameters: Mapping[str, Floats] | None) -> State:
    """A state with these parameters, or with fresh ones."""
    specs = config.model.parameters(config.inputs, config.outputs)
    drawn = {spec.name: initial(spec, seed) for spec in specs} if parameters is None else parameters
    return replace(zero_state(config, "float32"), parameters=cast(drawn, "float32"))


def eagerly(steps: int) -> bool:
    """Whether so few steps are done sooner without compiling, by a PyTorch that the program has loaded anyway."""
    return steps <= FEW_STEPS and "torch" in sys.modules and registry.missing("torch") is None


def fastest(steps: int) -> Any:
    """The backend that has done so many steps first."""
    return registry.load("torch" if eagerly(steps) or registry.missing("jax") is not None else "jax")
