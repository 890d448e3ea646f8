"""All that is watched of one program: the calls as they come, and which network each belongs to."""

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np

from jax_impl.watch import places
from jax_impl.watch.backward import Backward, Span
from jax_impl.watch.guard import Guard
from jax_impl.watch.keys import Values
from jax_impl.watch.lines import Known, Line
from jax_impl.watch.names import module_variables
from jax_impl.watch.program import Program
from jax_impl.watch.sampling import next_sample


class Session:
    def __init__(self) -> None:
        self.guard = Guard()
        self.on = False
        self.lines: list[Line] = []
        self.optimizers: dict[int, Known] = {}
        self.kept: list[Any] = []
        self.programs: dict[int, Program] = {}
        self.recording: Backward | None = None
        self.traced: list[Backward] = []
        self.spans: list[Span] = []
        self.modes: list[bool] = []
        self.calls: list[Any] = []
        self.used: list[Known] = []
        self.sites: list[Any] = []
        self.in_call = False
        self.donates = False
        """Some function overwrites its arguments: what is to be looked at later must be copied."""
        self.last: Line | None = None
        self.last_gradients: dict[int, Line] = {}
        self.kept_gradients: list[Any] = []
        self.loose: list[Any] = []
        """Calls of compiled functions without a gradient."""
        self.early: list[Any] = []
        """Of them those that came before any gradient."""
        self.eager: list[Any] = []
        """Networks called outside of compiled functions, without a gradient."""
        self.values = Values()
        self.depth = 0
        self.predictions = -1
        self.predict_at = 0

    @contextmanager
    def off(self) -> Any:
        """Nothing is watched inside: what the watcher does itself."""
        on, self.on = self.on, False
        try:
            yield
        finally:
            self.on = on

    def line_of(self, backward: Backward, arrays: Mapping[str, Any]) -> Line:
        """The network that these arrays are, by who holds them; a new one where nobody can have made them."""
        trained = [arrays[name] for name in backward.trained if name in arrays]
        mine = [line for line in self.lines if line.signature == backward.signature]
        if trained:
            first = trained[0]
            for line in mine:
                if line.holds(first):
                    return line
            for line in mine:
                if any(first is array for array in line.previous.values()):
                    line.lost += 1
                    return line
        for line in mine[::-1]:
            if not trained or not line.followed:
                if trained and starts_anew(line, arrays):
                    continue
                return line
        again = (line for line in mine if trained and any(trained[0] is array for array in line.initial.values()))
        origin = next(again, None)
        line = Line(
            backward.signature, backward, dict(arrays), dict(arrays), origin=origin and (origin.origin or origin)
        )
        self.lines.append(line)
        return line

    def owner(self, arrays: Sequence[Any]) -> Line | None:
        """The network whose parameters are among the arrays."""
        ids = {id(array) for array in arrays}
        for line in self.lines[::-1]:
            if any(id(array) in ids for array in line.current.values()):
                return line
        return None

    def predicted(self, module: Any, inputs: Any, out: Any) -> None:
        """A network was called outside of compiled functions, and no gradient taken."""
        line = self.owner([value for _, _, value in module_variables(module)])
        mode = any(self.modes) if self.modes else None
        seen = self.predictions = self.predictions + 1
        if seen >= self.predict_at:
            self.predict_at = next_sample(seen)
            self.eager.append([line, module, line.backwards if line else 0, inputs, out, None, mode, places.stack()])

    def met(self, one: Any, other: Any = None) -> None:
        """A prediction made outside of compiled functions was compared."""
        evaluation = self.eager[-1] if self.eager else None
        if evaluation is not None and evaluation[5] is None and (evaluation[4] is one or evaluation[4] is other):
            evaluation[5] = other if evaluation[4] is one else one

    def froze(self, changed: tuple[str, Any], line: Line | None) -> None:
        line = line or self.last
        if line is not None:
            line.facts.setdefault("value-frozen-at-trace", changed[1])

    def optimizer_used(self, known: Known, updates: Any) -> None:
        if not self.on:
            return
        self.used.append(known)
        leaves = jax.tree.leaves(updates)
        if self.in_call:
            if self.traced:
                keys = {self.traced[-1].values.key(leaf) for leaf in leaves}
                mine = [b for b in self.traced[::-1] if keys & set(b.gradients.values())]
                (mine or self.traced[::-1])[0].optimizer = known
        else:
            line = next(
                (self.last_gradients[id(leaf)] for leaf in leaves if id(leaf) in self.last_gradients), self.last
            )
            if line is not None:
                line.optimizer = known

    def applied(self, before: Sequence[Any], after: Sequence[Any]) -> None:
        """Outside of compiled functions the program made new parameters of old ones."""
        line = self.owner(before)
        if line is None:
            return
        names = {id(array): name for name, array in line.current.items()}
        new = {names[id(old)]: fresh for old, fresh in zip(before, after, strict=True) if id(old) in names}
        line.updated |= set(new)
        line.followed = True
        line.updates += 1
        line.update_place = places.here() or line.update_place
        line.move(new)


def starts_anew(line: Line, arrays: Mapping[str, Any]) -> bool:
    """Biases that are 0 again are those of another network."""
    flat = [name for name, array in arrays.items() if np.ndim(array) == 1 and name in line.current]
    zero = [not np.any(np.asarray(arrays[name])) for name in flat]
    before = [not np.any(np.asarray(line.current[name])) for name in flat]
    return bool(flat) and line.backwards > 1 and all(zero) and not all(before)
