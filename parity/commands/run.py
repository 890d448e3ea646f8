"""`parity run`: train every contender and compare them."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

import parity
from parity.commands.experiment import Kinds, parse
from parity.commands.status import EXIT_STATUS
from parity.compiled import compile_anew
from parity.experiment import Experiment
from parity.report.terminal import Bars, show
from parity.result import Result
from parity.surrogate.saving import chosen


@dataclass(frozen=True)
class RunOptions:
    """Train every contender and compare them, rung by rung."""

    experiment: Annotated[Experiment, tyro.conf.arg(name=""), tyro.conf.AvoidSubcommands]
    kinds: Annotated[Kinds, tyro.conf.arg(name="")]  # type: ignore[valid-type]
    out: Path | None = None
    """Folder to leave the run in; runs/PROBLEM-DATE-TIME where none is named."""
    overwrite: bool = False
    """Replace the run, or the model, that the folder holds."""
    save: Path | None = None
    """Folder to keep the trained network in, for `parity predict` and `parity export`."""
    throughput: bool = True
    """Time each contender in a process of its own, where the ladder held."""
    cache: bool = True
    """Keep what is compiled, and take what was kept; --no-cache compiles all anew, as a first run does."""


def main(arguments: list[str]) -> int:
    """`parity run [PROBLEM, TABLE or FILE.toml] [OPTIONS]`."""
    options = parse_run(arguments)
    experiment = options.experiment
    if not options.cache:
        compile_anew()
    out = options.out or Path("runs") / f"{Path(experiment.problem).resolve().stem}-{datetime.now():%Y%m%d-%H%M%S}"
    console = Console()
    result = parity.run(
        experiment,
        out=out,
        save=options.save,
        overwrite=options.overwrite,
        throughput=options.throughput,
        watcher=Bars(console),
    )
    show(result, console)
    console.print(f"Kept in {out}", highlight=False, soft_wrap=True)
    if options.save is not None:
        console.print(_saved(result, options.save), highlight=False, soft_wrap=True)
    return EXIT_STATUS[result.verdict]


def _saved(result: Result, path: Path) -> str:
    contender = chosen(result)
    if contender is None:
        return f"Nothing was kept in {path}: no run of the reference was trained to its end with finite weights."
    return f"The network of {contender} is kept in {path}"


def parse_run(arguments: list[str]) -> RunOptions:
    """Options of `parity run`."""
    return parse(arguments, RunOptions, "parity run")
