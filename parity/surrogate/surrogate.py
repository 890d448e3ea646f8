"""Surrogate: a trained network in its own units."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity import registry
from parity.conforming import Conforming
from parity.contract import (
    SGD,
    Constant,
    InputError,
    Loss,
    State,
    Trainer,
    TrainingConfig,
    require,
    require_choice,
    zero_state,
)
from parity.contract.exporting import Dtype, Network, Variable, scaling_of
from parity.nearest import suggestion
from parity.surrogate.card import Card
from parity.surrogate.forward import gradient_at, in_own_units, outputs_at

Floats = NDArray[np.float64]
NUMPY = "numpy"


class Surrogate:
    """A trained network: own units in, own units out.

    >>> surrogate = parity.load("model/")
    >>> surrogate(x=0.5, y=[0.1, 0.2])
    """

    def __init__(self, card: Card, network: Network) -> None:
        self.card = card
        self.network = network
        self._networks: dict[str, Network] = {}
        self._trainers: dict[tuple[str, str], Trainer] = {}

    @property
    def inputs(self) -> tuple[Variable, ...]:
        """The D inputs: symbol, unit, and the range that was trained on."""
        return self.card.inputs

    @property
    def outputs(self) -> tuple[Variable, ...]:
        """The K outputs; of a problem of classes their probabilities."""
        return self.card.outputs

    def __call__(self, rows: Any = None, *, backend: str = NUMPY, dtype: Dtype = "float64", **columns: Any) -> Floats:
        """(N, K) outputs at N rows of inputs.

        The rows are an array (N, D), a mapping or a structured array with a column for each symbol, or columns given by symbol;
        a single number stands for a column of it. What lies outside the trained range is extrapolated without a word; `outside`
        tells. `dtype` is that of the layers, whatever they were trained in; `backend` is `numpy`, or one that trains.
        """
        inputs = self.rows(rows, **columns)
        network = self._in(dtype)
        with np.errstate(over="ignore", invalid="ignore"):
            if backend == NUMPY:
                return outputs_at(network, inputs)
            seen = scaling_of(network.inputs).to_network(inputs).astype(dtype)
            return in_own_units(network, self._trainer(backend, dtype).predict(seen))

    def gradient(self, rows: Any = None, *, dtype: Dtype = "float64", **columns: Any) -> Floats:
        """(N, K, D) derivatives of each output by each input, in own units, at rows as above."""
        with np.errstate(over="ignore", invalid="ignore"):
            return gradient_at(self._in(dtype), self.rows(rows, **columns))

    def outside(self, rows: Any = None, **columns: Any) -> NDArray[np.bool_]:
        """(N, D): where an input is not within the range of the training rows; a NaN is not."""
        inputs = self.rows(rows, **columns)
        low, high = (np.array([getattr(variable, end) for variable in self.inputs]) for end in ("low", "high"))
        return ~((inputs >= low) & (inputs <= high))

    def rows(self, rows: Any = None, **columns: Any) -> Floats:
        """Rows of inputs in any form that a call takes, as an array (N, D)."""
        symbols = [variable.symbol for variable in self.inputs]
        named = {name: rows[name] for name in rows.dtype.names} if _is_structured(rows) else rows
        if isinstance(named, Mapping) or named is None:
            return _from_columns({**(named or {}), **columns}, symbols)
        require(not columns, f"{', '.join(columns)} stand beside an array of all inputs; give the one or the other.")
        inputs = _floats(named, "The inputs are")
        require(
            inputs.ndim == 2 and inputs.shape[1] == len(symbols),
            f"The inputs have shape {inputs.shape}; expected (N, {len(symbols)}), the columns {', '.join(symbols)}.",
        )
        return inputs

    def _in(self, dtype: Dtype) -> Network:
        require_choice("dtype", dtype, ("float32", "float64"))
        if dtype not in self._networks:
            self._networks[dtype] = self.network.cast(dtype)
        return self._networks[dtype]

    def _trainer(self, backend: str, dtype: Dtype) -> Trainer:
        if (backend, dtype) not in self._trainers:
            self._trainers[backend, dtype] = trainer_of(self._in(dtype), backend)
        return self._trainers[backend, dtype]

    def __repr__(self) -> str:
        inputs, outputs = (", ".join(f"{v.symbol} [{v.unit}]" for v in side) for side in (self.inputs, self.outputs))
        return f"Surrogate of {self.card.name}: {inputs} -> {outputs}"


def trainer_of(network: Network, backend: str) -> Trainer:
    """A trainer of a backend that holds a network's weights, for its `predict`."""
    loaded = registry.load(backend)
    config = TrainingConfig(
        network.model, len(network.inputs), len(network.outputs), Loss(), SGD(), Constant(), clip_norm=None, steps=1
    )
    made = loaded.trainer(config, device="cpu", mode=loaded.modes[0], dtype=network.dtype)
    trainer = Conforming(made, backend)
    optimizer = zero_state(config, network.dtype).optimizer
    trainer.set_state(State(network.parameters, network.buffers, optimizer))
    return trainer


def _is_structured(rows: Any) -> bool:
    return isinstance(rows, np.ndarray) and rows.dtype.names is not None


def _from_columns(columns: Mapping[str, Any], symbols: Sequence[str]) -> Floats:
    for name in columns:
        require(name in symbols, f"There is no input {name!r}. {suggestion(name, symbols)}")
    missing = [symbol for symbol in symbols if symbol not in columns]
    require(not missing, f"{', '.join(missing)} is missing; expected the inputs {', '.join(symbols)}.")
    arrays = [_floats(columns[symbol], f"{symbol} is") for symbol in symbols]
    shapes = {symbol: array.shape for symbol, array in zip(symbols, arrays, strict=True)}
    try:
        return np.column_stack([np.atleast_1d(array) for array in np.broadcast_arrays(*arrays)])
    except ValueError:
        raise InputError(f"The columns have the shapes {shapes}; expected one length for all.") from None


def _floats(values: Any, what: str) -> Floats:
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "fiu":
            raise TypeError
        return array.astype(np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{what} {values!r}; expected numbers.") from None
