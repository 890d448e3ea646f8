"""Noise: how far rounding may bring what a test compares; measured, not chosen.

Of a run it is the furthest of the oracle's replicas, in which every rounding is made anew; of a function of arrays, the
furthest of its values where each number that goes in is one unit in the last place away. It is no less than one unit in the
last place of a tensor's largest element for each time that it was stored, and passes by the ladder's own factor.
"""

import numpy as np

from parity.ladder.calibration import calibrated
from parity.ladder.envelope import ulp
from parity.ladder.gap import distances, gaps
from parity.ladder.replicas import away, disturb

REPLICAS = 16
FACTOR = calibrated(REPLICAS, None).path_factor


def of_run(see, given, config, truth=None):
    """By tensor, how far the replicas lie from the truth, or from the original where none is given.

    `see(given, replica)` shows by name what comes of a start, in the original's order; the replica is None for the original.
    """
    truth = see(given, None) if truth is None else truth
    replicas = (disturb(given, config, seed) for seed in range(REPLICAS))
    return furthest(truth, (see(replica.given, replica) for replica in replicas))


def of_function(function, *arrays, dtype="float64", truth=None):
    """The same of `function(*arrays)`, which returns arrays by name, its arguments an ulp of the dtype away."""
    arrays = [np.asarray(array, dtype) for array in arrays]
    truth = function(*arrays) if truth is None else truth
    random = np.random.default_rng(0)
    return furthest(truth, (function(*(away(array, random) for array in arrays)) for _ in range(REPLICAS)))


def furthest(truth, replicas):
    """By tensor the largest distance of any replica."""
    each = [distances(truth, replica) for replica in replicas]
    return {name: max(found[name] for found in each) for name in truth}


def beyond(expected, found, noise, dtype="float64", stored=1):
    """The tensors that are further apart than rounding explains, and by how much."""
    told = {}
    for name, gap in gaps(expected, found).items():
        limit = FACTOR * max(noise.get(name, 0.0), stored * ulp(gap.scale, dtype))
        if not gap.size <= limit:
            told[name] = f"{gap.where} differs by {gap.size:.2g}; rounding explains {limit:.2g}"
    return told
