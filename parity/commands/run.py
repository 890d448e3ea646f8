"""`parity run`: train every contender and compare them."""

import os
from dataclasses import dataclass, make_dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

import parity
from parity.columns import Columns
from parity.commands.status import EXIT_STATUS
from parity.compiled import compile_anew
from parity.contract import require
from parity.experiment import Experiment
from parity.kinds import KINDS, kind_of
from parity.nearest import suggestion
from parity.problems import CATALOGUE, is_own, recipe
from parity.records import read_experiment
from parity.report.terminal import Bars, show
from parity.result import Result
from parity.surrogate.saving import chosen

# `--optimizer adam` picks the class whose fields are then options: `--optimizer.b1 0.9`.
Kinds = make_dataclass(
    "Kinds",
    [
        (
            name,
            Annotated[str | None, tyro.conf.arg(help=f"Which {name}.", metavar="{" + ",".join(kinds) + "}")],
            None,
        )
        for name, kinds in KINDS.items()
    ],
    frozen=True,
)


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
    """Options of `parity run`: defaults are the recipe of the problem, or what the file says."""
    named = bool(arguments) and not arguments[0].startswith("-")
    rest = arguments[1:] if named else arguments
    without_help = [argument for argument in rest if argument not in ("-h", "--help")]
    option, _ = tyro.cli(ProblemOption, args=without_help, return_unknown_args=True, prog="parity run", add_help=False)
    columns, _ = tyro.cli(Columns, args=without_help, return_unknown_args=True, prog="parity run", add_help=False)
    base = _base(arguments[0] if named else option.problem, columns)
    kinds: Kinds  # type: ignore[valid-type]
    kinds, _ = tyro.cli(Kinds, args=without_help, return_unknown_args=True, prog="parity run", add_help=False)
    for name, kind in vars(kinds).items():
        if kind is not None and kind != kind_of(getattr(base, name)):
            require(kind in KINDS[name], f"There is no {name} {kind!r}. {suggestion(str(kind), KINDS[name])}")
            base = replace(base, **{name: KINDS[name][kind]()})
    if any(argument.split("=")[0] == "--contender" for argument in rest):
        # Those on the command line replace the file's, and are not added to them.
        base = replace(base, contender=())
    kinds = Kinds(**{name: kind_of(getattr(base, name)) for name in KINDS})
    default = RunOptions(experiment=base, kinds=kinds)
    return tyro.cli(RunOptions, args=rest, default=default, prog="parity run [PROBLEM, TABLE or FILE.toml]")


@dataclass(frozen=True)
class ProblemOption:
    """The problem where it is named as an option and not in front."""

    problem: str = "paraboloid"


def _base(name: str, columns: Columns) -> Experiment:
    record = Path(name) / "experiment.toml"
    if name not in CATALOGUE and os.path.exists(record):
        return read_experiment(record)
    if name.endswith(".toml"):
        return read_experiment(Path(name))
    return recipe(name, columns=columns) if is_own(name) else recipe(name)
