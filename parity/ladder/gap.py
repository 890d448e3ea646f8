"""The largest distance between two sets of named arrays, and its place."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract import Arrays


@dataclass(frozen=True)
class Gap:
    """A relative distance and where it was found."""

    size: float
    where: str


NO_GAP = Gap(0.0, "")


def largest_gap(reference: Arrays, candidate: Arrays) -> Gap:
    """The largest |candidate - reference| over the largest |reference|.

    All arrays share one scale, because an element that cancels to nothing has no digits of its own to agree on. Names and
    shapes are compared before values; where they differ the gap is infinite, and so it is where only one value is finite.
    """
    unlike = _unlike(reference, candidate)
    if unlike:
        return Gap(float("inf"), unlike)
    scale = max((_largest(array) for array in reference.values()), default=0.0)
    gaps = [_of_tensor(name, reference[name], candidate[name], scale) for name in reference]
    return max(gaps, key=lambda gap: gap.size, default=NO_GAP)


def identical(reference: Arrays, candidate: Arrays) -> Gap:
    """Zero where all arrays are the same bit for bit, infinite and placed where they are not."""
    unlike = _unlike(reference, candidate)
    if unlike:
        return Gap(float("inf"), unlike)
    for name, array in reference.items():
        if array.dtype != candidate[name].dtype:
            return Gap(float("inf"), f"{name}: dtype {candidate[name].dtype}, expected {array.dtype}")
        different = (_bytes(array) != _bytes(candidate[name])).any(axis=-1)
        if different.any():
            return Gap(float("inf"), element(name, _place(different, array.shape)))
    return NO_GAP


def element(name: str, place: tuple[int, ...]) -> str:
    """`layers.0.kernel[1, 2]`."""
    return f"{name}[{', '.join(map(str, place))}]" if place else name


def _unlike(reference: Arrays, candidate: Arrays) -> str:
    if set(reference) != set(candidate):
        return f"names {sorted(set(reference) ^ set(candidate))}"
    for name, array in reference.items():
        if array.shape != candidate[name].shape:
            return f"{name}: shape {candidate[name].shape}, expected {array.shape}"
    return ""


def _largest(array: NDArray[Any]) -> float:
    return float(np.max(np.abs(array), initial=0.0, where=np.isfinite(array)))


def _bytes(array: NDArray[Any]) -> NDArray[np.uint8]:
    """(elements, bytes of one)."""
    return np.ascontiguousarray(array).reshape(-1, 1).view(np.uint8)


def _place(flags: NDArray[Any], shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(flags)), shape))


def _of_tensor(name: str, reference: NDArray[Any], candidate: NDArray[Any], scale: float) -> Gap:
    if reference.size == 0:
        return NO_GAP
    with np.errstate(invalid="ignore", over="ignore"):
        distance = np.abs(candidate.astype(np.float64) - reference.astype(np.float64))
    # Where both left the finite numbers alike they don't differ; that they left them is another question.
    alike = (candidate == reference) | (np.isnan(candidate) & np.isnan(reference))
    distance = np.where(alike, 0.0, np.where(np.isfinite(distance), distance, np.inf))
    size = float(distance.max())
    if size == 0.0:
        return NO_GAP
    relative = size / scale if scale > 0.0 else float("inf")
    return Gap(relative, element(name, _place(distance, distance.shape)))
