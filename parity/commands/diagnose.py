"""`parity diagnose`: why does a program not learn?"""

import json
from dataclasses import dataclass
from math import inf
from pathlib import Path

import tyro
from rich.console import Console

from parity.commands.run import parse_run
from parity.commands.status import EXIT_STATUS
from parity.contract import InputError, require
from parity.diagnose.command import network_table, session_table
from parity.diagnose.correcting import check_copy, write_corrected
from parity.diagnose.experiment import diagnose_experiment
from parity.diagnose.session import LIMIT_SECONDS, checked, diagnose_script
from parity.diagnose.watching import TRIALS_SECONDS
from parity.nearest import suggestion
from parity.problems import CATALOGUE
from parity.report.diagnosis import announce, show_corrected, show_diagnosis, show_session
from parity.report.terminal import Bars
from parity.tables import looks_like_table


@dataclass(frozen=True)
class DiagnoseOptions:
    """Run a training script as it is, and say why its network does not learn; or do so with a problem or a table.

    A script's own arguments stand behind `--`: `parity diagnose train.py --json -- --epochs 10`. A problem, a table, or a TOML
    file of one, takes the options of `parity run`.
    """

    program: tyro.conf.Positional[str]
    """A Python script that trains with PyTorch or JAX, a problem's name, a table, or a FILE.toml."""
    json: bool = False
    """Print the findings as JSON, and nothing else; what the script prints goes to standard error."""
    corrected: Path | None = None
    """Write a copy of the script with all corrected lines to this file; the script itself is never changed."""
    limit: float = LIMIT_SECONDS
    """Seconds that the script may run."""
    seconds: float = TRIALS_SECONDS
    """Seconds that trying out changes may take."""


def main(arguments: list[str]) -> int:
    """`parity diagnose SCRIPT.py [OPTIONS] [-- ARGUMENTS]`, `parity diagnose PROBLEM [OPTIONS]`."""
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    options, others = tyro.cli(DiagnoseOptions, args=arguments[:cut], prog="parity diagnose", return_unknown_args=True)
    for name in ("limit", "seconds"):
        value = getattr(options, name)
        require(0 < value < inf, f"--{name} is {value:g}; expected a number of seconds above 0.")
    if options.program in CATALOGUE or options.program.endswith(".toml") or looks_like_table(options.program):
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
