"""Diagnoses as JSON, and back."""

import math
from typing import Any

import cattrs

from parity.diagnose.finding import Diagnosis

_CONVERTER = cattrs.Converter()


def to_json(diagnosis: Diagnosis) -> dict[str, Any]:
    """Plain values; NaN and infinities, which JSON has not, as text."""
    table: dict[str, Any] = _plain(_CONVERTER.unstructure(diagnosis))
    return table


def from_json(table: dict[str, Any]) -> Diagnosis:
    """What `to_json` wrote."""
    return _CONVERTER.structure(_numbers(table), Diagnosis)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return float(value) if value in ("nan", "inf", "-inf") else value
