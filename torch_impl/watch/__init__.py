"""Watching a PyTorch program that somebody else wrote, through the framework's own hooks."""

from torch_impl.watch.watcher import Watcher

__all__ = ["Watcher"]
