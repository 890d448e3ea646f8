"""What may be wrong where predictions differ: an activation, a layer, a normalisation, a mask, or digits that were lost."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from parity.contract import Arrays, RegularizedMLP
from parity.ladder.causes.hypothesis import (
    Evidence,
    Family,
    Floats,
    Hypothesis,
    Judged,
    Suspected,
    judged,
    judged_by_size,
)
from parity.ladder.causes.network import (
    ACTIVATIONS,
    OTHERS,
    Activation,
    Network,
    elu,
    leaky,
    round_to,
    round_to_float32,
    softplus,
    swish,
)
from parity.ladder.causes.scene import Scene
from parity.ladder.view import PREDICTIONS

ROWS = 256
"""Rows whose predictions in evaluation mode are computed anew, the most different among them."""


def forward_causes(scene: Scene) -> list[Judged]:
    """What would make the suspect's predictions of the healthy side's."""
    return Forward(scene).judged()


class Forward:
    """Predictions computed anew with something altered."""

    def __init__(self, scene: Scene) -> None:
        seen = scene.evidence(lambda view: view.predictions)
        whole = PREDICTIONS[0]
        distance = np.abs(seen.shown[whole] - seen.healthy[whole]).max(axis=1)
        self.rows = np.sort(np.argsort(-distance)[:ROWS])
        self.scene, self.model, self.network = scene, scene.config.model, Network.of(scene.config.model)
        self.evidence = Evidence(self._thinned(seen.shown), self._thinned(seen.healthy), seen.allowed)
        self.state, self.batch = scene.state, scene.batch
        self.inputs = scene.given.train.inputs[self.rows]

    def _thinned(self, arrays: Arrays) -> Arrays:
        return {name: array[self.rows] if name == PREDICTIONS[0] else array for name, array in arrays.items()}

    def judged(self) -> list[Judged]:
        """The hypotheses that hold."""
        evidence = self.evidence.roughened(self.predictions(self.network))
        return judged(self.hypotheses(), evidence) or judged_by_size(self._less_precise(), evidence)

    def predictions(self, network: Network) -> Arrays:
        """Both that are looked at."""
        parameters, buffers, batch = self.state.parameters, self.state.buffers, self.batch
        found = (
            network.predict(parameters, buffers, self.inputs, False, {}),
            network.predict(parameters, buffers, batch.inputs, True, batch.masks),
        )
        return dict(zip(PREDICTIONS, found, strict=True))

    def hypotheses(self) -> Suspected:
        """All of them, the likelier first."""
        yield from self._activations()
        yield from self._layers()
        if isinstance(self.model, RegularizedMLP):
            yield from self._norms(self.model)
            yield from self._dropout(self.model)
        yield from self._precision()

    def _so(self, code: str, text: str, align: str, **altered: Any) -> Hypothesis:
        network = replace(self.network, **altered)
        return Hypothesis(code, text, align, lambda: self.predictions(network))

    def _some(
        self,
        code: str,
        text: Callable[[str], str],
        align: str,
        altered: Callable[[float], dict[str, Any]],
        asked: float,
        known: tuple[float, ...],
    ) -> Family:
        def expected(value: float) -> Arrays:
            return self.predictions(replace(self.network, **altered(value)))

        return Family(code, text, align, expected, asked, known)

    def _activations(self) -> Suspected:
        asked = self.model.activation
        align = ALIGN_ACTIVATION.get(asked, f"the activation {asked}")
        for constant, of, default, known in CONSTANTS.get(asked, ()):
            text = f"{asked} with {constant} = {{}} instead of {default}"
            altered = partial(_with_activation, of)
            yield self._some("activation.constant", text.format, align, altered, _as_number(default), known)
        for name, activation in (ACTIVATIONS | OTHERS).items():
            if name != asked:
                text = f"the activation is {name} instead of {asked}"
                yield self._so("activation.kind", text, align, activation=activation)
        code, align = "activation.last_layer", "no activation behind the last layer"
        yield self._so(code, f"{asked} is applied to the predictions too", align, last=self.network.activation)
        for name, last in LAST.items():
            if name != asked:
                yield self._so(code, f"{name} is applied to the predictions", align, last=last)

    def _layers(self) -> Suspected:
        hidden, parameters = len(self.model.hidden), self.state.parameters
        biased = [i for i in range(hidden + 1) if f"layers.{i}.bias" in parameters]
        square = [i for i in range(hidden + 1) if len(set(parameters[f"layers.{i}.kernel"].shape)) == 1]
        for layers in _sets(biased):
            text, align = f"{_of_layers(layers)} has no bias", "bias=True (nn.Linear), use_bias=True (nnx.Linear)"
            yield self._so("layer.bias_missing", text, align, without_bias=layers)
        for layers in _sets([i for i in square if parameters[f"layers.{i}.kernel"].size > 1]):
            text = f"the square kernel of {_of_layers(layers)} is transposed"
            align = "nn.Linear stores outputs x inputs, nnx.Linear inputs x outputs: transpose on transfer"
            yield self._so("layout.square_kernel", text, align, transposed=layers)
        yield from self._left_out(square)
        yield self._some(
            "inputs.scale",
            lambda value: f"the inputs are scaled by {value}",
            "inputs as they are given, scaled once",
            lambda value: {"scale": value},
            1.0,
            (0.5, 2.0, 0.1, 10.0, -1.0, 1 / 255, 255.0),
        )

    def _left_out(self, square: list[int]) -> Suspected:
        for i in range(len(self.model.hidden)):
            for parts in SKIPPED:
                if i not in square and "linear" in parts:
                    continue
                if "norm" in parts and not isinstance(self.model, RegularizedMLP):
                    continue
                text = f"layer {i} leaves out its {' and '.join(parts)}"
                yield self._so("layer.missing", text, f"all parts of layer {i}", skipped={i: parts})

    def _norms(self, model: RegularizedMLP) -> Suspected:
        defaults = "nn.BatchNorm1d 1e-5; nnx.BatchNorm 1e-5, nnx.LayerNorm 1e-6"
        align = f"epsilon={model.epsilon:g} under the root ({defaults})"
        yield self._some(
            "norm.epsilon",
            lambda value: f"consistent with a norm's epsilon = {value} instead of {model.epsilon:g}",
            align,
            lambda value: {"deviation": lambda var: np.sqrt(var + value)},
            model.epsilon,
            (1e-6, 1e-3, 1e-8, 1e-7, 1e-12, 1e-4, 0.0, 1e-2),
        )

        def outside(var: Floats) -> Floats:
            found: Floats = np.sqrt(var) + model.epsilon
            return found

        yield self._so("norm.epsilon", "a norm's epsilon is added outside the root", align, deviation=outside)
        for which, statistics in (("those of the batch", "batch"), ("the running ones", "running")):
            text = f"the statistics of a norm are always {which}, in training and in evaluation"
            align = "model.train() and model.eval() (PyTorch), use_running_average (Flax)"
            yield self._so("norm.statistics", text, align, statistics=statistics)
        text = "a norm divides by the unbiased variance of the batch"
        yield self._so("norm.statistics", text, "the biased variance of the batch to normalise with", unbiased=True)

    def _dropout(self, model: RegularizedMLP) -> Suspected:
        keep = model.keep_probability()
        if keep == 1.0:
            return
        yield self._some(
            "dropout.scale",
            lambda value: f"dropout divides by {value} instead of {keep:g}",
            f"kept units are divided by {keep:g}, the share that is kept, as nn.Dropout and nnx.Dropout do",
            lambda value: {"keep": value},
            keep,
            (1.0, 1.0 - keep),
        )
        text, align = "dropout keeps what it is to drop", "masks are True where a unit is kept"
        yield self._so("dropout.mask_inverted", text, align, masked=np.logical_not)
        code, align = "dropout.mask_ignored", "the masks that are given, in training mode"
        yield self._so(code, "dropout rescales and drops nothing", align, masked=np.ones_like)
        text = "there is no dropout: nothing is dropped or rescaled"
        yield self._so(code, text, align, keep=1.0, masked=np.ones_like)

    def _precision(self) -> Suspected:
        layers = range(len(self.model.hidden) + 1)
        for name, rounding in ROUNDINGS.items():
            for chosen in _sets(list(layers)):
                text = f"the product of {_of_layers(chosen)} sees its factors with {name}"
                yield self._so("precision.lower", text, ALIGN_PRECISION, rounded=dict.fromkeys(chosen, rounding))

    def _less_precise(self) -> Suspected:
        """Single precision in a double precision run: what it shows depends on the order of summation, its size does not."""
        if self.scene.suspect.contender.dtype != "float64":
            return
        for chosen in _sets(list(range(len(self.model.hidden) + 1))):
            text = f"consistent with float32 in {_of_layers(chosen)} of a float64 run"
            align = "float64 throughout: jax_enable_x64, and no .float() on the way"
            yield self._so("precision.lower", text, align, rounded=dict.fromkeys(chosen, round_to_float32))


def _with_activation(of: Callable[[float], Activation], value: float) -> dict[str, Any]:
    return {"activation": of(value)}


def _sets(layers: list[int]) -> Iterator[frozenset[int]]:
    """Each alone, then all together."""
    yield from (frozenset([i]) for i in layers)
    if len(layers) > 1:
        yield frozenset(layers)


def _of_layers(layers: frozenset[int]) -> str:
    return f"layer {min(layers)}" if len(layers) == 1 else "every layer"


def _as_number(text: str) -> float:
    return float("inf") if text == "none" else float(text)


SKIPPED = (("linear",), ("activation",), ("norm",), ("linear", "activation"), ("linear", "norm", "activation"))
LAST: dict[str, Activation] = {name: ACTIVATIONS[name] for name in ("relu", "sigmoid", "tanh", "softplus")}
ROUNDINGS = {
    "10 bits of mantissa (TF32, float16)": round_to(10),
    "7 bits of mantissa (bfloat16)": round_to(7),
}
CONSTANTS: dict[str, tuple[tuple[str, Callable[[float], Activation], str, tuple[float, ...]], ...]] = {
    "leaky_relu": (("slope", leaky, "0.01", (0.2, 0.1, 0.3, 0.25, 0.0, 0.05)),),
    "elu": (("alpha", elu, "1", (0.5, 2.0, 0.1, 1.6732632423543772)),),
    "softplus": (
        ("threshold", softplus, "none", (20.0, 1.0, 10.0, 5.0, 2.0)),
        ("beta", lambda beta: softplus(sharpness=beta), "1", (2.0, 0.5, 10.0)),
    ),
    "silu": (("beta", swish, "1", (1.702, 2.0, 0.5)),),
}
ALIGN_ACTIVATION = {
    "gelu": "jax.nn.gelu(approximate=False), torch gelu(approximate='none'): JAX's default is the tanh form",
    "gelu_tanh": "jax.nn.gelu(approximate=True), torch gelu(approximate='tanh'): PyTorch's default is the exact form",
    "leaky_relu": "a slope of 0.01 below 0, the default of torch and of jax.nn",
    "elu": "alpha=1, the default of torch and of jax.nn",
    "softplus": "no threshold: torch's softplus is x itself above 20, jax.nn.softplus has none",
}
ALIGN_PRECISION = (
    "full precision in products: jax_default_matmul_precision='highest', torch.set_float32_matmul_precision('highest'); "
    "on recent NVIDIA chips JAX's default may be TF32"
)
