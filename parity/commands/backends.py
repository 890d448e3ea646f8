"""`parity backends`: what can train here."""

from dataclasses import dataclass

import tyro
from rich.console import Console

from parity.report.pages import show_backends


@dataclass(frozen=True)
class BackendsOptions:
    """What can train here, on which devices and in which modes."""


def main(arguments: list[str]) -> int:
    """`parity backends`."""
    tyro.cli(BackendsOptions, args=arguments, prog="parity backends")
    show_backends(Console())
    return 0
