"""Who imports whom: by the linter's rules, by what the contract's files name, and by what a fresh process loads."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FRAMEWORKS = {"jax": {"jax", "flax", "optax"}, "torch": {"torch"}}
DEPENDENCIES = {"cattrs", "platformdirs", "rich", "safetensors", "scipy", "tomli_w", "tyro"}


def imported(path: Path) -> set[str]:
    """The modules that a file names in its imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def loaded_by(code: str) -> set[str]:
    """The top-level modules in a fresh process behind some code."""
    command = f"{code}\nimport sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    return set(
        subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True).stdout.split()
    )


def test_the_linter_keeps_the_rules():
    linter = Path(sys.executable).parent / "lint-imports"
    told = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout


@pytest.mark.parametrize("path", sorted((ROOT / "parity" / "contract").glob("*.py")), ids=lambda path: path.name)
def test_the_contract_names_numpy_and_the_standard_library_alone(path):
    allowed = {*sys.stdlib_module_names, "numpy"}
    for module in imported(path):
        assert module.split(".")[0] in allowed or module.startswith("parity.contract"), module


@pytest.mark.parametrize("twin", FRAMEWORKS)
def test_a_twin_knows_the_contract_and_its_framework_alone(twin):
    allowed = {*sys.stdlib_module_names, *FRAMEWORKS[twin], "numpy", f"{twin}_impl"}
    for path in (ROOT / f"{twin}_impl").glob("*.py"):
        for module in imported(path):
            assert module.split(".")[0] in allowed or module.startswith("parity.contract"), f"{path.name}: {module}"


@pytest.mark.parametrize(
    ("backend", "other"), [("jax", "torch"), ("torch", "jax"), ("numpy", "jax"), ("numpy", "torch")]
)
def test_using_one_backend_loads_no_other_framework(backend, other):
    modules = loaded_by(
        "import parity\nfrom dataclasses import replace\n"
        f"mine = replace(parity.recipe('paraboloid', rows=20, epochs=3), contender=('{backend}:float64',), "
        f"reference='{backend}:float32')\n"
        "assert parity.run(mine, throughput=False).histories"
    )
    assert not modules & FRAMEWORKS[other]
    assert modules >= (FRAMEWORKS | {"numpy": {"numpy"}})[backend]


def test_the_harness_alone_loads_no_framework():
    modules = loaded_by(
        "import parity.cli, parity.commands.run, parity.runner, parity.conformance, parity.throughput.worker"
    )
    assert not modules & {*FRAMEWORKS["jax"], *FRAMEWORKS["torch"]}


@pytest.mark.parametrize("code", ["import parity", "import parity.contract"])
def test_the_package_and_the_contract_are_light(code):
    modules = loaded_by(code)
    assert "parity" in modules
    assert not modules & {*FRAMEWORKS["jax"], *FRAMEWORKS["torch"], *DEPENDENCIES}


@pytest.mark.parametrize("command", ["--help", "--version", "problems", "run --help"])
def test_a_command_that_trains_nothing_loads_no_framework(command):
    told = (
        "import contextlib, io\nfrom parity.cli import main\n"
        f"with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n    main({command.split()!r})"
    )
    modules = loaded_by(told)
    assert {"parity", "rich"} <= modules
    assert not modules & {*FRAMEWORKS["jax"], *FRAMEWORKS["torch"]}
