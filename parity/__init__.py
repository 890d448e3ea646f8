"""Parity: one network trained twice on identical data, in JAX and in PyTorch, and compared rung by rung.

>>> import parity
>>> result = parity.run(parity.recipe("paraboloid", epochs=50), throughput=False)
>>> result.verdict
'equivalent'
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from parity.columns import Columns as Columns
    from parity.experiment import Experiment as Experiment
    from parity.problems import recipe as recipe
    from parity.result import Result as Result
    from parity.runner import run as run
    from parity.surrogate.loading import load as load
    from parity.surrogate.saving import save as save

# Imported at first use, so that `import parity` stays light and the contract can be used alone.
_HOMES = {
    "Columns": "parity.columns",
    "Experiment": "parity.experiment",
    "Result": "parity.result",
    "recipe": "parity.problems",
    "run": "parity.runner",
    "save": "parity.surrogate.saving",
    "load": "parity.surrogate.loading",
}

__all__ = ["Columns", "Experiment", "Result", "recipe", "run", "save", "load"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'parity' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
