"""Numbers taken from a running program's arrays."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

LARGEST = 4_000_000  # Numbers of one array that are kept.


def kept(array: Any) -> NDArray[Any] | None:
    """The numbers of an array, unless they are too many."""
    return None if array is None or np.size(array) > LARGEST else np.array(array)
