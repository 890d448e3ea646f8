"""An experiment on the command line: a problem, a table or a file in front, and every constant of it as an option."""

import os
from dataclasses import dataclass, make_dataclass, replace
from pathlib import Path
from typing import Annotated, Any, TypeVar

import tyro

from parity.columns import Columns
from parity.contract import require
from parity.experiment import Experiment
from parity.kinds import KINDS, kind_of
from parity.nearest import suggestion
from parity.problems import CATALOGUE, is_own, recipe, unchecked_table_recipe
from parity.records import read_experiment

Options = TypeVar("Options", bound=Any)

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


def parse(arguments: list[str], options: type[Options], command: str) -> Options:
    """Options with an experiment among them: its defaults are the recipe of the problem, or what the file says."""
    named = bool(arguments) and not arguments[0].startswith("-")
    rest = arguments[1:] if named else arguments
    without_help = [argument for argument in rest if argument not in ("-h", "--help")]
    option, _ = tyro.cli(ProblemOption, args=without_help, return_unknown_args=True, prog=command, add_help=False)
    columns, _ = tyro.cli(Columns, args=without_help, return_unknown_args=True, prog=command, add_help=False)
    base = _base(arguments[0] if named else option.problem, columns, helping=without_help != rest)
    kinds: Kinds  # type: ignore[valid-type]
    kinds, _ = tyro.cli(Kinds, args=without_help, return_unknown_args=True, prog=command, add_help=False)
    for name, kind in vars(kinds).items():
        if kind is not None and kind != kind_of(getattr(base, name)):
            require(kind in KINDS[name], f"There is no {name} {kind!r}. {suggestion(str(kind), KINDS[name])}")
            base = replace(base, **{name: KINDS[name][kind]()})
    if any(argument.split("=")[0] == "--contender" for argument in rest):
        # Those on the command line replace the file's, and are not added to them.
        base = replace(base, contender=())
    kinds = Kinds(**{name: kind_of(getattr(base, name)) for name in KINDS})
    default = options(experiment=base, kinds=kinds)
    chosen: Options = tyro.cli(options, args=rest, default=default, prog=f"{command} [PROBLEM, TABLE or FILE.toml]")
    return chosen


@dataclass(frozen=True)
class ProblemOption:
    """The problem where it is named as an option and not in front."""

    problem: str = "paraboloid"


def _base(name: str, columns: Columns, helping: bool) -> Experiment:
    record = Path(name) / "experiment.toml"
    if name not in CATALOGUE and os.path.exists(record):
        return read_experiment(record)
    if name.endswith(".toml"):
        return read_experiment(Path(name))
    if not is_own(name):
        return recipe(name)
    # Whoever asks which options there are need not have chosen columns yet.
    return unchecked_table_recipe(name, columns) if helping else recipe(name, columns=columns)
