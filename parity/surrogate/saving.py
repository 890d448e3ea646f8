"""A trained network on its way into a folder."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save as to_bytes

import parity
from parity.contract import InputError, Scaling, require
from parity.contract.exporting import Variable
from parity.files import finite, write_whole
from parity.problems import Quantity
from parity.records import unstructured
from parity.result import Result
from parity.start import Start, draw
from parity.surrogate.card import CARD, FORMAT, SEAL, WEIGHTS, Card, Origin, seal


class ModelFolder:
    """A folder that is this surrogate's to write."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def claim(cls, path: Path, overwrite: bool) -> "ModelFolder":
        """Take a folder before any work is done; InputError where it can't be written or holds a model to be kept."""
        require(
            overwrite or not any((path / name).exists() for name in (CARD, WEIGHTS)),
            f"{path} holds a model already, and it is kept. Choose another folder (--save), or give --overwrite to replace it.",
        )
        try:
            path.mkdir(parents=True, exist_ok=True)
            TemporaryFile(dir=path).close()
        except OSError as error:
            raise InputError(f"{path} can't be written: {error.strerror}. Choose another folder (--save).") from None
        return cls(path)

    def save(self, result: Result, start: Start) -> None:
        """Write the weights, then the card, so that a folder whose card fits its weights is whole; nothing where none is."""
        contender = chosen(result)
        if contender is None:
            return
        final = result.histories[contender].final
        tensors = {name: np.ascontiguousarray(array) for name, array in {**final.parameters, **final.buffers}.items()}
        weights = to_bytes(tensors)
        card = card_of(result, start, contender, hashlib.sha256(weights).hexdigest())
        record = finite(unstructured(card))
        text = json.dumps({**record, SEAL: seal(record)}, indent=2, allow_nan=False, ensure_ascii=False)
        write_whole(self.path / WEIGHTS, weights)
        write_whole(self.path / CARD, (text + "\n").encode())


def save(result: Result, path: Path | str, *, overwrite: bool = False) -> Path:
    """Keep the trained network of a result in a folder, for `load`.

    It is the float64 run of the reference, or where there is none its run in another dtype. Raises InputError where the folder
    holds a model already, unless `overwrite`; where no run of the reference ended with finite weights; or where the rows of the
    problem are no longer those that it was trained on.
    """
    names = ", ".join(dict.fromkeys(pair.reference for pair in result.pairs)) or result.experiment.reference
    require(
        chosen(result) is not None,
        f"There is nothing to keep: no run of the reference, {names}, was trained to its end with finite weights.",
    )
    start = draw(result.experiment)
    require(
        start.hashes["data"] == result.start["data"],
        f"The rows of {result.experiment.problem} are not those that the network was trained on: their SHA-256 is "
        f"{start.hashes['data']}; expected {result.start['data']}. Run it again, with --save.",
    )
    folder = ModelFolder.claim(Path(path), overwrite)
    folder.save(result, start)
    return folder.path


def chosen(result: Result) -> str | None:
    """The contender whose weights are kept: the reference, in float64 where it was trained so; None where it has none."""
    # Those with an accuracy were trained to the end, and ended with finite numbers.
    trained = [pair.reference for pair in result.pairs if pair.reference in result.accuracy]
    return min(trained, key=lambda name: not name.endswith("float64"), default=None)


def card_of(result: Result, start: Start, contender: str, weights_sha256: str) -> Card:
    """What is known of the network that a contender trained."""
    problem = start.problem
    return Card(
        format=FORMAT,
        name=problem.name,
        title=problem.title,
        task=problem.task,
        model=result.experiment.model,
        dtype="float64" if contender.endswith("float64") else "float32",
        inputs=_variables(problem.inputs, start.inputs, start.train_truth.inputs),
        outputs=_variables(problem.outputs, start.targets, start.train_truth.targets),
        accuracy=asdict(result.accuracy[contender]),
        origin=Origin(contender, result.verdict, parity.__version__, start.hashes["data"]),
        experiment=result.table,
        weights_sha256=weights_sha256,
    )


def _variables(quantities: Sequence[Quantity], scaling: Scaling, rows: NDArray[np.float64]) -> tuple[Variable, ...]:
    log = np.broadcast_to(scaling.log, len(quantities))
    return tuple(
        Variable(
            symbol=quantity.symbol,
            meaning=quantity.meaning,
            unit=quantity.unit,
            log=bool(log[i]),
            shift=float(scaling.shift[i]),
            scale=float(scaling.scale[i]),
            low=float(rows[:, i].min()),
            high=float(rows[:, i].max()),
        )
        for i, quantity in enumerate(quantities)
    )
