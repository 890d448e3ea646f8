"""Backends for an hour: a copy of a twin under a name of its own, to plant a fault in; and the oracle.

A copy is installed as a third party would install a backend, a package and its entry point, into a folder that goes again. Its
healthy original stays untouched beside it, and can be the reference.
"""

import importlib
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from parity import registry

ROOT = Path(__file__).parent.parent.parent
ORACLE = ROOT / "tests" / "plugins" / "numpy_impl"


class Twin:
    """A copy of a twin: its name as a backend, and its modules as attributes (`twin.model`)."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getattr__(self, module: str) -> ModuleType:
        return importlib.import_module(f"{package_of(self.name)}.{module}")

    @property
    def models(self) -> tuple[type, type]:
        """The classes of the networks."""
        return self.model.MLP, self.model.RegularizedMLP


def around(owner: Any, name: str, function: Callable[..., Any]) -> None:
    """Put `function` in the place of a function or method; it is given the original in front of the arguments."""
    original = getattr(owner, name)
    setattr(owner, name, lambda *args, **kwargs: function(original, *args, **kwargs))


@contextmanager
def copied(twin: str, name: str, changed: Mapping[str, str] | None = None) -> Iterator[Twin]:
    """A copy of `torch` or `jax` as the backend `name`; `changed` has the source of files that are to differ."""
    sources = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / package_of(twin)).glob("*.py")}
    renamed = {
        file: text.replace(package_of(twin), package_of(name)) for file, text in (sources | dict(changed or {})).items()
    }
    with installed(name, package_of(name), renamed, f"{package_of(name)}.backend:Backend"):
        yield Twin(name)


@contextmanager
def oracle() -> Iterator[None]:
    """The backend `numpy` of `tests/plugins`, for as long as it is needed."""
    project = tomllib.loads((ORACLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ((name, entry),) = project["entry-points"]["parity.backends"].items()
    sources = {path.name: path.read_text(encoding="utf-8") for path in (ORACLE / "numpy_impl").glob("*.py")}
    with installed(name, "numpy_impl", sources, entry):
        yield


@contextmanager
def installed(name: str, package: str, sources: Mapping[str, str], entry: str) -> Iterator[None]:
    """A package with an entry point in `parity.backends`, on the path of this process."""
    with TemporaryDirectory(prefix=f"{package}-") as folder:
        site = Path(folder)
        (site / package).mkdir()
        for file, text in sources.items():
            (site / package / file).write_text(text, encoding="utf-8")
        metadata = site / f"{package}-0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 0\n", encoding="utf-8")
        (metadata / "entry_points.txt").write_text(f"[parity.backends]\n{name} = {entry}\n", encoding="utf-8")
        sys.path.append(folder)
        importlib.invalidate_caches()
        forget(package)
        try:
            yield
        finally:
            sys.path.remove(folder)
            forget(package)


def forget(package: str) -> None:
    """Let the next package of that name, and the backend in it, be imported anew."""
    for module in [module for module in sys.modules if module.split(".")[0] == package]:
        del sys.modules[module]
    registry._load.cache_clear()


def package_of(backend: str) -> str:
    """The import name of a twin, or of its copy."""
    return f"{backend}_impl"
