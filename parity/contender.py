"""Contender: a backend on a device, in a mode and a dtype."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import product

from parity import registry
from parity.contract import InputError, require
from parity.nearest import suggestion

TWINS = ("jax", "torch")
DEVICES = ("cpu", "cuda", "tpu")
DTYPES = ("float32", "float64")


@dataclass(frozen=True, order=True)
class Contender:
    """What is compared, and the key of every record: `torch:cpu:eager:float32`."""

    backend: str
    device: str
    mode: str
    dtype: str

    def __str__(self) -> str:
        return f"{self.backend}:{self.device}:{self.mode}:{self.dtype}"


@dataclass(frozen=True)
class Pattern:
    """A contender with parts left out."""

    backend: str | None = None
    device: str | None = None
    mode: str | None = None
    dtype: str | None = None


def parse(text: str) -> Pattern:
    """`torch:cpu:eager:float32` with parts left out; those behind the backend are known by their value."""
    backend, *rest = text.split(":")
    pattern = Pattern(backend=backend or None)
    if pattern.backend is not None:
        require(
            backend in registry.names(),
            f"There is no backend {backend!r} (in {text!r}). {suggestion(backend, registry.names())}",
        )
    for part in filter(None, rest):
        field = "device" if part in DEVICES else "dtype" if part in DTYPES else "mode"
        require(
            getattr(pattern, field) is None,
            f"{text!r} has two parts that are a {field}: {getattr(pattern, field)!r} and {part!r}; expected "
            "backend:device:mode:dtype, any part left out.",
        )
        pattern = replace(pattern, **{field: part})
    return pattern


def expand(pattern: Pattern) -> list[Contender]:
    """All contenders that a pattern stands for on this machine."""
    backends = [pattern.backend] if pattern.backend else available_twins()
    return [contender for name in backends for contender in _of_backend(name, pattern)]


def available_twins() -> list[str]:
    """The twins whose frameworks are installed."""
    return [name for name in TWINS if name in registry.names() and registry.missing(name) is None]


def resolve(contenders: Iterable[str], reference: str) -> list[tuple[Contender, Contender]]:
    """(reference, candidate) for each contender asked for; InputError where nothing is left to compare."""
    candidates = list(dict.fromkeys(c for text in contenders or ("",) for c in expand(parse(text))))
    pattern = _usable_reference(parse(reference), candidates)
    pairs = []
    for candidate in candidates:
        dtype = pattern.dtype or candidate.dtype
        mine = [c for c in expand(replace(pattern, dtype=dtype)) if pattern.device or c.device == "cpu"][:1]
        pairs += [(chosen, candidate) for chosen in mine if chosen != candidate]
    if not pairs:
        raise InputError(_nothing_to_compare(candidates, reference))
    return pairs


def _nothing_to_compare(candidates: list[Contender], reference: str) -> str:
    missing = [reason for reason in map(registry.missing, TWINS) if reason is not None]
    what = f" {', '.join(map(str, candidates))} with; the reference is {reference!r}" if candidates else ""
    return "\n".join([f"There is nothing to compare{what}. Name another --contender or --reference.", *missing])


def _usable_reference(reference: Pattern, candidates: list[Contender]) -> Pattern:
    """The reference asked for; the first candidate's backend where the default, torch, is not installed."""
    default = reference == Pattern("torch", "cpu")
    if default and registry.missing("torch") is not None and candidates:
        return Pattern(candidates[0].backend, candidates[0].device, candidates[0].mode)
    return reference


def _of_backend(name: str, pattern: Pattern) -> list[Contender]:
    backend = registry.load(name)
    known = (*backend.devices(), *backend.modes, *backend.dtypes)
    mode = pattern.mode or backend.modes[0]
    if mode not in backend.modes:
        raise InputError(f"The backend {name!r} has no device, mode or dtype {mode!r}. {suggestion(mode, known)}")
    if pattern.dtype is not None and pattern.dtype not in backend.dtypes:
        raise InputError(
            f"The backend {name!r} has no dtype {pattern.dtype!r}. {suggestion(pattern.dtype, backend.dtypes)}"
        )
    devices = (pattern.device,) if pattern.device else backend.devices()
    dtypes = (pattern.dtype,) if pattern.dtype else backend.dtypes
    return [Contender(name, device, mode, dtype) for device, dtype in product(devices, dtypes)]
