"""The page about backends."""

from rich.console import Console
from rich.table import Table

from parity import registry


def show_backends(console: Console) -> None:
    """A line a backend, with the reason where it can't be used."""
    table = Table("backend", "devices", "modes, the default first", "dtypes", "versions")
    reasons = []
    for name in registry.names():
        reason = registry.missing(name)
        if reason is None:
            backend = registry.load(name)
            versions = ", ".join(
                f"{key} {value}" for key, value in backend.environment().items() if value[:1].isdigit()
            )
            table.add_row(
                name, *(", ".join(part) for part in (backend.devices(), backend.modes, backend.dtypes)), versions
            )
        else:
            table.add_row(name, "-", "-", "-", "not installed")
            reasons.append(reason)
    console.print(table)
    for reason in reasons:
        console.print(reason, highlight=False, markup=False)
