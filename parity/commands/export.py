"""`parity export`: a kept network in a format that runs without Parity."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console
from rich.markup import escape

from parity import registry
from parity.commands.predict import check_free
from parity.commands.status import EXIT_STATUS
from parity.contract import InputError
from parity.contract.exporting import Dtype
from parity.surrogate.checking import HALF_THE_DIGITS, ROWS, deviation
from parity.surrogate.loading import load

Format = Literal["onnx", "torch", "jax", "c"]


@dataclass(frozen=True)
class ExportOptions:
    """Write a kept network in a format that runs without Parity: own units in, own units out."""

    model: tyro.conf.Positional[Path]
    """The folder that `parity run --save` left."""
    format: Annotated[Format, tyro.conf.arg(aliases=["-f"])]
    """onnx, torch (torch.export), jax (jax.export, StableHLO) or c (C99)."""
    dtype: Dtype = "float64"
    """Of the numbers inside, and of those that go in and come out."""
    out: Path | None = None
    """File to write; the problem's name in this folder where none is named."""
    overwrite: bool = False
    """Replace the file."""


def main(arguments: list[str]) -> int:
    """`parity export MODEL/ --format FORMAT [OPTIONS]`."""
    options = tyro.cli(ExportOptions, args=arguments, prog="parity export")
    surrogate = load(options.model)
    exporter = registry.exporter(options.format)
    out = options.out or Path(f"{Path(surrogate.card.name).stem}{exporter.suffix}")
    check_free(out, options.overwrite)
    try:
        evaluate = exporter.write(surrogate.network.cast(options.dtype), out)
    except OSError as error:
        raise InputError(f"{out} can't be written: {error.strerror}. Name another file (--out).") from None
    console = Console(soft_wrap=True, highlight=False)
    console.print(escape(f"{out} has the network of {options.model}, {options.dtype}, {out.stat().st_size:,} bytes."))
    if exporter.note:
        console.print(escape(exporter.note))
    if evaluate is None:
        console.print("It was not checked: nothing here can evaluate it.")
        return 0
    off = deviation(surrogate, evaluate)
    console.print(
        f"On {ROWS:,} random rows of the trained ranges it is at most {off:.1e} off what NumPy says in float64, as a share of "
        "each output's largest value."
    )
    # Written so that a deviation which is no number is a failure too.
    if off <= HALF_THE_DIGITS[options.dtype]:
        return 0
    console.print(f"[bold red]That is more than half of {options.dtype}'s digits:[/bold red] don't use the file.")
    return EXIT_STATUS["different"]
