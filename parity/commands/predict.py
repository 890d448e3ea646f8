"""`parity predict`: what a kept network says of the rows of a table."""

import csv
import io
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import tyro
from numpy.typing import NDArray
from rich.console import Console
from rich.markup import escape

from parity.contract import InputError, require
from parity.contract.exporting import Variable
from parity.surrogate.loading import load
from parity.surrogate.surrogate import Surrogate
from parity.tables import Table, asked, read, read_standard_input

STANDARD_INPUT = "-"
OUTSIDE = "outside"
SHOWN = 5


@dataclass(frozen=True)
class PredictOptions:
    """What a kept network says of the rows of a table.

    The table is one that `parity run` reads, with a column for each input, in any order, other columns left out; the answer is
    CSV with the inputs, the outputs, and a column `outside` that names the inputs which are not within the range that was
    trained on.
    """

    model: tyro.conf.Positional[Path]
    """The folder that `parity run --save` left."""
    table: tyro.conf.Positional[str]
    """Text (commas, semicolons, tabs or blanks between the cells) or Parquet; - reads standard input."""
    backend: Literal["numpy", "jax", "torch"] = "numpy"
    """What evaluates the network, in float64."""
    out: Path | None = None
    """File to write to instead of standard output."""
    overwrite: bool = False
    """Replace the file."""


def main(arguments: list[str]) -> int:
    """`parity predict MODEL/ TABLE [OPTIONS]`."""
    options = tyro.cli(PredictOptions, args=arguments, prog="parity predict")
    check_free(options.out, options.overwrite)
    surrogate = load(options.model)
    table = read_standard_input() if options.table == STANDARD_INPUT else read(options.table)
    rows = asked(table, [variable.symbol for variable in surrogate.inputs])
    outputs = surrogate(rows, backend=options.backend)
    outside = surrogate.outside(rows)
    text = as_csv(surrogate, rows, outputs, outside)
    if options.out is None:
        sys.stdout.write(text)
    else:
        write(options.out, text.encode())
    tell_outside(surrogate, table, rows, outside, Console(stderr=True, soft_wrap=True, highlight=False))
    return 0


def as_csv(
    surrogate: Surrogate, inputs: NDArray[np.float64], outputs: NDArray[np.float64], outside: NDArray[np.bool_]
) -> str:
    """Inputs, outputs and what is outside, each number in the fewest digits that give the same number back."""
    symbols = np.array([variable.symbol for variable in surrogate.inputs])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*symbols, *(variable.symbol for variable in surrogate.outputs), OUTSIDE])
    for row, predicted, out in zip(inputs.tolist(), outputs.tolist(), outside, strict=True):
        writer.writerow([*map(repr, row), *map(repr, predicted), " ".join(symbols[out])])
    return text.getvalue()


def tell_outside(
    surrogate: Surrogate, table: Table, inputs: NDArray[np.float64], outside: NDArray[np.bool_], console: Console
) -> None:
    """Say which rows are extrapolated: how many, and the first few."""
    rows = np.flatnonzero(outside.any(axis=1))
    if not len(rows):
        return
    console.print(
        f"[bold yellow]warning:[/bold yellow] {len(rows)} of {len(outside)} rows are outside the range that was trained on; "
        "what is said of them is extrapolated."
    )
    for row in rows[:SHOWN]:
        values = [
            f"{variable.symbol} is {value:g}, trained from {variable.low:g} to {variable.high:g}{unit(variable)}"
            for variable, value, out in zip(surrogate.inputs, inputs[row], outside[row], strict=True)
            if out
        ]
        console.print(escape(f"  {table.place(row)}: {'; '.join(values)}"))
    if len(rows) > SHOWN:
        console.print(f"  and {len(rows) - SHOWN} more; the column `{OUTSIDE}` has them all")


def unit(variable: Variable) -> str:
    """Behind a number; nothing of what has none."""
    return "" if variable.unit == "-" else f" {variable.unit}"


def check_free(path: Path | None, overwrite: bool) -> None:
    """InputError where a file is there already and is to be kept."""
    require(
        path is None or overwrite or not path.exists(),
        f"{path} is there already, and it is kept. Name another file (--out), or give --overwrite to replace it.",
    )


def write(path: Path, content: bytes) -> None:
    """Write a file; InputError where that can't be done."""
    try:
        path.write_bytes(content)
    except OSError as error:
        raise InputError(f"{path} can't be written: {error.strerror}. Name another file (--out).") from None
