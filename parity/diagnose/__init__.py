"""Why a program does not learn: watched as it is, tested before it is judged by symptoms, and blamed by intervention.

>>> import parity.diagnose
>>> with parity.diagnose.watch() as watched:
...     pass  # train something
>>> watched
Nothing was trained.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from parity.diagnose.codes import CODES as CODES
    from parity.diagnose.finding import Diagnosis as Diagnosis
    from parity.diagnose.finding import Finding as Finding
    from parity.diagnose.session import Session as Session
    from parity.diagnose.session import diagnose_script as diagnose_script
    from parity.diagnose.watching import watch as watch

# Imported at first use: the process in which a script runs should not pay for what it does not need.
_HOMES = {
    "CODES": "parity.diagnose.codes",
    "Diagnosis": "parity.diagnose.finding",
    "Finding": "parity.diagnose.finding",
    "Session": "parity.diagnose.session",
    "diagnose_script": "parity.diagnose.session",
    "watch": "parity.diagnose.watching",
}

__all__ = ["CODES", "Diagnosis", "Finding", "Session", "diagnose_script", "watch"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'parity.diagnose' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
