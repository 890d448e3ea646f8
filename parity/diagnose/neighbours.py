"""The rows most like a row."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def neighbours(known: Floats, asked: Floats, count: int) -> tuple[Floats, NDArray[np.intp]]:
    """(M, count) distances, in standard deviations of the columns, and row numbers of the N known rows nearest to each of M."""
    from scipy.spatial import cKDTree

    spread = known.std(0)
    scale = np.where(spread > 0, spread, 1.0)
    count = min(count, len(known))
    distances, found = cKDTree(known / scale).query(asked / scale, k=count)
    return distances.reshape(len(asked), count), found.reshape(len(asked), count)
