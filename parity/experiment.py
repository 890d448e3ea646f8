"""Experiment: everything that defines a run."""

from dataclasses import dataclass, field
from math import ceil, inf
from typing import Annotated, Literal, get_args

from tyro.conf import Suppress, UseAppendAction, arg

from parity.columns import Columns
from parity.contract import MLP, Adam, Cosine, Loss, Model, Optimizer, RegularizedMLP, Schedule, require, require_choice
from parity.contract.training import check_clip_norm

LastBatch = Literal["drop", "wrap"]


@dataclass(frozen=True)
class Experiment:
    """Everything that defines a run; a run is repeated from this record alone."""

    problem: str = "paraboloid"
    """Name of the problem (`parity problems` lists them), or the path of a table as seen from where the run starts."""
    rows: int = 1000
    """Rows drawn, training and held out together; of a table all that it has."""
    columns: Annotated[Columns, arg(name="")] = field(default_factory=Columns)
    """What the columns of a table are; empty for a problem of the catalogue."""
    table_sha256: Annotated[str, Suppress] = ""
    """SHA-256 of the table, which a run that is repeated must find again; filled in by the run."""
    test_rows: int = 10_000
    """Rows drawn besides, never trained on, by which the final accuracy is judged; a table is judged by its held-out rows."""
    held_out: float = 0.15
    """Share of the rows that is kept for judging, rounded up to a whole row."""
    standardize: bool = True
    """Scale inputs and targets to mean 0 and standard deviation 1 of the training rows."""
    data_seed: int = 0
    """Seed of the rows."""
    split_seed: int = 42
    """Seed of the permutation that splits them; of a table with splits of its own, which of them, counted from 0."""
    seed: int = 0
    """Seed of the initial weights, the batch order and the masks."""
    seeds: int = 1
    """Runs from `seed`, `seed` + 1, ... whose outcomes are compared; one is described and not judged."""
    splits: int = 1
    """Splits from `split_seed`, `split_seed` + 1, ... over which the accuracy is averaged, with its standard error."""
    margin: float = 0.5
    """Mean difference up to which outcomes count as equivalent, in standard deviations of the reference's own seeds."""
    model: Model = field(default_factory=MLP)
    """The network."""
    loss: Loss = field(default_factory=Loss)
    """The loss."""
    optimizer: Optimizer = field(default_factory=lambda: Adam(learning_rate=1e-2))
    """The optimizer."""
    schedule: Schedule = field(default_factory=Cosine)
    """The learning rate over the steps."""
    clip_norm: float | None = None
    """Largest global norm of the gradient."""
    epochs: int = 10_000
    """Passes over the training rows."""
    batch_size: int | None = None
    """Rows of a batch; None takes all training rows at once, in their own order."""
    last_batch: LastBatch = "drop"
    """What becomes of an epoch's last, short batch. drop: its rows sit out this epoch; wrap: it is filled from the next."""
    target_r2: float = 0.999
    """The R2 on the held-out rows whose first step is reported."""
    contender: Annotated[tuple[str, ...], UseAppendAction] = ()
    """What is compared, as backend:device:mode:dtype, parts left out at will; none means both twins."""
    replicas: int = 16
    """Perturbed replicas of the reference, from which it is measured how far rounding may bring two correct runs apart."""
    false_alarm: float | None = None
    """The rate of correct runs whose rungs, or trajectories, may alarm; None takes the smallest that is supported."""
    arbiter: str = ""
    """A further backend whose float64 run says which side is off; none where it is empty."""
    reference: str = "torch:cpu"
    """What the contenders are compared with, in their own dtype unless it names one."""

    def __post_init__(self) -> None:
        for name in ("rows", "test_rows", "epochs", "seeds", "splits"):
            value = getattr(self, name)
            require(value >= 1, f"{name} is {value!r}; expected a whole number of at least 1.")
        for name in ("data_seed", "split_seed", "seed"):
            value = getattr(self, name)
            require(0 <= value < 2**32, f"{name} is {value!r}; expected a whole number from 0 to 2^32 - 1.")
        last = self.seed + self.seeds - 1
        require(
            last < 2**32, f"seed is {self.seed} and seeds {self.seeds}; expected the last, {last}, to be below 2^32."
        )
        require(
            0 < self.margin < inf,
            f"margin is {self.margin!r}; expected a finite number above 0: it is a share of the reference's own spread, and "
            "nothing is ever equivalent to within 0.",
        )
        require(0 < self.held_out < 1, f"held_out is {self.held_out!r}; expected a share between 0 and 1.")
        check_clip_norm(self.clip_norm)
        require(-inf < self.target_r2 <= 1, f"target_r2 is {self.target_r2!r}; expected a number of at most 1.")
        require(
            self.false_alarm is None or 0 < self.false_alarm < 1,
            f"false_alarm is {self.false_alarm!r}; expected a rate between 0 and 1, or None.",
        )
        require_choice("last_batch", self.last_batch, get_args(LastBatch))
        last = self.split_seed + self.splits - 1
        require(
            last < 2**32,
            f"split_seed is {self.split_seed} and splits {self.splits}; expected the last, {last}, to be below 2^32.",
        )
        self._check_batches()

    def _check_batches(self) -> None:
        train = self.train_rows
        require(
            train >= 2 and self.rows - train >= 2,
            f"rows is {self.rows} and held_out {self.held_out!r}, which leaves {train} rows to train on and "
            f"{self.rows - train} to judge by; expected at least 2 of each. Draw more rows.",
        )
        if self.batch_size is not None:
            require(
                self.batch_size >= 1, f"batch_size is {self.batch_size}; expected at least 1, or None for all rows."
            )
            require(
                self.batch_size <= train,
                f"batch_size is {self.batch_size}, but there are {train} training rows; "
                f"expected at most {train}, or None for all rows.",
            )
        require(
            self.batch_rows >= 2 or not isinstance(self.model, RegularizedMLP),
            f"batch_size is {self.batch_size}; batch normalisation needs at least 2 rows to have a variance.",
        )

    @property
    def train_rows(self) -> int:
        """N, the rows that are trained on; the held-out share is rounded up, as scikit-learn's train_test_split does."""
        return self.rows - ceil(self.rows * self.held_out)

    @property
    def batch_rows(self) -> int:
        """B, the rows of every batch."""
        return self.train_rows if self.batch_size is None else self.batch_size

    @property
    def steps(self) -> int:
        """S, the steps of the whole run."""
        if self.last_batch == "wrap":
            return self.epochs * self.train_rows // self.batch_rows
        return self.epochs * (self.train_rows // self.batch_rows)
