"""`parity problems`: what can be learned."""

from dataclasses import dataclass

import tyro
from rich.console import Console

from parity.problems import CATALOGUE, find
from parity.report.catalogue import show_problem, show_problems


@dataclass(frozen=True)
class ProblemsOptions:
    """What can be learned."""

    name: tyro.conf.Positional[str | None] = None
    """Show this one alone."""


def main(arguments: list[str]) -> int:
    """`parity problems [NAME]`."""
    options = tyro.cli(ProblemsOptions, args=arguments, prog="parity problems")
    console = Console()
    if options.name is None:
        show_problems(CATALOGUE.values(), console)
    else:
        show_problem(find(options.name), console)
    return 0
