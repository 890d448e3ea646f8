"""How the operations of one watched step are read: where prediction and target met, and the way from the inputs to there.

A watcher names tensors by any hashable key and operations by the names below, whatever its framework calls them.
"""

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import get_args

from parity.contract.models import Activation
from parity.contract.watching import Operation, OperationKind, Place

Key = Hashable

ACTIVATIONS = frozenset(get_args(Activation)) | {
    "softmax",
    "log_softmax",
    "selu",
    "relu6",
    "hardtanh",
    "mish",
    "log_sigmoid",
}
RESHAPES = frozenset({"reshape", "index", "cast"})
ARITHMETIC = frozenset({"add", "sub", "mul", "div"})
# What compares a prediction with a target without saying so, the likeliest first.
COMPARISONS = ("sub", "div", "mul", "add")


@dataclass(frozen=True)
class Traced:
    """One operation as it was called."""

    name: str
    """linear, matmul, add, sub, mul, div, reshape, index, cast, dropout, batch_norm, layer_norm, an activation,
    `loss:mse_loss`, or the framework's own name."""
    arguments: tuple[Key, ...]
    """The tensors that it took, in order; for a loss function prediction and target first."""
    result: Key
    place: Place | None = None
    constants: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Meeting:
    """Where what depends on the parameters met what does not, last before the loss."""

    prediction: Key
    target: Key
    function: str
    """The framework's loss function, or empty."""
    place: Place | None


class Trace:
    """The operations of a step, in the order in which they ran."""

    def __init__(self, operations: Sequence[Traced], parameters: Mapping[Key, str], also: Collection[Key] = ()) -> None:
        """`parameters` names the trained tensors; `also` are keys that depend on them through what was not traced."""
        self.operations = operations
        self.parameters = parameters
        self.makers = {operation.result: operation for operation in operations}
        self.depends: set[Key] = {*parameters, *also}
        for operation in operations:
            if any(key in self.depends for key in operation.arguments):
                self.depends.add(operation.result)

    def meeting(self, loss: Key) -> Meeting | None:
        """Where prediction and target met on the way to this loss; None where nothing of the kind is found."""
        found = [meeting for operation in self._behind(loss) if (meeting := self._meets(operation))]
        named = next((meeting for meeting in found if meeting.function), None)
        if named:
            return named
        for name in COMPARISONS:
            for operation in self._behind(loss):
                meeting = self._meets(operation) if operation.name == name else None
                if meeting:
                    return meeting
        return None

    def used(self, loss: Key) -> set[Key]:
        """The trained tensors that a loss depends on."""
        return {key for operation in self._behind(loss) for key in operation.arguments if key in self.parameters}

    def first_meeting(self) -> Meeting | None:
        """Where something that depends on the parameters first met what does not, as when a score is computed."""
        found = [(operation, meeting) for operation in self.operations if (meeting := self._meets(operation))]
        likely = sorted(found, key=lambda pair: not pair[1].function and 1 + COMPARISONS.index(pair[0].name))
        return likely[0][1] if likely else None

    def chain(self, prediction: Key) -> tuple[tuple[Operation, ...], tuple[Key, ...], Key | None]:
        """The way from the inputs to the prediction: its operations, the key of each one's result, and the inputs.

        The inputs are None where the way ends in something that depends on parameters and was not traced.
        """
        operations: list[Operation] = []
        results: list[Key] = []
        for maker in self._way(prediction):
            operations.append(self._operation(maker))
            results.append(maker.result)
        way, keys = _with_biases(operations[::-1], results[::-1])
        end = self.end(prediction)
        return way, keys, None if end is None or end in self.depends else end

    def end(self, prediction: Key) -> Key | None:
        """What the way to the prediction begins with: the inputs, or something that was made before this step."""
        key: Key | None = prediction
        for maker in self._way(prediction):
            key = self._before(maker)
        return key

    def _way(self, prediction: Key) -> Iterator[Traced]:
        """The operations on the way from the prediction back to the inputs."""
        key: Key | None = prediction
        while key is not None and key in self.makers and key in self.depends:
            yield self.makers[key]
            key = self._before(self.makers[key])

    def _behind(self, key: Key) -> Iterator[Traced]:
        """The operations that a key rests on, the nearest first."""
        seen, front = {key}, [key]
        while front:
            key = front.pop(0)
            maker = self.makers.get(key)
            if maker is None:
                continue
            yield maker
            fresh = [argument for argument in maker.arguments if argument not in seen]
            seen.update(fresh)
            front += fresh

    def _meets(self, operation: Traced) -> Meeting | None:
        function = operation.name.removeprefix("loss:") if operation.name.startswith("loss:") else ""
        if not function and operation.name not in COMPARISONS:
            return None
        if len(operation.arguments) < 2:
            return None
        one, other = operation.arguments[:2]
        if function and one not in self.depends and other in self.depends:
            one, other = other, one
        predicted = [key for key in (one, other) if key in self.depends and key not in self.parameters]
        given = [key for key in (one, other) if key not in self.depends]
        if len(predicted) != 1 or len(given) != 1:
            return None
        return Meeting(predicted[0], given[0], function, operation.place)

    def _before(self, operation: Traced) -> Key | None:
        """The one argument through which the way to the inputs leads."""
        ways = [key for key in operation.arguments if key not in self.parameters]
        dependent = [key for key in ways if key in self.depends]
        if dependent:
            return dependent[0]
        return ways[0] if ways else None

    def _operation(self, operation: Traced) -> Operation:
        parameters = tuple(self.parameters[key] for key in operation.arguments if key in self.parameters)
        joined = sum(key in self.depends and key not in self.parameters for key in operation.arguments) > 1
        kind = "other" if joined else _kind(operation.name, bool(parameters))
        return Operation(kind, operation.name, operation.place, parameters, operation.constants)


def _kind(name: str, trained: bool) -> OperationKind:
    if name in ("linear", "matmul"):
        return "linear" if trained else "other"
    if name in ACTIVATIONS:
        return "activation"
    if name in RESHAPES:
        return "reshape"
    if name in ARITHMETIC:
        return "scale"
    if name == "dropout":
        return "dropout"
    if name == "batch_norm":
        return "batch_norm"
    return "layer_norm" if name == "layer_norm" else "other"


def _with_biases(
    operations: Sequence[Operation], results: Sequence[Key]
) -> tuple[tuple[Operation, ...], tuple[Key, ...]]:
    """A product and the bias that is added to it as one linear operation."""
    together: list[Operation] = []
    keys: list[Key] = []
    for operation, result in zip(operations, results, strict=True):
        biased = operation.name == "add" and len(operation.parameters) == 1
        if biased and together and together[-1].kind == "linear" and len(together[-1].parameters) == 1:
            together[-1] = replace(together[-1], parameters=together[-1].parameters + operation.parameters)
            keys[-1] = result
        else:
            together.append(operation)
            keys.append(result)
    return tuple(together), tuple(keys)
