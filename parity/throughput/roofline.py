"""What the machine can do at most: the rate of its matrix product, and of copying (Williams, Waterman and Patterson 2009,
doi 10.1145/1498765.1498785).

Both are measured with NumPy, in a process whose threads are set before its BLAS starts, which is the only time that every BLAS
listens. Of a GPU nothing is said here: without a framework there is no product on it to time.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from parity.contract import ParityError, require
from parity.environment import THREAD_VARIABLES
from parity.throughput.clock import best_seconds

SIDE = 1024
"""Rows and columns of the matrices, of which a product is as fast as it gets."""
SMALLEST, LARGEST = 2**16, 2**28
"""Bytes of what is copied: less is over before it can be timed, more is as slow."""


ENOUGH = 2**26
"""Bytes that are copied at one reading of the clock."""
Bytes = NDArray[np.uint8]


class Roofline(NamedTuple):
    """The two rates that bound what a program does."""

    matmul_rate: float
    """Operations a second."""
    copy_rate: float
    """Bytes a second, those read and those written, in a working set of the size asked for."""

    def seconds(self, flops: float, moved: float) -> float:
        """The least time of so many operations on so many bytes."""
        return max(flops / self.matmul_rate, moved / self.copy_rate)


def roofline(dtype: str, threads: int, working_set: int) -> Roofline:
    """The rates in a dtype with so many threads, copying `working_set` bytes, which small networks have in a cache.

    Raises InputError for a number of threads below 1.
    """
    require(threads >= 1, f"threads is {threads!r}; expected a whole number of at least 1.")
    size = min(max(working_set, SMALLEST), LARGEST)
    return _measured(dtype, threads, 1 << (size - 1).bit_length())


@cache
def _measured(dtype: str, threads: int, working_set: int) -> Roofline:
    command = [sys.executable, "-m", __name__, dtype, str(threads), str(working_set)]
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads))
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if answer.returncode:
        last = (answer.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ParityError(f"the machine's rates could not be measured: {last}")
    return Roofline(*json.loads(answer.stdout))


def matmul_rate(dtype: str, threads: int) -> float:
    """Operations a second of a product of square matrices."""
    random = np.random.default_rng(0)
    one, other = (random.random((SIDE, SIDE)).astype(dtype) for _ in range(2))
    product = np.empty_like(one)
    return 2 * SIDE**3 / best_seconds(lambda: np.matmul(one, other, out=product), _clock(threads))


def copy_rate(working_set: int, threads: int) -> float:
    """Bytes a second, read and written, of a copy whose two sides are together `working_set`; each thread copies a part."""
    each = max(1, working_set // 2 // threads)
    times = max(1, ENOUGH // working_set)
    sides = [(np.ones(each, np.uint8), np.zeros(each, np.uint8)) for _ in range(threads)]

    def copy(side: tuple[Bytes, Bytes]) -> None:
        for _ in range(times):
            np.copyto(side[1], side[0])

    moved = 2 * each * threads * times
    if threads == 1:
        return moved / best_seconds(lambda: copy(sides[0]))
    with ThreadPoolExecutor(threads) as pool:
        return moved / best_seconds(lambda: list(pool.map(copy, sides)), _clock(threads))


def _clock(threads: int) -> Callable[[], float]:
    """CPU time counts what one thread does, however busy the machine; what several do side by side only a clock on the wall."""
    return time.thread_time if threads == 1 else time.perf_counter


def main(dtype: str, threads: str, working_set: str) -> None:
    """Measure both in this process."""
    print(json.dumps([matmul_rate(dtype, int(threads)), copy_rate(int(working_set), int(threads))]))


if __name__ == "__main__":
    main(*sys.argv[1:])
