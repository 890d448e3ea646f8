"""The card of a surrogate, `model.json`: all that is known of it but its weights."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal

from parity.contract import Model
from parity.contract.exporting import Dtype, Variable

FORMAT = 1
CARD = "model.json"
WEIGHTS = "weights.safetensors"
SEAL = "sha256"
"""Key behind the card's own, by which a changed card is known."""


def seal(record: dict[str, Any]) -> str:
    """SHA-256 of all that a card's file says, however it is laid out, but the seal itself."""
    told = {key: value for key, value in record.items() if key != SEAL}
    return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True)
class Origin:
    """Where a surrogate comes from."""

    contender: str
    """Which run made its weights, as backend:device:mode:dtype."""
    verdict: str
    """What its comparison with the others came to."""
    parity: str
    """The version that made it."""
    data_sha256: str
    """Over the rows that it was trained on and judged by."""


@dataclass(frozen=True)
class Card:
    """What is known of a surrogate."""

    format: int
    name: str
    """The problem's."""
    title: str
    task: Literal["regression", "classification"]
    model: Model
    dtype: Dtype
    """Of the weights."""
    inputs: tuple[Variable, ...]
    outputs: tuple[Variable, ...]
    accuracy: dict[str, Any]
    """On rows that it was not trained on, in own units."""
    origin: Origin
    experiment: dict[str, Any]
    """All that defined the run, as in experiment.toml."""
    weights_sha256: str
    """Over the file of the weights."""
