"""Who takes part: what each needs installed, and where its module is."""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

from benchmarks.peers.job import Job
from benchmarks.peers.peer import Peer


class Entry(NamedTuple):
    """A peer, or one of our own."""

    name: str
    kind: str
    """peer: a library; idiomatic: the loop that a framework's documentation shows; tuned: the best of a framework."""
    packages: tuple[str, ...]
    """Distributions whose versions its figures belong to."""
    where: str
    """Module and class."""
    arguments: tuple[Any, ...] = ()

    def opened(self, job: Job) -> Peer:
        """The peer itself; this imports its library."""
        module, name = self.where.split(":")
        made: Peer = getattr(import_module(f"benchmarks.peers.libraries.{module}"), name)(job, *self.arguments)
        return made

    @property
    def versions(self) -> dict[str, str]:
        """By distribution; PackageNotFoundError where one is not installed."""
        return {name: version(name) for name in self.packages}

    @property
    def missing(self) -> str:
        """Why it can't take part; empty where it can."""
        absent = []
        for name in self.packages:
            try:
                version(name)
            except PackageNotFoundError:
                absent.append(name)
        return f"{' and '.join(absent)} not installed: pip install 'parity[peers]'" if absent else ""


ON_JAX, ON_TORCH = ("jax", "jaxlib"), ("torch",)


def ours(contender: str, kind: str) -> Entry:
    """A contender of ours, as `torch:cpu:eager`."""
    backend, _, mode = contender.split(":")
    packages = (*ON_JAX, "flax", "optax") if backend == "jax" else ON_TORCH
    return Entry(contender, kind, packages, "ours:Ours", (backend, mode))


OURS = (ours("torch:cpu:eager", "tuned"), ours("torch:cpu:flat", "tuned"), ours("jax:cpu:flat", "tuned"))
"""With each of these every peer is compared."""

PEERS = (
    Entry("JAX loop, one scan", "tuned", (*ON_JAX, "optax"), "jax_loop:Scan"),
    Entry("JAX loop, jit a step", "idiomatic", (*ON_JAX, "optax"), "jax_loop:Documented"),
    Entry("PyTorch loop, fused Adam", "tuned", ON_TORCH, "torch_loop:Fused"),
    Entry("PyTorch loop, DataLoader", "idiomatic", ON_TORCH, "torch_loop:Documented"),
    Entry("scikit-learn, one call", "peer", ("scikit-learn",), "scikit_learn:ScikitLearn", (True,)),
    Entry("scikit-learn, a call a batch", "peer", ("scikit-learn",), "scikit_learn:ScikitLearn", (False,)),
    Entry("Equinox", "peer", ("equinox", *ON_JAX, "optax"), "equinox_loop:Equinox"),
    Entry("Keras on JAX, 32 steps an execution", "peer", ("keras", *ON_JAX), "keras_fit:Keras", ("jax", 32)),
    Entry("Keras on JAX", "peer", ("keras", *ON_JAX), "keras_fit:Keras", ("jax",)),
    Entry("Keras on PyTorch, 32 steps an execution", "peer", ("keras", *ON_TORCH), "keras_fit:Keras", ("torch", 32)),
    Entry("Keras on PyTorch", "peer", ("keras", *ON_TORCH), "keras_fit:Keras", ("torch",)),
    Entry("skorch", "peer", ("skorch", *ON_TORCH), "skorch_fit:Skorch"),
    Entry("Lightning", "peer", ("lightning", *ON_TORCH), "lightning_fit:Lightning"),
)

BY_NAME = {entry.name: entry for entry in (*OURS, *PEERS)}
