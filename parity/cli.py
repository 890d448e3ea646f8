"""The `parity` command, generated from the same dataclasses that define an experiment."""

import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, make_dataclass, replace
from datetime import datetime
from math import inf
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.markup import escape

import parity
from parity.contract import InputError, ParityError, require
from parity.diagnose.command import network_table, session_table
from parity.diagnose.correcting import check_copy, write_corrected
from parity.diagnose.experiment import diagnose_experiment
from parity.diagnose.session import LIMIT_SECONDS, checked, diagnose_script
from parity.diagnose.watching import TRIALS_SECONDS
from parity.experiment import Experiment
from parity.interrupts import heeded
from parity.kinds import KINDS, kind_of
from parity.nearest import suggestion
from parity.problems import CATALOGUE, find, recipe
from parity.records import read_experiment
from parity.report.diagnosis import announce, show_corrected, show_diagnosis, show_session
from parity.report.pages import show_backends, show_problem, show_problems
from parity.report.terminal import Bars, show

EXIT_STATUS = {"equivalent": 0, "different": 1, "inconclusive": 3, "diverged": 3}
WRONG_USAGE = 2
OUR_ERROR = 70
READER_LEFT = 141  # What a shell gives a program that ended by SIGPIPE.

USAGE = """\
usage: parity COMMAND [OPTIONS]

One network trained twice on identical data, in JAX and in PyTorch, and compared
rung by rung.

commands:
  run [PROBLEM or FILE.toml]   train every contender and compare them; paraboloid where
                               nothing is named, and a run's folder stands for its file
  diagnose SCRIPT.py           run a training script as it is, and say why its network does
                               not learn; also a PROBLEM or FILE.toml
  problems [NAME]              what can be learned; with NAME, one problem
  backends                     what can train here, on which devices and in which modes

`parity COMMAND --help` shows a command's options; `parity --version` the version.
exit status: 0 equivalent (healthy), 1 different (not healthy), 2 wrong usage,
3 inconclusive, diverged, or nothing was trained; 70 an error of our own"""

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
    """Replace the run that the folder holds."""
    throughput: bool = True
    """Time each contender in a process of its own, where the ladder held."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    command, *rest = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    errors = Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        with heeded():
            return _command(command)(rest)
    except ParityError as error:
        errors.print("[bold red]error:[/bold red]", escape(str(error)))
        return WRONG_USAGE
    except MemoryError as error:
        errors.print("[bold red]error:[/bold red]", escape(f"There is not enough memory: {error}."))
        errors.print("Draw fewer rows, train for fewer epochs, or with narrower layers.")
        return WRONG_USAGE
    except KeyboardInterrupt:
        errors.print("Interrupted.")
        return EXIT_STATUS["inconclusive"]
    except BrokenPipeError:
        # Whoever read our output has left, as in `parity problems | head -1`; what is buffered must not fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_LEFT
    except Exception:
        errors.print(traceback.format_exc(), markup=False)
        errors.print("This is an error in parity itself; please report it with the lines above.")
        return OUR_ERROR


def _command(name: str) -> Callable[[list[str]], int]:
    commands = {"run": run, "diagnose": diagnose, "problems": problems, "backends": backends}
    if name in commands:
        return commands[name]
    if name in ("-h", "--help", "help"):
        return lambda rest: _say(USAGE)
    if name == "--version":
        return lambda rest: _say(f"parity {parity.__version__}")
    raise InputError(f"There is no command {name!r}. {suggestion(name, commands)}")


def _say(text: str) -> int:
    print(text)
    return 0


def run(arguments: list[str]) -> int:
    """`parity run [PROBLEM or FILE.toml] [OPTIONS]`."""
    options = parse_run(arguments)
    experiment = options.experiment
    out = options.out or Path("runs") / f"{experiment.problem}-{datetime.now():%Y%m%d-%H%M%S}"
    console = Console()
    result = parity.run(
        experiment, out=out, overwrite=options.overwrite, throughput=options.throughput, watcher=Bars(console)
    )
    show(result, console)
    console.print(f"Kept in {out}", highlight=False, soft_wrap=True)
    return EXIT_STATUS[result.verdict]


def parse_run(arguments: list[str]) -> RunOptions:
    """Options of `parity run`: defaults are the recipe of the problem, or what the file says."""
    named = bool(arguments) and not arguments[0].startswith("-")
    rest = arguments[1:] if named else arguments
    without_help = [argument for argument in rest if argument not in ("-h", "--help")]
    option, _ = tyro.cli(ProblemOption, args=without_help, return_unknown_args=True, prog="parity run", add_help=False)
    base = _base(arguments[0] if named else option.problem)
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
    return tyro.cli(RunOptions, args=rest, default=default, prog="parity run [PROBLEM or FILE.toml]")


@dataclass(frozen=True)
class ProblemOption:
    """The problem where it is named as an option and not in front."""

    problem: str = "paraboloid"


def _base(name: str) -> Experiment:
    if Path(name).is_dir() and name not in CATALOGUE:
        return read_experiment(Path(name) / "experiment.toml")
    return read_experiment(Path(name)) if name.endswith(".toml") else recipe(name)


@dataclass(frozen=True)
class DiagnoseOptions:
    """Run a training script as it is, and say why its network does not learn; or do so with a problem.

    A script's own arguments stand behind `--`: `parity diagnose train.py --json -- --epochs 10`. A problem, or a TOML file of
    one, takes the options of `parity run`.
    """

    program: tyro.conf.Positional[str]
    """A Python script that trains with PyTorch or JAX, a problem's name, or a FILE.toml."""
    json: bool = False
    """Print the findings as JSON, and nothing else; what the script prints goes to standard error."""
    corrected: Path | None = None
    """Write a copy of the script with all corrected lines to this file; the script itself is never changed."""
    limit: float = LIMIT_SECONDS
    """Seconds that the script may run."""
    seconds: float = TRIALS_SECONDS
    """Seconds that trying out changes may take."""


def diagnose(arguments: list[str]) -> int:
    """`parity diagnose SCRIPT.py [OPTIONS] [-- ARGUMENTS]`, `parity diagnose PROBLEM [OPTIONS]`."""
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    options, others = tyro.cli(DiagnoseOptions, args=arguments[:cut], prog="parity diagnose", return_unknown_args=True)
    for name in ("limit", "seconds"):
        value = getattr(options, name)
        require(0 < value < inf, f"--{name} is {value:g}; expected a number of seconds above 0.")
    if options.program in CATALOGUE or options.program.endswith(".toml"):
        return _diagnose_problem(options, others)
    require(not others, f"There is no option {' '.join(others)!r}. The script's own arguments stand behind `--`.")
    if not Path(options.program).exists() and not options.program.endswith(".py"):
        raise InputError(
            f"There is no script and no problem {options.program!r}. {suggestion(options.program, CATALOGUE)}"
        )
    return _diagnose_script(options, arguments[cut + 1 :])


def _diagnose_script(options: DiagnoseOptions, arguments: list[str]) -> int:
    script, console = Path(options.program), Console(stderr=options.json)
    checked(script)
    if options.corrected is not None:
        check_copy(script, options.corrected)
    announce(script, console)
    bars = Bars(console)
    session = diagnose_script(
        script, arguments, limit=options.limit, seconds=options.seconds, quiet=options.json, watcher=bars
    )
    if options.json:
        print(json.dumps(session_table(session), indent=2))
    else:
        show_session(session, console)
    if options.corrected is not None:
        copy, changed, again = options.corrected, write_corrected(session, options.corrected), None
        if changed:
            again = diagnose_script(copy, arguments, limit=options.limit, seconds=0.01, quiet=True, watcher=bars)
        show_corrected(session, again, copy, changed, console)
    if session.healthy:
        return 0
    return EXIT_STATUS["different" if any(not d.healthy for d in session.diagnoses) else "inconclusive"]


def _diagnose_problem(options: DiagnoseOptions, others: list[str]) -> int:
    console = Console(stderr=options.json)
    require(
        options.corrected is None, f"--corrected is for scripts; {options.program!r} is a problem, and has no lines."
    )
    experiment = parse_run([options.program, *others]).experiment
    found = diagnose_experiment(experiment, seconds=options.seconds, watcher=Bars(console))
    if options.json:
        print(json.dumps(network_table(found), indent=2))
    else:
        show_diagnosis(found, console)
    return 0 if found.healthy else EXIT_STATUS["different"]


def problems(arguments: list[str]) -> int:
    """`parity problems [NAME]`."""
    options = tyro.cli(ProblemsOptions, args=arguments, prog="parity problems")
    console = Console()
    if options.name is None:
        show_problems(CATALOGUE.values(), console)
    else:
        show_problem(find(options.name), console)
    return 0


@dataclass(frozen=True)
class ProblemsOptions:
    """What can be learned."""

    name: tyro.conf.Positional[str | None] = None
    """Show this one alone."""


def backends(arguments: list[str]) -> int:
    """`parity backends`."""
    tyro.cli(BackendsOptions, args=arguments, prog="parity backends")
    show_backends(Console())
    return 0


@dataclass(frozen=True)
class BackendsOptions:
    """What can train here, on which devices and in which modes."""
