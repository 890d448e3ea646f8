"""The wheel: what is installed is the harness and its twins, with the calibration that the ladder reads."""

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("parity", "jax_impl", "torch_impl")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The names in a wheel, built from a copy of the sources, so that no earlier build has a part in it."""
    sources, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    ignored = shutil.ignore_patterns("__pycache__")
    for folder in (*PACKAGES, "tests", "benchmarks"):
        shutil.copytree(ROOT / folder, sources / folder, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, sources)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "--wheel-dir", built, sources], check=True)
    (path,) = built.glob("*.whl")
    with ZipFile(path) as archive:
        return set(archive.namelist())


def test_it_has_the_calibration(wheel):
    assert "parity/ladder/calibration.json" in wheel


def test_it_has_all_modules_of_its_packages_and_nothing_else(wheel):
    modules = {str(path.relative_to(ROOT)) for folder in PACKAGES for path in (ROOT / folder).rglob("*.py")}
    inside = {name for name in wheel if ".dist-info/" not in name}
    assert inside == modules | {"parity/ladder/calibration.json"}
