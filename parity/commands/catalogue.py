"""`parity catalogue`: train every engineering problem in both backends, and say what is reached."""

from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console
from rich.markup import escape

from parity.catalogue import Entry, Store, engineering, key_of, markdown, measure, show_entries
from parity.commands.status import EXIT_STATUS
from parity.contract import InputError
from parity.files import write_whole
from parity.nearest import suggestion
from parity.problems import Problem
from parity.report.terminal import Bars


@dataclass(frozen=True)
class CatalogueOptions:
    """Train every engineering problem in both backends, by its recipe and by Adam, and hold it against what is needed.

    Each problem's network is kept in a folder of its name, for `parity predict` and `parity export`. What was measured is kept
    beside it, and not measured again: interrupted, the command goes on where it was.
    """

    names: tyro.conf.Positional[tuple[str, ...]] = ()
    """Problems; all where none is named."""
    out: Path = Path("catalogue")
    """Folder to leave networks, measurements and catalogue.md in, a table of all that was measured there."""
    again: bool = False
    """Measure also what was measured already."""


def main(arguments: list[str]) -> int:
    """`parity catalogue [NAMES] [OPTIONS]`."""
    options = tyro.cli(CatalogueOptions, args=arguments, prog="parity catalogue")
    problems = _chosen(options.names)
    store, console = Store.at(options.out), Console()
    entries: list[Entry] = []
    for number, problem in enumerate(problems, start=1):
        key = key_of(problem)
        found = None if options.again else store.find(problem.name, key)
        told = "measured already" if found else "training"
        console.print(f"[dim]{number} of {len(problems)}[/dim] {escape(problem.name)}: {told}", highlight=False)
        entry = found or measure(problem, store.model(problem.name), Bars(console))
        store.keep(entry)
        entries.append(entry)
    show_entries(entries, console)
    kept = [store.find(problem.name, key_of(problem)) for problem in engineering()]
    write_whole(options.out / "catalogue.md", markdown([entry for entry in kept if entry is not None]).encode())
    console.print(f"Kept in {escape(str(options.out))}", highlight=False, soft_wrap=True)
    return 0 if all(entry.held for entry in entries) else EXIT_STATUS["different"]


def _chosen(names: tuple[str, ...]) -> tuple[Problem, ...]:
    known = {problem.name: problem for problem in engineering()}
    for name in names:
        if name not in known:
            raise InputError(f"There is no problem {name!r} with a target in the catalogue. {suggestion(name, known)}")
    return tuple(problem for problem in known.values() if not names or problem.name in names)
