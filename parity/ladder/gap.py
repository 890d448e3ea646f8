"""How far two sets of named arrays are apart, tensor by tensor, and where."""

from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract import Arrays


@dataclass(frozen=True)
class Gap:
    """The largest |candidate - reference| of one tensor, and its place."""

    size: float
    """In the tensor's own units; infinite where only one of the two is finite, or names, shapes or bits differ."""
    where: str
    """Tensor and element."""
    scale: float = 1.0
    """The largest |reference| of the tensor."""

    @property
    def relative(self) -> float:
        """Size over scale."""
        return 0.0 if self.size == 0.0 else self.size / self.scale if self.scale > 0.0 else inf


NO_GAP = Gap(0.0, "")


def gaps(reference: Arrays, candidate: Arrays) -> dict[str, Gap]:
    """The gap of each tensor, by name; names and shapes are compared before values."""
    unlike = _unlike(reference, candidate)
    if unlike:
        return {unlike: Gap(inf, unlike)}
    return {name: _of_tensor(name, reference[name], candidate[name]) for name in reference}


def furthest(name: str, reference: NDArray[Any], candidate: NDArray[Any], noise: NDArray[Any]) -> tuple[Gap, float]:
    """The gap of a tensor at the element that is furthest out in units of what noise, above 0, does there; and that noise."""
    distance = _distance(reference, candidate)
    place = _place(distance / noise, distance.shape)
    size = float(distance[place])
    return Gap(size, element(name, place) if size else "", _scale(reference)), float(noise[place])


def distances(original: Arrays, replica: Arrays) -> dict[str, float]:
    """The largest distance of each tensor, by name."""
    return {name: _largest(_distance(original[name], replica[name])) for name in original}


def distances_over(original: NDArray[Any], replica: NDArray[Any]) -> NDArray[np.float64]:
    """(C,) the largest distance within each row of two (C, ...) arrays."""
    distance = _distance(original, replica)
    return np.asarray(distance.max(axis=tuple(range(1, distance.ndim)), initial=0.0))


def identical(reference: Arrays, candidate: Arrays) -> Gap:
    """No gap where all arrays are the same bit for bit, an infinite one, placed, where they are not."""
    unlike = _unlike(reference, candidate)
    if unlike:
        return Gap(inf, unlike)
    for name, array in reference.items():
        if array.dtype != candidate[name].dtype:
            return Gap(inf, f"{name}: dtype {candidate[name].dtype}, expected {array.dtype}")
        different = (_bytes(array) != _bytes(candidate[name])).any(axis=-1)
        if different.any():
            return Gap(inf, element(name, _place(different, array.shape)))
    return NO_GAP


def scales(arrays: Arrays) -> dict[str, float]:
    """The largest finite magnitude of each tensor."""
    return {name: _scale(array) for name, array in arrays.items()}


def element(name: str, place: tuple[int, ...]) -> str:
    """`layers.0.kernel[1, 2]`."""
    return f"{name}[{', '.join(map(str, place))}]" if place else name


def tensor_of(where: str) -> str:
    """The tensor of an element: `layers.0.kernel` of `layers.0.kernel[1, 2]`."""
    return where.split("[")[0]


def _unlike(reference: Arrays, candidate: Arrays) -> str:
    if set(reference) != set(candidate):
        return f"names {sorted(set(reference) ^ set(candidate))}"
    for name, array in reference.items():
        if array.shape != candidate[name].shape:
            return f"{name}: shape {candidate[name].shape}, expected {array.shape}"
    return ""


def _of_tensor(name: str, reference: NDArray[Any], candidate: NDArray[Any]) -> Gap:
    distance = _distance(reference, candidate)
    size = _largest(distance)
    return Gap(size, element(name, _place(distance, distance.shape)) if size else "", _scale(reference))


def _distance(reference: NDArray[Any], candidate: NDArray[Any]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", over="ignore"):
        distance = np.abs(candidate.astype(np.float64) - reference.astype(np.float64))
    # Where both left the finite numbers alike they don't differ; that they left them is another question.
    alike = (candidate == reference) | (np.isnan(candidate) & np.isnan(reference))
    return np.where(alike, 0.0, np.where(np.isfinite(distance), distance, np.inf))


def _largest(distance: NDArray[np.float64]) -> float:
    return float(distance.max(initial=0.0))


def _scale(array: NDArray[Any]) -> float:
    scale = float(np.max(np.abs(array), initial=0.0, where=np.isfinite(array)))
    return scale if isfinite(scale) else 0.0


def _bytes(array: NDArray[Any]) -> NDArray[np.uint8]:
    """(elements, bytes of one)."""
    return np.ascontiguousarray(array).reshape(-1, 1).view(np.uint8)


def _place(flags: NDArray[Any], shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(flags)), shape)) if shape else ()
