"""The operations of a watched step, seen by a torch function mode."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from parity.contract import Trace, Traced
from parity.contract.places import user_place

LONGEST = 5000  # Tensors held of one step; where a program does more before its first, that is forgotten.

# PyTorch's names that mean the same, by the one that the harness uses; others stay as they are.
NAMES = {
    **dict.fromkeys(("linear",), "linear"),
    **dict.fromkeys(("matmul", "mm", "__matmul__", "__rmatmul__", "addmm", "bmm", "mv", "baddbmm", "einsum"), "matmul"),
    **dict.fromkeys(("add", "add_", "__add__", "__radd__", "__iadd__"), "add"),
    **dict.fromkeys(("sub", "sub_", "subtract", "__sub__", "__rsub__", "rsub", "__isub__"), "sub"),
    **dict.fromkeys(("mul", "mul_", "multiply", "__mul__", "__rmul__", "__imul__"), "mul"),
    **dict.fromkeys(("div", "div_", "divide", "true_divide", "__truediv__", "__rtruediv__", "__rdiv__"), "div"),
    **dict.fromkeys(
        (
            "reshape",
            "view",
            "squeeze",
            "squeeze_",
            "unsqueeze",
            "unsqueeze_",
            "flatten",
            "contiguous",
            "t",
            "transpose",
            "permute",
            "view_as",
            "reshape_as",
            "expand",
            "expand_as",
            "ravel",
            "clone",
            "T",
        ),
        "reshape",
    ),
    **dict.fromkeys(("__getitem__", "select", "index_select", "narrow", "chunk", "split", "unbind"), "index"),
    **dict.fromkeys(("to", "float", "double", "half", "type", "cpu", "cuda"), "cast"),
    **dict.fromkeys(("dropout", "dropout_", "feature_dropout", "alpha_dropout"), "dropout"),
    **dict.fromkeys(("relu", "relu_"), "relu"),
    **dict.fromkeys(("leaky_relu", "leaky_relu_"), "leaky_relu"),
    **dict.fromkeys(("elu", "elu_"), "elu"),
    **dict.fromkeys(("tanh", "tanh_"), "tanh"),
    **dict.fromkeys(("sigmoid", "sigmoid_"), "sigmoid"),
    **dict.fromkeys(("logsigmoid",), "log_sigmoid"),
}
LOSSES = frozenset({
    "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "cross_entropy", "nll_loss", "binary_cross_entropy",
    "binary_cross_entropy_with_logits", "kl_div", "poisson_nll_loss", "gaussian_nll_loss", "hinge_embedding_loss",
    "soft_margin_loss", "cosine_embedding_loss", "margin_ranking_loss", "multi_margin_loss", "dist", "cosine_similarity",
})  # fmt: skip


class Tracer(TorchFunctionMode):
    """Notes every call that takes or gives a tensor, while it is entered."""

    def __init__(self, failed: Callable[[str, Exception], None]) -> None:
        super().__init__()
        self.failed = failed
        self.on, self.paused, self.updating = False, False, False
        self.clear()

    def clear(self) -> None:
        """Forget what was seen: a new step begins."""
        self.operations: list[Traced] = []
        self.tensors: dict[Hashable, Tensor] = {}  # Held, so that no other tensor takes over an identity.
        self.renamed: dict[int, Hashable] = {}
        self.leaves: dict[Hashable, Tensor] = {}
        self.versions = 0

    @property
    def silent(self) -> bool:
        """What runs is the watcher's, or an optimizer's own."""
        return self.paused or self.updating

    def forget(self, first: int) -> None:
        """Forget the operations before one: those behind it belong to the next step."""
        self.operations = self.operations[first:]
        used = {key for operation in self.operations for key in (*operation.arguments, operation.result)}
        self.tensors = {key: tensor for key, tensor in self.tensors.items() if key in used}
        self.leaves = {key: tensor for key, tensor in self.leaves.items() if key in used}

    def __torch_function__(
        self, func: Callable, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if self.on and not self.paused and not self.updating:
            try:
                self.note(func, args, kwargs or {}, result)
            except Exception as error:  # The user's program goes on whatever happens to ours.
                self.failed("an operation", error)
        return result

    def note(self, func: Callable, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any) -> None:
        name = getattr(func, "__name__", str(func))
        if name in ("__get__", "__set__", "backward", "requires_grad_") or not isinstance(
            result, Tensor | tuple | list
        ):
            return
        given = [*tensors(args), *tensors(kwargs.values())]
        keys = tuple(self.key(tensor) for tensor in given)
        for tensor, key in zip(given, keys, strict=True):
            self.tensors[key] = tensor
            if tensor.is_leaf and (tensor.requires_grad or isinstance(tensor, nn.Parameter)):
                self.leaves[key] = tensor
        if len(self.tensors) > LONGEST:
            self.clear()
        place, constants = user_place(), constants_of(name, args, kwargs)
        for made in tensors([result] if isinstance(result, Tensor) else result):
            if any(made is tensor for tensor in given):
                if name.rstrip("_") not in NAMES or made.is_leaf:
                    continue  # Handed through, or a parameter that is changed in place: it stays what it was.
                self.versions += 1
                self.renamed[id(made)] = (id(made), self.versions)
            self.tensors[self.key(made)] = made
            self.operations.append(Traced(canonical(name, kwargs, args), keys, self.key(made), place, constants))

    def last_number(self) -> Tensor | None:
        """The last single number that depends on a trained tensor: the loss, where no backward pass tells."""
        depends = self.trace(dict.fromkeys(self.leaves, "")).depends
        made = (
            self.tensors[operation.result] for operation in reversed(self.operations) if operation.result in depends
        )
        return next((tensor for tensor in made if tensor.numel() == 1 and tensor.is_floating_point()), None)

    def key(self, tensor: Tensor) -> Hashable:
        """The name of a tensor in the trace: a new one after each operation that changed it in place."""
        return self.renamed.get(id(tensor), id(tensor))

    def trace(self, parameters: Mapping[Hashable, str], also: tuple[Hashable, ...] = ()) -> Trace:
        """What was seen, to be read."""
        return Trace(tuple(self.operations), parameters, also)


def canonical(name: str, kwargs: Mapping[str, Any], args: tuple[Any, ...]) -> str:
    """The harness's name of a PyTorch function."""
    if name in LOSSES:
        return f"loss:{name}"
    if name in ("clamp", "clamp_", "clip") and at_least_zero(args, kwargs):
        return "relu"
    if name in ("maximum", "max") and len(args) == 2 and isinstance(args[1], Tensor) and args[1].numel() == 1:
        return "relu" if float(args[1]) == 0 else name
    if name == "gelu" and kwargs.get("approximate") == "tanh":
        return "gelu_tanh"
    return NAMES.get(name, name)


def at_least_zero(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    low = kwargs.get("min", args[1] if len(args) > 1 else None)
    high = kwargs.get("max", args[2] if len(args) > 2 else None)
    return high is None and isinstance(low, int | float) and low == 0


def constants_of(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, float]:
    """The constants of the layers that the contract knows."""

    def constant(key: str, place: int, default: float) -> float:
        value = kwargs.get(key, args[place] if len(args) > place else default)
        return float(value) if isinstance(value, int | float) else default

    if name.rstrip("_") == "dropout":
        return {"rate": constant("p", 1, 0.5)}
    if name == "batch_norm":
        return {"momentum": constant("momentum", 6, 0.1), "epsilon": constant("eps", 7, 1e-5)}
    if name.rstrip("_") == "leaky_relu":
        return {"slope": constant("negative_slope", 1, 0.01)}
    return {}


def tensors(values: Any) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, tuple | list):
            yield from (item for item in value if isinstance(item, Tensor))
