"""Watching whatever runs in this process: the frameworks that it imports, and what it scores."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from parity import registry
from parity.contract import ParityError, Watcher
from parity.diagnose.finding import Diagnosis
from parity.diagnose.imports import announce
from parity.diagnose.judge import judge
from parity.diagnose.repeats import worst_of_each
from parity.diagnose.scores import Scores

# A framework is watched once all of it that a program may begin with is there.
FRAMEWORKS = {"torch": ("torch",), "jax": ("jax", "flax", "optax")}
SCORES = {"sklearn": ("sklearn.metrics",)}
TRIALS_SECONDS = 75.0


class Watching:
    """Begins when it is made."""

    def __init__(self) -> None:
        self.watchers: list[Watcher] = []
        self.scores = Scores()
        self.unseen: list[str] = []
        self.announcer = announce({**FRAMEWORKS, **SCORES}, self._imported)

    def _imported(self, group: str) -> None:
        if group == "sklearn":
            self.scores.watch()
            return
        try:
            watcher = registry.watcher(group)
            watcher.start()
        except (ParityError, ImportError) as error:
            self.unseen.append(f"What {group} does could not be watched: {error}")
        else:
            self.watchers.append(watcher)

    def judge(
        self, name: str, seconds: float = TRIALS_SECONDS, say: Callable[[str], None] = lambda what: None
    ) -> tuple[Diagnosis, ...]:
        """Stop, and say why each network that was trained does not learn; of those trained alike, why the worst does not."""
        sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not self.announcer]
        scored = self.scores.stop()
        recordings = [(watcher, watcher.stop()) for watcher in reversed(self.watchers)]
        diagnoses: list[Diagnosis] = []
        chosen = [
            (watcher, told, *one) for watcher, told in reversed(recordings) for one in worst_of_each(told.trainings)
        ]
        end = time.monotonic() + seconds
        for done, (watcher, recording, index, alike) in enumerate(chosen):
            # What one network does not need of its share, the others have.
            share = max(0.0, end - time.monotonic()) / (len(chosen) - done)
            try:
                found = judge(name, recording, index, watcher, scored, share, say)
            except Exception as error:  # What the other networks have shown is worth telling.
                found = ()
                self.unseen.append(
                    f"A network could not be diagnosed: {type(error).__name__}: {error}. This is an error of ours."
                )
            diagnoses += [replace(diagnosis, alike=alike) for diagnosis in found]
        return tuple(diagnoses)


class Watched:
    """What `watch` gives: the diagnoses, once the block has ended."""

    def __init__(self) -> None:
        self.diagnoses: tuple[Diagnosis, ...] = ()

    @property
    def healthy(self) -> bool:
        """Nothing above a hint was found in any network."""
        return all(diagnosis.healthy for diagnosis in self.diagnoses)

    def __repr__(self) -> str:
        return "\n".join(map(str, self.diagnoses)) or "Nothing was trained."


@contextmanager
def watch(name: str = "this program", *, seconds: float = TRIALS_SECONDS) -> Iterator[Watched]:
    """Watch what trains inside the block, and diagnose it at the end.

    >>> with parity.diagnose.watch() as watched:  # doctest: +SKIP
    ...     train(model)
    >>> watched.healthy  # doctest: +SKIP

    `seconds` is what the trials may take. An error in the block goes on to the caller, with what was found until then
    in `watched.diagnoses`.
    """
    watching, watched = Watching(), Watched()
    try:
        yield watched
    finally:
        watched.diagnoses = watching.judge(name, seconds)
