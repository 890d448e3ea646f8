"""Random networks as they would leave a training, whatever their model, dtype and units."""

from typing import get_args

import numpy as np

from parity.contract import MLP, RegularizedMLP
from parity.contract.exporting import Network, Variable
from parity.contract.models import Activation
from parity.surrogate.card import FORMAT, Card, Origin
from parity.surrogate.surrogate import Surrogate

ACTIVATIONS = get_args(Activation)
MODELS = (MLP, RegularizedMLP)


def variables(prefix: str, count: int, random: np.random.Generator, log: bool) -> tuple[Variable, ...]:
    """Variables of many sizes, every other logarithmic where `log`."""
    made = []
    for i in range(count):
        low = float(np.exp(random.uniform(-3, 3)))
        high = low * float(random.uniform(2, 5))
        logarithmic = log and i % 2 == 0
        seen = np.log([low, high]) if logarithmic else np.array([low, high])
        shift, scale = float(seen.mean()), float(seen.std())
        made.append(Variable(f"{prefix}{i}", f"quantity {i}", "m", logarithmic, shift, scale, low, high))
    return tuple(made)


def random_network(
    model: MLP | RegularizedMLP, seed: int = 0, d: int = 3, k: int = 2, *, log: bool = True, classes: bool = False
) -> Network:
    """A network with random weights, and running statistics as after a training."""
    random = np.random.default_rng(seed)
    parameters = {
        spec.name: random.standard_normal(spec.shape) / np.sqrt(spec.fan_in) for spec in model.parameters(d, k)
    }
    buffers = {spec.name: random.uniform(0.5, 1.5, spec.shape) for spec in model.buffers()}
    inputs, outputs = variables("x", d, random, log), variables("y", k, random, log and not classes)
    return Network("random", model, inputs, outputs, parameters, buffers, classes, "float64", ("a random network",))


def surrogate_of(network: Network) -> Surrogate:
    """The network behind a card."""
    card = Card(
        format=FORMAT,
        name=network.name,
        title="random weights",
        task="classification" if network.classes else "regression",
        model=network.model,
        dtype=network.dtype,
        inputs=network.inputs,
        outputs=network.outputs,
        accuracy={},
        origin=Origin("none:cpu:none:float64", "equivalent", "0", ""),
        experiment={},
        weights_sha256="",
    )
    return Surrogate(card, network)


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """The largest difference, as a share of each output's largest value."""
    return float((np.abs(one - other) / np.abs(other).max(axis=0)).max())
