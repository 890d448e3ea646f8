"""What may be wrong where a side did not receive what it was given: each array that differs is told apart by what it became."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.contract import Arrays
from parity.ladder.causes.hypothesis import number
from parity.ladder.causes.network import round_to, round_to_float32
from parity.ladder.subject import Subject
from parity.result import Cause

Array = NDArray[Any]
MOST = 3

ALIGN_DTYPE = "one dtype throughout: jax_enable_x64 for float64 in JAX, no .float() on the way in PyTorch"
ALIGN_LAYOUT = "nn.Linear stores outputs x inputs, nnx.Linear inputs x outputs: transpose all kernels, the square too"
ALIGN_MASKS = "masks are data: hand over those of the start, True where a unit is kept"
ALIGN_ORDER = "the rows of each step are data: hand over those of the start"


def start_causes(suspect: Subject) -> tuple[Cause, ...]:
    """What became of the arrays that differ, the cause of most of them first."""
    handed, received = suspect.handed, suspect.received
    different = {name for name in handed if name not in received or not _same(handed[name], received[name])}
    found: list[tuple[int, Cause]] = []
    for one in _told_apart(handed, received, different):
        code, text, align, names = one
        mine = names & different
        different -= mine
        if mine:
            found.append((len(mine), Cause(code, text, align, str(suspect.contender))))
    found.sort(key=lambda each: -each[0])
    return tuple(cause for _, cause in found)[:MOST]


Told = tuple[str, str, str, set[str]]


def _told_apart(handed: Arrays, received: Arrays, different: set[str]) -> Iterator[Told]:
    """Codes with the arrays that they explain, the most particular first."""

    def where(explains: Callable[[Array, Array], bool], kind: str = "") -> set[str]:
        arrived = (n for n in different if n in received and handed[n].shape == received[n].shape)
        return {name for name in arrived if kind in _kind(name) and explains(handed[name], received[name])}

    names = where(lambda given, got: given.dtype != got.dtype)
    dtypes = " and ".join(sorted({str(received[name].dtype) for name in names}))
    yield "dtype.kept", f"{_listed(names)} came back in {dtypes}", ALIGN_DTYPE, names
    names = {name for name in different if name in received and _is_transposed(handed[name], received[name])}
    yield "layout.kernel_transposed", f"{_listed(names)} came back transposed", ALIGN_LAYOUT, names
    for what, rounding in ROUNDINGS.items():
        names = where(partial(_went_through, rounding))
        yield "dtype.rounded", f"{_listed(names)} went through {what}", ALIGN_DTYPE, names
    yield from _rows(handed, received, different)
    names = where(lambda given, got: np.array_equal(~given, got), "masks")
    yield "masks.inverted", "the masks are inverted: True where a unit is dropped", ALIGN_MASKS, names
    names = where(lambda given, got: True, "masks")
    yield "masks.draw", f"the masks are {_of_steps(handed, received, names)}", ALIGN_MASKS, names
    names = where(lambda given, got: True, "order")
    yield "order.batches", f"the batches are {_of_steps(handed, received, names)}", ALIGN_ORDER, names
    names = {name for name in different if _kind(name) == "data"}
    yield "data.values", _values(handed, received, names), "hand over the data as they are, scaled once", names
    names = {name for name in different if _kind(name) == "state"}
    align = "copy the start into both sides; draw nothing in a framework (nn.Linear and nnx.Linear draw differently)"
    yield "state.initial", _values(handed, received, names), align, names


def _rows(handed: Arrays, received: Arrays, different: set[str]) -> Iterator[Told]:
    """The same rows of data in another order."""
    names: set[str] = {"inputs", "targets"} & different & set(received)
    align = "take the rows in the order of the start: the split and the batches count them"
    if not names or any(handed[name].shape != received[name].shape for name in names):
        return
    both = [np.concatenate([part["inputs"], part["targets"]], axis=1) for part in (handed, received)]
    if _same_rows(*both):
        yield "data.row_order", "the rows of the data are in another order", align, names
    elif all(_same_rows(handed[name], received[name]) for name in names):
        text = f"the rows of {_listed(names)} are in another order, so that inputs stand beside other targets"
        yield "data.row_order", text, align, names


def _of_steps(handed: Arrays, received: Arrays, names: set[str]) -> str:
    """Of arrays (S, ...), whether they are those of other steps."""
    for shift in (1, -1):
        if names and all(np.array_equal(np.roll(handed[name], shift, axis=0), received[name]) for name in names):
            return f"those of the step {'before' if shift == 1 else 'behind'}"
    if names and all(_same_rows(_flat_rows(handed[name]), _flat_rows(received[name])) for name in names):
        return "those of the start in another order"
    return "others than those of the start"


def _values(handed: Arrays, received: Arrays, names: set[str]) -> str:
    """What became of values, in words."""
    if not names:
        return ""
    missing = {name for name in names if name not in received or handed[name].shape != received[name].shape}
    if missing:
        return f"{_listed(missing)} did not arrive with its shape"
    which = _listed(names)
    pairs = [(handed[name].astype(np.float64), received[name].astype(np.float64)) for name in sorted(names)]
    if not any(got.any() for _, got in pairs):
        return f"{which} arrived as zeros"
    if all(np.array_equal(given[..., ::-1], got) for given, got in pairs):
        return f"the columns of {which} are in reverse order"
    if all(np.array_equal(-given, got) for given, got in pairs):
        return f"the sign of {which} is turned"
    before, after = (np.concatenate([pair[side][pair[0] != pair[1]] for pair in pairs]) for side in (0, 1))
    if len(before) == 1:
        return f"one element of {which} is {number(float(after[0]))} instead of {number(float(before[0]))}"
    return _affine(which, pairs) or f"{which} arrived with other values"


def _affine(which: str, pairs: list[tuple[Array, Array]]) -> str:
    """Whether all are one multiple of what was given, and something more."""
    given, got = (np.concatenate([pair[side].ravel() for pair in pairs]) for side in (0, 1))
    if len(given) < 3 or np.ptp(given) == 0.0:
        return ""
    scale, shift = np.polyfit(given, got, 1)
    if np.abs(scale * given + shift - got).max() > 1e-6 * np.abs(got - given).max():
        return ""
    times, plus = (number(float(np.round(value, 9))) for value in (scale, shift))
    return f"{which} arrived as {times} times itself plus {plus}"


def _kind(name: str) -> str:
    if name in ("inputs", "targets"):
        return "data"
    if name == "rows":
        return "order"
    return "masks" if name.startswith("dropouts") else "state"


def _same(given: Array, got: Array) -> bool:
    return given.dtype == got.dtype and given.shape == got.shape and given.tobytes() == got.tobytes()


def _is_transposed(given: Array, got: Array) -> bool:
    return given.ndim == 2 and given.shape == got.shape[::-1] and np.array_equal(given.T, got)


def _went_through(rounding: Callable[[Array], Array], given: Array, got: Array) -> bool:
    return given.dtype.kind == "f" and np.array_equal(rounding(given), got)


def _same_rows(given: Array, got: Array) -> bool:
    """The same rows, each as often, in whatever order."""
    if given.shape != got.shape:
        return False
    one, other = (array[np.lexsort(array.T)] for array in (given, got))
    return np.array_equal(one, other)


def _flat_rows(array: Array) -> Array:
    return array.reshape(len(array), -1)


def _listed(names: set[str]) -> str:
    """Some names, in words."""
    ordered = sorted(names)
    kinds = {name.rsplit(".", 1)[-1] for name in ordered}
    if len(ordered) <= 2:
        return " and ".join(ordered)
    if kinds in ({"bias"}, {"kernel"}):
        return f"every {kinds.pop()}"
    slots = {name.split(" of ")[0] for name in ordered if " of " in name}
    if len(slots) == 1 and all(" of " in name for name in ordered):
        return f"the slot {slots.pop()}"
    return f"{len(ordered)} tensors, among them {ordered[0]},"


def _rounding(rounding: Callable[[Any], Any]) -> Callable[[Array], Array]:
    def rounded(array: Array) -> Array:
        found: Array = rounding(array.astype(np.float64)).astype(array.dtype)
        return found

    return rounded


ROUNDINGS = {
    "float32": _rounding(round_to_float32),
    "float16": lambda array: array.astype(np.float16).astype(array.dtype),
    "TF32 (10 bits of mantissa)": _rounding(round_to(10)),
    "bfloat16 (7 bits of mantissa)": _rounding(round_to(7)),
}
