"""Watches a JAX program that somebody else wrote, through the framework's own hooks."""

from jax_impl.watch.watcher import Watcher

__all__ = ["Watcher"]
