"""What a program itself scores with scikit-learn: the only place where its held-out targets are sure to be seen."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from parity.contract.places import user_place
from parity.diagnose.judged import Scored

FUNCTIONS = ("r2_score", "mean_squared_error", "root_mean_squared_error", "mean_absolute_error", "accuracy_score")
LARGEST = 2_000_000
KEPT = 16


class Scores:
    """The last pairs of truth and prediction that were scored."""

    def __init__(self) -> None:
        self.on = True
        self.seen: list[Scored] = []
        self.undo: list[Callable[[], None]] = []

    def watch(self) -> None:
        """Wrap the scoring functions of scikit-learn, which has been imported."""
        metrics = sys.modules["sklearn.metrics"]
        for name in FUNCTIONS:
            original = getattr(metrics, name, None)
            if original is None:
                continue
            noting = self._noting(name, original)
            # Also where it is defined, so that it can be pickled by its name.
            for owner in (metrics, sys.modules[original.__module__]):
                setattr(owner, name, noting)
                self.undo.append(lambda owner=owner, name=name, original=original: setattr(owner, name, original))  # type: ignore[misc]

    def stop(self) -> tuple[Scored, ...]:
        """Put everything back."""
        self.on = (
            False  # A program may have taken the function with `from sklearn.metrics import`, and go on calling it.
        )
        while self.undo:
            self.undo.pop()()
        return tuple(self.seen)

    def _noting(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def score(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            if not self.on:
                return result
            given = [*args, *(kwargs[key] for key in ("y_true", "y_pred") if key in kwargs)]
            try:
                truth, prediction = (np.array(value) for value in given[:2])
            except (TypeError, ValueError, RuntimeError):
                return result  # Not arrays; scikit-learn could use them, and we can do without.
            if truth.size <= LARGEST and truth.dtype.kind in "fiub" and prediction.dtype.kind in "fiub":
                self.seen = [*self.seen, Scored(truth, prediction, user_place(), name)][-KEPT:]
            return result

        return score
