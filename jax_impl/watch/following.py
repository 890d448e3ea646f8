"""The parameters of a network on their way through the calls of one compiled program."""

from dataclasses import dataclass
from typing import Any

from jax_impl.watch.gradients import settle
from jax_impl.watch.lines import Line
from jax_impl.watch.program import Case, Program, updates
from jax_impl.watch.sampling import next_sample


@dataclass(frozen=True, slots=True)
class Fast:
    """Where a call has what tells of it: enough to follow it, where nothing of it is looked at."""

    line: Line
    first_in: int
    first_out: int | None
    loss_at: int | None
    backwards: int
    updates: int
    passes: dict[str, tuple[int, int]]

    def follow(self, leaves: list[Any], results: list[Any]) -> bool:
        """False where this network was not the one called, or what the last call made of it is still to be seen."""
        line = self.line
        if leaves[self.first_in] is not line.first or line.waiting is not None:
            return False
        if self.backwards:
            line.backwards += 1
            line.losses.append(None if self.loss_at is None else results[self.loss_at])
        line.updates += self.updates
        if self.first_out is not None:
            line.recent = (self.passes, leaves, results)
            line.first = results[self.first_out]
        return True


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
        self.fast = self._fast()

    def _fast(self) -> Fast | None:
        line = self.lines[0]
        if line is None or len(self.lines) > 1:
            return None
        if not self.program.cases:
            first = self.inputs.get(line.first_name)
            out = self.passes.get(line.first_name, (0, None))[1]
            if first is None or (self.passes and out is None):
                return None
            return Fast(line, first, out, None, 0, int(bool(self.changes)), self.passes)
        case = self.program.cases[0]
        passes = {name: (case.goes_in[name], out) for name, out in case.comes_out.items() if name in case.goes_in}
        first, out = case.goes_in.get(line.first_name), case.comes_out.get(line.first_name)
        if first is None or (passes and out is None) or len(passes) < len(case.comes_out):
            return None
        return Fast(line, first, out, case.loss_at, 1, int(bool(case.updated)), passes)

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
                self.session.early.append((self.program, self.site, kept, leaves))
            return
        if self.changes:
            line.followed = True
            line.updates += 1
            line.updated |= self.changes
            line.update_place = line.update_place or self.site.place
            line.optimizer = line.optimizer or self.program.optimizer
        elif looks and kept is not None:
            names = {i: name for name, i in self.inputs.items()}
            self.session.loose.append((self.program, self.site, kept, line, line.backwards, names))
        if self.passes:
            line.move({name: results[out] for name, (_, out) in self.passes.items()})

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
