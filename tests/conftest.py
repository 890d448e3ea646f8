"""The oracle, installed as a third party would install a backend: a distribution of its own, found by its entry point."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from parity.compiled import keep_compiled

# Before any framework is imported: two runtimes in one process fight for the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
if "PYTEST_XDIST_WORKER" not in os.environ:
    # Of the session alone, and shared by the processes that it starts; what one has compiled, the next finds.
    CACHE = TemporaryDirectory(prefix="parity-cache-")
    os.environ["PARITY_CACHE"] = CACHE.name
keep_compiled()

PLUGIN = Path(__file__).parent / "plugins" / "numpy_impl"


@pytest.fixture(scope="session", autouse=True)
def oracle(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Install `tests/plugins/numpy_impl` into a folder that the tests, and the processes they start, import from."""
    site = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    sources = tmp_path_factory.mktemp("source") / "numpy_impl"
    subprocess.run(["cp", "-r", str(PLUGIN), str(sources)], check=True)
    subprocess.run([*pip, "--no-build-isolation", "--target", str(site), str(sources)], check=True)
    sys.path.append(str(site))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
