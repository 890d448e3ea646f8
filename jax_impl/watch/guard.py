"""The user's program goes on, whatever happens in a hook."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any


class Guard:
    def __init__(self) -> None:
        self.unseen: dict[str, None] = {}

    def note(self, sentence: str) -> None:
        self.unseen[sentence] = None

    @contextmanager
    def __call__(self, what: str) -> Iterator[None]:
        """Whatever fails inside is noted, and the program goes on."""
        try:
            yield
        except Exception as error:
            self.note(f"{what} could not be watched: {type(error).__name__}: {str(error)[:200]}")

    def around(self, what: str, hook: Callable) -> Callable:
        """The hook, which gives None where it fails."""

        @wraps(hook)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            with self(what):
                return hook(*args, **kwargs)
            return None

        return guarded
