"""Progress of long work, for whoever watches."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Done = Callable[[int], None]


class Watcher(Protocol):
    """Shows how far a task is."""

    def task(self, name: str, total: int) -> AbstractContextManager[Done]:
        """A task of `total` units; the function it gives is told how many are done."""
        ...


class Silent:
    """Nobody watches."""

    @contextmanager
    def task(self, name: str, total: int) -> Iterator[Done]:
        yield lambda done: None
