"""The parameters of a network on their way through the calls of one compiled program."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax

from jax_impl.watch import places
from jax_impl.watch.gradients import settle
from jax_impl.watch.lines import Line
from jax_impl.watch.program import Case, Program, updates
from jax_impl.watch.sampling import next_sample
from parity.contract import Place

flatten = jax.tree_util.default_registry.flatten


@dataclass(frozen=True, slots=True)
class Fast:
    """Where a call has what tells of it: enough to follow it, where nothing of it is looked at."""

    line: Line
    first_in: Callable[[Any], Any]
    first_out: Callable[[Any], Any] | None
    loss: Callable[[Any], Any] | None
    backwards: int
    updates: int
    passes: dict[str, tuple[int, int]]

    def follow(self, given: Any, out: Any) -> bool:
        """False where this network was not the one called, or what the last call made of it is still to be seen."""
        line = self.line
        if self.first_in(given) is not line.first or line.waiting is not None:
            return False
        first = line.first if self.first_out is None else self.first_out(out)
        if self.backwards:
            line.losses.append(None if self.loss is None else self.loss(out))
            line.backwards += 1
        line.updates += self.updates
        if self.first_out is not None:
            line.recent = (self.passes, given, out)
            line.first = first
        return True


def taking(tree: Any, position: int) -> Callable[[Any], Any]:
    """A function that takes the leaf at that position out of a tree like this one."""
    path, _ = jax.tree_util.tree_leaves_with_path(tree)[position]
    steps = [step_into(entry) for entry in path]
    if None in steps:
        return lambda tree: flatten(tree)[0][position]
    # Compiled, because it runs in every step of the user's program.
    take = eval("lambda tree: tree" + "".join(steps))
    try:
        take(tree)
    except (AttributeError, KeyError, TypeError):
        return lambda tree: flatten(tree)[0][position]
    return take


def step_into(entry: Any) -> str | None:
    if isinstance(entry, jax.tree_util.SequenceKey):
        return f"[{entry.idx}]"
    if isinstance(entry, jax.tree_util.DictKey) and isinstance(entry.key, str | int):
        return f"[{entry.key!r}]"
    if isinstance(entry, jax.tree_util.GetAttrKey) and entry.name.isidentifier():
        # The path of an nnx.Variable's array has a name that warns when it is read.
        return ".get_value()" if entry.name == "value" else f".{entry.name}"
    return None


class Follower:
    def __init__(self, site: Any, program: Program) -> None:
        self.session = site.session
        self.program = program
        self.site = site
        self.lines: list[Line | None] = [None] * max(1, len(program.cases))
        self.fast: Fast | None = None
        self.passes: dict[str, tuple[int, int]] = {}
        """By parameter where it goes in and comes out, where no gradient is computed."""
        self.inputs: dict[str, int] = {}
        self.changes: set[str] = set()

    def follow(self, leaves: list[Any], results: list[Any], kept: list[Any] | None, looks: bool) -> None:
        """One call. `kept` are the arguments as they were before it; `looks`: the call is among those to be looked at."""
        for i, case in enumerate(self.program.cases):
            line = self.lines[i] = self.step(case, leaves, results, self.lines[i])
            number = line.backwards - 1
            line.called = (places.here() if looks else None) or line.called
            if number == 0 and kept is not None:
                line.initial.update({name: kept[i] for name, i in case.goes_in.items()})
            if kept is not None and looks and number >= line.sample_at:
                line.sample_at = next_sample(number)
                line.waiting = [self.program, case, number, kept, None]
                line.samples.append(line.waiting)
                if case.updated and set(case.updated) <= set(case.comes_out):
                    line.waiting[-1] = {**line.current, **{name: results[i] for name, i in case.comes_out.items()}}
                    line.waiting = None
            elif number >= line.sample_at:
                self.site.sample_at = min(self.site.sample_at, self.site.calls + 1)
            if case.comes_out:
                line.move({name: results[i] for name, i in case.comes_out.items()})
        if not self.program.cases:
            self.pass_through(leaves, results, kept, looks)
        self.fast = None

    def hasten(self, given: Any, out: Any) -> Fast | None:
        """How to follow the next calls, where they are like this one."""
        line = self.lines[0]
        if line is None or len(self.lines) > 1:
            return None
        if not self.program.cases:
            first = self.inputs.get(line.first_name)
            at = self.passes.get(line.first_name, (0, None))[1]
            if first is None or (self.passes and at is None):
                return None
            return self._fast(given, out, line, first, at, None, 0, int(bool(self.changes)), self.passes)
        case = self.program.cases[0]
        passes = {name: (case.goes_in[name], out) for name, out in case.comes_out.items() if name in case.goes_in}
        first, at = case.goes_in.get(line.first_name), case.comes_out.get(line.first_name)
        if first is None or (passes and at is None) or len(passes) < len(case.comes_out):
            return None
        return self._fast(given, out, line, first, at, case.loss_at, 1, int(bool(case.updated)), passes)

    def _fast(self, given: Any, out: Any, line: Line, first: int, at: Any, loss: Any, *counts: Any) -> Fast:
        def result(position: int | None) -> Callable[[Any], Any] | None:
            return None if position is None else taking(out, position)

        self.fast = Fast(line, taking(given, first), result(at), result(loss), *counts)
        return self.fast

    def step(self, case: Case, leaves: list[Any], results: list[Any], line: Line | None) -> Line:
        arrays = {name: leaves[i] for name, i in case.goes_in.items()}
        if line is None or not case.first or arrays[case.first] is not line.current.get(case.first):
            arrays.update({name: array for name, array in case.constants.items() if name not in arrays})
            line = self.session.line_of(case.backward, arrays)
            changed = {name for name in case.backward.trained if arrays.get(name) is not line.current.get(name)}
            if changed:
                settle(line, arrays, changed)
        if line.waiting is not None:
            line.waiting[-1] = {**line.current, **arrays}
            line.waiting = None
        line.backwards += 1
        line.losses.append(None if case.loss_at is None else results[case.loss_at])
        self.session.last = line
        line.optimizer = line.optimizer or case.backward.optimizer
        if case.updated:
            line.followed = True
            line.updates += 1
            if line.update_place is None:
                line.updated |= set(case.updated)
                line.update_place = case.update_place
            if case.dropped and line.updates > 1 and len(self.program.cases) == 1:
                line.facts.setdefault("updates-lost-in-jit", self.site.place)
        return line

    def pass_through(self, leaves: list[Any], results: list[Any], kept: list[Any] | None, looks: bool) -> None:
        """Without a gradient: it may change the parameters, hand them back, or only use them."""
        line = self.lines[0]
        if line is None or not self.inputs or not self._mine(line, leaves):
            line = self.lines[0] = self.session.owner(leaves)
            if line is not None:
                self._find(line, leaves)
        if line is None:
            if looks and kept is not None:
                self.session.early.append((self.program, self._stack(), kept, leaves))
            return
        if self.changes:
            line.followed = True
            line.updates += 1
            line.updated |= self.changes
            line.update_place = line.update_place or self.site.place
            line.optimizer = line.optimizer or self.program.optimizer
        elif looks and kept is not None:
            names = {i: name for name, i in self.inputs.items()}
            self.session.loose.append((self.program, self._stack(), kept, line, line.backwards, names))
        if self.passes:
            line.move({name: results[out] for name, (_, out) in self.passes.items()})

    def _stack(self) -> tuple[Place, ...]:
        """Of a compiled function it is not known which of its lines is running."""
        return (*([self.site.place] if self.site.place else []), *places.stack())

    def _mine(self, line: Line, leaves: list[Any]) -> bool:
        name, i = next(iter(self.inputs.items()))
        return leaves[i] is line.current.get(name)

    def _find(self, line: Line, leaves: list[Any]) -> None:
        names = {id(array): name for name, array in line.current.items()}
        self.inputs = {names[id(leaf)]: i for i, leaf in enumerate(leaves) if id(leaf) in names}
        keys = {name: self.program.inputs[i] for name, i in self.inputs.items()}
        others = {key for key in self.program.inputs if key not in keys.values()}
        changed = updates(self.program.flats, {key: name for name, key in keys.items()}, others)
        changed = {name: key for name, key in changed.items() if self.program.leaving({name: key})}
        passed = {name: key for name, key in keys.items() if name not in changed}
        after = {**self.program.leaving(passed, frozenset()), **self.program.leaving(changed)}
        self.passes = {name: (self.inputs[name], out) for name, out in after.items()}
        self.changes = set(changed)
