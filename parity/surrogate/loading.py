"""A surrogate from its folder, read strictly; nothing in it is executed."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as from_bytes

from parity.contract import InputError, require
from parity.contract.exporting import Network
from parity.records import structured
from parity.surrogate.card import CARD, FORMAT, SEAL, WEIGHTS, Card, seal
from parity.surrogate.surrogate import Surrogate

SCORES = ("rmse", "mae", "max_abs", "r2", "hit_rate")


def load(path: Path | str) -> Surrogate:
    """The surrogate that `save`, or `parity run --save`, left in a folder; InputError names file, key and what was expected."""
    folder = Path(path)
    require(
        folder.is_dir(),
        f"{folder} is not a folder; expected one that `parity run ... --save {folder}` has left.",
    )
    card = read_card(folder / CARD)
    weights = _read(folder / WEIGHTS)
    digest = hashlib.sha256(weights).hexdigest()
    require(
        digest == card.weights_sha256,
        f"{folder / WEIGHTS} has the SHA-256 {digest}, but {CARD} says weights_sha256 {card.weights_sha256!r}; the files were "
        "changed, or are not of one model. Save it again.",
    )
    return Surrogate(card, network_of(card, _tensors(folder / WEIGHTS, weights, card)))


def read_card(path: Path) -> Card:
    """The card in a file."""
    try:
        record = json.loads(_read(path).decode("utf-8"), parse_constant=_no_number)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {error}. Save the model again.") from None
    require(isinstance(record, dict), f"{path} is {_kind(record)}; expected an object in braces.")
    version = record.get("format")
    require(
        type(version) is int and 1 <= version <= FORMAT,
        f"{path}: format is {version!r}; expected {FORMAT}. "
        + (
            "A newer parity wrote it; install that: pip install --upgrade parity."
            if type(version) is int and version > FORMAT
            else "Save the model again."
        ),
    )
    kept = record.pop(SEAL, None)
    card = structured(record, Card, str(path))
    for side in ("inputs", "outputs"):
        symbols = [variable.symbol for variable in getattr(card, side)]
        require(bool(symbols), f"{path}: {side} is empty; expected a variable at least.")
        require(len(set(symbols)) == len(symbols), f"{path}: {side} has the symbols {symbols}; expected each once.")
    require(
        kept == seal(record),
        f"{path} was changed after it was saved: its {SEAL} is {kept!r}, and what it says has {seal(record)}. Save the model "
        "again.",
    )
    return card


def network_of(card: Card, tensors: dict[str, NDArray[Any]]) -> Network:
    """The network that a card describes."""
    buffers = {spec.name for spec in card.model.buffers()}
    return Network(
        name=card.name,
        model=card.model,
        inputs=card.inputs,
        outputs=card.outputs,
        parameters={name: array for name, array in tensors.items() if name not in buffers},
        buffers={name: array for name, array in tensors.items() if name in buffers},
        classes=card.task == "classification",
        dtype=card.dtype,
        about=about(card),
    )


def about(card: Card) -> tuple[str, ...]:
    """Where a surrogate comes from and how accurate it is, a line each."""
    numbers = {name: value for name, value in card.accuracy.items() if name in SCORES}
    return (
        f"{card.name}: {card.title}",
        f"trained by parity {card.origin.parity}, {card.origin.contender}, verdict {card.origin.verdict}",
        f"on rows not trained on: {_listed(numbers)}",
        *(f"  {symbol}: {_listed(scores)}" for symbol, scores in card.accuracy.get("outputs", {}).items()),
        f"SHA-256 of the data {card.origin.data_sha256}",
        f"SHA-256 of the weights {card.weights_sha256}",
    )


def _listed(scores: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value:.6g}" for name, value in scores.items() if isinstance(value, int | float))


def _tensors(path: Path, weights: bytes, card: Card) -> dict[str, NDArray[Any]]:
    """The tensors in a file, in the model's own order; InputError where they are not those of the model."""
    try:
        tensors = from_bytes(weights)
    except (SafetensorError, KeyError) as error:
        raise InputError(f"{path} is not a file of safetensors: {error}. Save the model again.") from None
    specs = (*card.model.parameters(len(card.inputs), len(card.outputs)), *card.model.buffers())
    for name in sorted({spec.name for spec in specs} ^ set(tensors)):
        what = "an unknown" if name in tensors else "no"
        raise InputError(f"{path} has {what} tensor {name!r}; expected those of {card.model}.")
    for spec in specs:
        array = tensors[spec.name]
        require(
            array.shape == spec.shape and array.dtype == card.dtype,
            f"{path}: {spec.name} is {array.dtype} of shape {array.shape}; expected {card.dtype} of {spec.shape}.",
        )
        require(
            bool(np.isfinite(array).all()), f"{path}: {spec.name} is not finite everywhere; expected finite weights."
        )
    return {spec.name: tensors[spec.name] for spec in specs}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path} can't be read: {error.strerror}. A model is a folder with {CARD} and {WEIGHTS}."
        ) from None


def _kind(value: Any) -> str:
    return {list: "a list", str: "a text", bool: "true or false"}.get(type(value), "a number, or null")


def _no_number(text: str) -> Any:
    raise InputError(f"{CARD} has the number {text}; expected finite numbers. Save the model again.")
