"""Results as JSON Lines: a row a contender and network, appended and never overwritten, with all of its environment."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from parity.contract import InputError, require
from parity.files import finite
from parity.records import structured
from parity.throughput.conditions import Conditions

SCHEMA = 1
Class = Literal["idiomatic", "tuned", "peer", "limit"]


@dataclass(frozen=True)
class Phases:
    """What a process of a contender does before it is as fast as it gets, in seconds, and the memory that it took."""

    import_seconds: float
    """Importing the framework and finding the device."""
    transfer_seconds: float
    """Data and order to where training reads them, and back."""
    first_step_seconds: float
    """Making a trainer, and its first step, compiling with it."""
    compile_seconds: float
    """What the first run takes beyond a second one of as many steps: tracing and compiling."""
    idle_bytes: int
    """The process's memory before there was a trainer: Python, the framework, and the data."""
    peak_bytes: int
    """Its largest from then on; where the system can't forget, of all its life."""
    warm_compile_seconds: float | None = None
    """As compile_seconds, where what was compiled lies on the disk."""


@dataclass(frozen=True)
class Row:
    """What was measured of one contender on one network. Numbers are None where nothing was, and `void` says why."""

    schema: int
    key: str
    """SHA-256 of all that was asked, and of what ran it."""
    when: str
    """UTC, as ISO 8601."""
    backend: str
    mode: str
    class_: Class
    """Written `class`: the loop that a framework's documentation shows, a faster one, another library, or the limit."""
    device: str
    dtype: str
    threads: int
    network: str
    """The network, its loss and optimizer in words."""
    widths: tuple[int, ...]
    """Inputs, hidden layers, outputs."""
    batch_size: int
    void: str = ""
    """Why there is no figure, or none that may be compared; empty where all held."""
    clock: str = ""
    """`cpu` or `wall`."""
    seconds_per_step: float | None = None
    interval: tuple[float, float] | None = None
    """Of the seconds a step, 95 %."""
    reference: str = ""
    """What it was compared with, or was to be."""
    ratio: float | None = None
    """How many times as long a step takes as the reference's, in turns with it."""
    ratio_interval: tuple[float, float] | None = None
    equal_within: float | None = None
    """The least margin within which the two are equal by two one-sided tests."""
    pairs: int = 0
    turns: str = ""
    """Those that it was sampled in: rows with the same were timed side by side, sample by sample."""
    flops: int | None = None
    """Operations of a step, counted from the shapes."""
    bytes: int | None = None
    """Read and written in a step, counted alike."""
    limit: str = ""
    """What it is held against: a loop in C, with its flags, or the roofline."""
    matmul_rate: float | None = None
    """Operations a second of this machine's matrix product."""
    copy_rate: float | None = None
    """Bytes a second of its copy."""
    limit_seconds: float | None = None
    limit_ratio: float | None = None
    """How many times as long a step takes as the limit."""
    rate_share: float | None = None
    """Operations a second, as a share of the machine's measured matrix product."""
    steps_per_second: float | None = None
    rows_per_second: float | None = None
    models_per_second: float | None = None
    """Whole runs of the experiment, several at once where the mode can."""
    compile_seconds: float | None = None
    phases: Phases | None = None
    whole_seconds: float | None = None
    """The experiment's whole run, from starting Python's import of the framework to the end."""
    target_seconds: float | None = None
    """The same up to the target accuracy."""
    break_even_steps: int | None = None
    """Steps after which it is ahead of the reference, what comes before the steady state with it."""
    noise: float | None = None
    """How far two processes of one program may seem to be apart, as a share, from those of the reference."""
    unpublishable: tuple[str, ...] = ()
    """Why the figures are not to be published; empty where they may be."""
    audit: dict[str, Any] = field(default_factory=dict)
    samples: tuple[float, ...] = ()
    """Seconds a step; of the reference the means of its processes in each round."""
    conditions: tuple[Conditions, ...] = ()
    """What the machine was like in each sample."""
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def contender(self) -> str:
        """As the harness spells it."""
        return f"{self.backend}:{self.device}:{self.mode}:{self.dtype}"

    @property
    def cell(self) -> tuple[Any, ...]:
        """The network that it was measured on; rows of one cell may be compared."""
        return (self.network, self.widths, self.batch_size, self.dtype, self.threads)


NAMES = {each.name: each.name.rstrip("_") for each in fields(Row)}


def append(path: Path, rows: Iterable[Row]) -> None:
    """Write rows behind those that are there; InputError where that can't be done."""
    lines = [json.dumps(_told(row), allow_nan=False, ensure_ascii=False) + "\n" for row in rows]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write("".join(lines))
    except OSError as error:
        raise InputError(f"{path} can't be written to: {error.strerror}. Name another file (--json).") from None


def read_rows(path: Path) -> list[Row]:
    """The rows of a file; InputError names the line and what is wrong with it."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise InputError(f"There is no file {str(path)!r}. `parity bench --json {path}` makes one.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} can't be read: {error}. Expected JSON Lines of `parity bench`.") from None
    return [_row(line, f"{path}, line {number}") for number, line in enumerate(lines, start=1) if line.strip()]


def latest(rows: Sequence[Row]) -> list[Row]:
    """Of each contender and network the row measured last."""
    return list({(row.cell, row.contender, row.class_): row for row in rows}.values())


def _told(row: Row) -> dict[str, Any]:
    told: dict[str, Any] = finite({NAMES[key]: value for key, value in asdict(row).items()})
    return told


def _row(line: str, where: str) -> Row:
    try:
        table = json.loads(line)
    except json.JSONDecodeError as error:
        raise InputError(f"{where} is not JSON: {error}. Remove it, or measure again into another file.") from None
    require(isinstance(table, dict), f"{where} is no object in braces; expected a row of `parity bench`.")
    schema = table.get("schema")
    require(
        schema == SCHEMA,
        f"{where} has the schema {schema!r}; this version reads {SCHEMA}. "
        + (
            "Install a newer parity."
            if isinstance(schema, int) and schema > SCHEMA
            else "Measure again, into another file."
        ),
    )
    keys = {name: key for key, name in NAMES.items()}
    return structured({keys.get(name, name): value for name, value in table.items()}, Row, where)
