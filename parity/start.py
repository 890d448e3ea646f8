"""Start: everything a run starts from, drawn once in NumPy, so that no backend draws anything."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import sqrt
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from parity.contract import (
    Arrays,
    BatchOrder,
    Data,
    LevenbergMarquardt,
    Scaling,
    Solver,
    State,
    TensorSpec,
    TrainingConfig,
    logarithms,
    require,
    zero_state,
)
from parity.experiment import Experiment
from parity.problems import Problem, draw_rows, settled

Floats = NDArray[np.float64]
LARGEST_BYTES = 4 * 2**30
STEP_BYTES = 32
"""What a step takes at least: its loss, its learning rate and the corrections of its optimizer."""


@dataclass(frozen=True)
class Start:
    """What every contender is given; float64 until `cast`."""

    experiment: Experiment
    """What it was drawn for."""
    problem: Problem
    config: TrainingConfig
    train: Data
    """Training rows, in network units."""
    held_out: Data
    """Held-out rows, in network units."""
    truth: Data
    """Held-out rows, in the problem's own units."""
    train_truth: Data
    """Training rows, in the problem's own units."""
    inputs: Scaling
    targets: Scaling
    state: State
    order: BatchOrder
    hashes: Mapping[str, str]
    """SHA-256 of data, split, parameters, buffers, order, masks and config."""

    @cached_property
    def test(self) -> Data:
        """Rows of their own by which the final accuracy is judged, in the problem's own units; of a table those held out."""
        if self.problem.table is not None:
            return self.truth
        return draw_rows(self.problem, self.experiment.test_rows, stream("test", self.experiment.data_seed))

    def cast(self, dtype: str) -> tuple[State, Data, Data]:
        """State, training data and held-out data, rounded once to a dtype."""
        state = State(
            cast(self.state.parameters, dtype),
            cast(self.state.buffers, dtype),
            {slot: cast(arrays, dtype) for slot, arrays in self.state.optimizer.items()},
        )
        train, held_out = (
            Data(data.inputs.astype(dtype), data.targets.astype(dtype)) for data in (self.train, self.held_out)
        )
        return state, train, held_out


def draw(experiment: Experiment) -> Start:
    """Draw all that an experiment starts from; the same experiment gives the same bytes."""
    settled_experiment, problem = settled(experiment)
    return draw_from(settled_experiment, problem, rows_of(settled_experiment, problem))


def draw_from(experiment: Experiment, problem: Problem, rows: Data) -> Start:
    """What an experiment starts from, of rows that are there already."""
    config = training_config(experiment, problem)
    held_out, train = split(experiment, problem)
    inputs, targets = scalings(experiment, problem, Data(rows.inputs[train], rows.targets[train]))
    scaled = Data(inputs.to_network(rows.inputs), targets.to_network(rows.targets))
    state = draw_state(experiment, config)
    order = draw_order(experiment)
    parts: dict[str, Arrays] = {
        "data": {"inputs": rows.inputs, "targets": rows.targets},
        "split": {"held_out": held_out, "train": train},
        "parameters": state.parameters,
        "buffers": state.buffers,
        "order": {} if order.rows is None else {"rows": order.rows},
        "masks": order.masks,
    }
    return Start(
        experiment=experiment,
        problem=problem,
        config=config,
        train=take(scaled, train),
        held_out=take(scaled, held_out),
        truth=take(rows, held_out),
        train_truth=take(rows, train),
        inputs=inputs,
        targets=targets,
        state=state,
        order=order,
        hashes={name: digest(arrays) for name, arrays in parts.items()} | {"config": digest_text(repr(config))},
    )


def reseeded(start: Start, seed: int) -> Start:
    """The same data with weights, order and masks of another seed."""
    experiment = replace(start.experiment, seed=seed % 2**32)
    return replace(
        start, experiment=experiment, state=draw_state(experiment, start.config), order=draw_order(experiment)
    )


def training_config(experiment: Experiment, problem: Problem) -> TrainingConfig:
    """What a backend is told, checked against the problem."""
    classes = problem.task == "classification"
    kind = experiment.loss.kind
    require(
        (kind == "cross_entropy") == classes,
        f"loss.kind is {kind!r}, but the targets of {problem.name} are {'classes' if classes else 'numbers'}; expected "
        + ("cross_entropy." if classes else "mse, mae, huber or log_cosh."),
    )
    config = TrainingConfig(
        model=experiment.model,
        inputs=len(problem.inputs),
        outputs=len(problem.outputs),
        loss=experiment.loss,
        optimizer=experiment.optimizer,
        schedule=experiment.schedule,
        clip_norm=experiment.clip_norm,
        steps=experiment.steps,
    )
    if isinstance(config.optimizer, Solver):
        check_solver(experiment, config)
    return config


def check_solver(experiment: Experiment, config: TrainingConfig) -> None:
    """Raise InputError unless a solver sees all rows at once and its matrices have room in memory."""
    name = type(config.optimizer).__name__
    require(
        experiment.batch_size is None,
        f"{name} steps on all training rows at once, and batch_size is {experiment.batch_size}; expected None "
        "(--batch-size None).",
    )
    if not isinstance(config.optimizer, LevenbergMarquardt):
        return
    square, row = 8 * config.size**2, 8 * config.size * config.outputs
    require(
        3 * square <= LARGEST_BYTES,
        f"{name} factors a matrix of {config.size:,} x {config.size:,} numbers, which takes {3 * square / 2**30:.1f} GiB; "
        f"expected at most {LARGEST_BYTES / 2**30:.0f} GiB. Take narrower layers, or --optimizer lbfgs.",
    )
    held = row * min(config.block_rows, experiment.train_rows)
    require(
        3 * held <= LARGEST_BYTES,
        f"optimizer.block_rows is {config.block_rows}: the Jacobian of so many rows takes {3 * held / 2**30:.1f} GiB; "
        f"expected at most {LARGEST_BYTES / 2**30:.0f} GiB. Take block_rows = {LARGEST_BYTES // (3 * row)} or fewer, or None.",
    )


def rows_of(experiment: Experiment, problem: Problem) -> Data:
    """All rows, training and held out, in the problem's own units; InputError where one is not finite."""
    if problem.table is not None:
        return problem.table
    return draw_rows(problem, experiment.rows, stream("data", experiment.data_seed))


def split(experiment: Experiment, problem: Problem) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Held-out and training rows: the permutation of RandomState cut as scikit-learn's train_test_split cuts it."""
    if problem.given_split is not None:
        return problem.given_split
    permutation = np.random.RandomState(experiment.split_seed).permutation(experiment.rows)
    held_out = experiment.rows - experiment.train_rows
    return permutation[:held_out].astype(np.int64), permutation[held_out:].astype(np.int64)


def scalings(experiment: Experiment, problem: Problem, train: Data) -> tuple[Scaling, Scaling]:
    """Scalings of inputs and targets, from the training rows alone; classes are left as they are."""
    inputs, targets = (np.array([q.log for q in side]) for side in (problem.inputs, problem.outputs))
    numbers = experiment.standardize and problem.task == "regression"
    return scaling(train.inputs, inputs, experiment.standardize), scaling(train.targets, targets, numbers)


def scaling(columns: Floats, log: NDArray[np.bool_], standardize: bool) -> Scaling:
    """To mean 0 and standard deviation 1 (population form) of the columns, or their logarithms, where that is asked for.

    A constant column is only shifted.
    """
    if not standardize:
        return Scaling(np.zeros(columns.shape[1]), np.ones(columns.shape[1]), log)
    seen = logarithms(columns, log)
    # The deviation of a constant is its mean's rounding, not 0.
    varies = (seen != seen[0]).any(axis=0)
    return Scaling(seen.mean(axis=0), np.where(varies, seen.std(axis=0), 1.0), log)


def draw_state(experiment: Experiment, config: TrainingConfig) -> State:
    """The first state, float64."""
    zero = zero_state(config, "float64")
    parameters = config.model.parameters(config.inputs, config.outputs)
    return State(
        {spec.name: initial(spec, experiment.seed) for spec in parameters},
        {spec.name: initial(spec, experiment.seed) for spec in config.model.buffers()},
        zero.optimizer,
    )


def initial(spec: TensorSpec, seed: int) -> Floats:
    """First values of a tensor, from a stream of its own name, so that another layer changes nothing here.

    uniform_fan_in: U(-1, 1)/sqrt(fan_in), PyTorch's default for Linear; lecun_normal: N(0, 1/fan_in) (LeCun et al. 1998,
    doi 10.1007/3-540-49430-8_2); he_normal: N(0, 2/fan_in) (He et al. 2015, arXiv:1502.01852).
    """
    random = stream(spec.name, seed)
    draw: dict[str, Callable[[], Floats]] = {
        "uniform_fan_in": lambda: random.uniform(-1.0, 1.0, spec.shape) / sqrt(spec.fan_in),
        "lecun_normal": lambda: random.standard_normal(spec.shape) / sqrt(spec.fan_in),
        "he_normal": lambda: random.standard_normal(spec.shape) * sqrt(2.0 / spec.fan_in),
        "zeros": lambda: np.zeros(spec.shape),
        "ones": lambda: np.ones(spec.shape),
    }
    return draw[spec.initial]()


def draw_order(experiment: Experiment) -> BatchOrder:
    """Which rows each step sees, a new permutation an epoch, and the masks of each step."""
    steps, batch, train = experiment.steps, experiment.batch_rows, experiment.train_rows
    masks = experiment.model.masks()
    size = steps * (STEP_BYTES + batch * ((0 if experiment.batch_size is None else 4) + sum(masks.values())))
    require(
        size <= LARGEST_BYTES,
        f"The order, masks and losses of {steps} steps with {batch} rows would take {size / 2**30:.1f} GiB; expected at most "
        f"{LARGEST_BYTES / 2**30:.0f} GiB. Train for fewer epochs, on fewer rows, or with narrower layers.",
    )
    rows = None
    if experiment.batch_size is not None:
        random = stream("order", experiment.seed)
        whole = train if experiment.last_batch == "wrap" else train - train % batch
        epochs = [random.permutation(train)[:whole].astype(np.int32) for _ in range(experiment.epochs)]
        rows = np.concatenate(epochs)[: steps * batch].reshape(steps, batch)
    keep = experiment.model.keep_probability()
    drawn = {
        name: draw_mask(stream(name, experiment.seed), (steps, batch, width), keep) for name, width in masks.items()
    }
    return BatchOrder(steps, rows, drawn)


def draw_mask(random: np.random.Generator, shape: tuple[int, int, int], keep: float) -> NDArray[np.bool_]:
    """True with probability `keep`, drawn step by step to bound the memory."""
    mask = np.empty(shape, bool)
    for step in mask:
        step[:] = random.random(shape[1:]) < keep
    return mask


def stream(name: str, seed: int) -> np.random.Generator:
    """Random numbers of their own for each purpose."""
    return np.random.default_rng([seed, crc32(name.encode())])


def take(data: Data, rows: NDArray[np.int64]) -> Data:
    """Some rows of data."""
    return Data(data.inputs[rows], data.targets[rows])


def cast(arrays: Arrays, dtype: str) -> Arrays:
    """The arrays in another dtype."""
    return {name: array.astype(dtype) for name, array in arrays.items()}


def digest(arrays: Arrays) -> str:
    """SHA-256 over names, dtypes, shapes and bytes."""
    total = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        total.update(f"{name} {array.dtype.str} {array.shape}".encode())
        total.update(array.tobytes())
    return total.hexdigest()


def digest_text(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()
