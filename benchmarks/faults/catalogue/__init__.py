"""The faults, by the part of training they belong to; importing them enters them in the catalogue."""

from benchmarks.faults.catalogue import (
    activations,
    buffers,
    data,
    dtype,
    frameworks,
    gradients,
    layers,
    losses,
    optimizers,
    order,
    reporting,
    schedules,
    solvers,
    state,
)
from benchmarks.faults.fault import CATALOGUE

__all__ = [
    "CATALOGUE",
    "activations",
    "buffers",
    "data",
    "dtype",
    "frameworks",
    "gradients",
    "layers",
    "losses",
    "optimizers",
    "order",
    "reporting",
    "schedules",
    "solvers",
    "state",
]
