"""What is imported when: nothing of a framework before it is used, and never the other one."""

import subprocess
import sys

import pytest
from command import QUICK

FRAMEWORKS = {"flax", "jax", "jax_impl", "jaxlib", "optax", "torch", "torch_impl"}
DEPENDENCIES = {"cattrs", "rich", "safetensors", "tomli_w", "tyro"}


def imported(code, cwd):
    """Top-level names of the modules that a fresh process holds behind some code."""
    told = "\nimport sys\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code + told], cwd=cwd, capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stderr.split()}


@pytest.mark.parametrize("code", ["import parity", "import parity.contract"])
def test_the_package_and_the_contract_are_light(code, tmp_path):
    names = imported(code, tmp_path)
    assert "parity" in names
    assert names & (FRAMEWORKS | DEPENDENCIES) == set()


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["problems"], ["run", "paraboloid", *QUICK, "--out", "run"]], ids=" ".join
)
def test_a_command_that_needs_no_framework_loads_none(arguments, tmp_path):
    names = imported(f"from parity.cli import main\nassert main({arguments!r}) == 0", tmp_path)
    assert "tyro" in names
    assert names & FRAMEWORKS == set()


@pytest.mark.parametrize(
    ("backend", "other"), [("torch", {"flax", "jax", "jaxlib", "jax_impl", "optax"}), ("jax", {"torch", "torch_impl"})]
)
def test_one_backend_never_loads_the_other(backend, other, tmp_path):
    names = imported(f"from parity import registry\nregistry.load({backend!r})", tmp_path)
    assert f"{backend}_impl" in names
    assert names & other == set()
