"""The folder that a run leaves: result.json, experiment.toml, history.npz and the weights."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from parity.contract import Arrays, InputError
from parity.experiment import Experiment
from parity.files import write_whole
from parity.records import write_experiment
from parity.result import Result

FILES = ("result.json", "experiment.toml", "history.npz")
WEIGHTS = "weights"


class RunFolder:
    """A folder that is this run's to write."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def claim(cls, path: Path, experiment: Experiment, overwrite: bool) -> "RunFolder":
        """Take a folder before any work is done; InputError where it can't be written or holds a run to be kept."""
        try:
            if any((path / name).exists() for name in FILES) and not overwrite:
                raise InputError(
                    f"{path} holds a run already, and it is kept. Choose another folder (--out), "
                    "or give --overwrite to replace it."
                )
            (path / WEIGHTS).mkdir(parents=True, exist_ok=True)
            # Beside a new experiment.toml, what is left of the old run would be read as this one's.
            for old in (*(path / name for name in FILES), *(path / WEIGHTS).glob("*.safetensors")):
                old.unlink(missing_ok=True)
            write_experiment(path / "experiment.toml", experiment)
        except OSError as error:
            raise InputError(f"{path} can't be written: {error.strerror}. Choose another folder (--out).") from None
        return cls(path)

    def save(self, result: Result) -> None:
        """Write everything; result.json comes last, so that a folder with it is whole."""
        write_experiment(self.path / "experiment.toml", result.experiment)
        np.savez_compressed(self.path / "history.npz", **_history_arrays(result))
        for name, tensors in _weights(result).items():
            save_file(tensors, self.path / WEIGHTS / f"{name}.safetensors")
        text = json.dumps(result.to_json(), indent=2, allow_nan=False)
        write_whole(self.path / "result.json", (text + "\n").encode())


def _history_arrays(result: Result) -> dict[str, Any]:
    """By name: the steps looked at, and for each contender its losses, R2 curve and parameters at the checkpoints.

    Where several seeds were trained, their R2 curves too (a row each), and the step at which each diverged, 0 where it did not.
    """
    arrays: dict[str, Any] = {
        "evaluated_at": np.array(result.evaluated_at),
        "checkpoints_at": np.array(result.checkpoints_at),
    }
    for contender, history in result.histories.items():
        arrays[f"{contender}/losses"] = history.losses
        arrays[f"{contender}/r2"] = np.array(result.curves[contender])
        for name, kept in {**history.parameters, **history.buffers}.items():
            arrays[f"{contender}/{name}"] = kept
    for contender, runs in result.seed_runs.items():
        arrays[f"{contender}/seeds"] = np.array(runs.seeds)
        arrays[f"{contender}/seeds/r2"] = runs.r2
        arrays[f"{contender}/seeds/diverged_at"] = np.array([step or 0 for step in runs.diverged_at])
    return arrays


def _weights(result: Result) -> dict[str, dict[str, Any]]:
    """By file: the tensors of the start and of each trained contender."""
    states: dict[str, tuple[Arrays, Arrays]] = {
        file_name(contender): (history.final.parameters, history.final.buffers)
        for contender, history in result.histories.items()
    }
    if result.first_state is not None:
        states["start"] = (result.first_state.parameters, result.first_state.buffers)
    return {
        name: {key: np.ascontiguousarray(array) for key, array in {**parameters, **buffers}.items()}
        for name, (parameters, buffers) in states.items()
    }


def file_name(contender: str) -> str:
    """The key of a contender as the name of a file."""
    return contender.replace(":", "-")
