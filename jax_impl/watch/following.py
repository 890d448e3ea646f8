"""The parameters of a network on their way through the calls of one compiled program."""

from typing import Any

from jax_impl.watch.gradients import settle
from jax_impl.watch.lines import Line
from jax_impl.watch.program import Case, Program, updates
from jax_impl.watch.sampling import next_sample


class Follower:
    def __init__(self, site: Any, program: Program) -> None:
        self.session = site.session
        self.program = program
        self.site = site
        self.line: Line | None = None
        self.passes: dict[str, tuple[int, int]] = {}
        """By parameter where it goes in and comes out, where no gradient is computed."""
        self.inputs: dict[str, int] = {}
        self.changes: set[str] = set()

    def follow(self, leaves: list[Any], results: list[Any], kept: list[Any] | None, looks: bool) -> None:
        """One call. `kept` are the arguments as they were before it; `looks`: the call is among those to be looked at."""
        for case in self.program.cases:
            line = self.step(case, leaves, results)
            number = line.backwards - 1
            if kept is not None and number >= line.sample_at:
                line.sample_at = next_sample(number)
                line.waiting = [self.program, case, number, kept, None]
                line.samples.append(line.waiting)
            if case.comes_out:
                line.move({name: results[i] for name, i in case.comes_out.items()})
        if not self.program.cases:
            self.pass_through(leaves, results, kept, looks)

    def step(self, case: Case, leaves: list[Any], results: list[Any]) -> Line:
        arrays = {name: leaves[i] for name, i in case.goes_in.items()}
        line = self.line
        if line is None or not case.first or arrays[case.first] is not line.current.get(case.first):
            arrays.update({name: array for name, array in case.constants.items() if name not in arrays})
            line = self.line = self.session.line_of(case.backward, arrays)
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
            if case.dropped and line.updates > 1:
                line.facts.setdefault("updates-lost-in-jit", self.site.place)
        return line

    def pass_through(self, leaves: list[Any], results: list[Any], kept: list[Any] | None, looks: bool) -> None:
        """Without a gradient: it may change the parameters, hand them back, or only use them."""
        if self.line is None or not self.inputs or not self._mine(leaves):
            self.line = self.session.owner(leaves)
            if self.line is not None:
                self._find(leaves)
        line = self.line
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

    def _mine(self, leaves: list[Any]) -> bool:
        name, i = next(iter(self.inputs.items()))
        return leaves[i] is self.line.current.get(name)

    def _find(self, leaves: list[Any]) -> None:
        names = {id(array): name for name, array in self.line.current.items()}
        self.inputs = {names[id(leaf)]: i for i, leaf in enumerate(leaves) if id(leaf) in names}
        keys = {name: self.program.inputs[i] for name, i in self.inputs.items()}
        others = {key for key in self.program.inputs if key not in keys.values()}
        changed = updates(self.program.flats, {key: name for name, key in keys.items()}, others)
        changed = {name: key for name, key in changed.items() if self.program.leaving({name: key})}
        passed = {name: key for name, key in keys.items() if name not in changed}
        after = {**self.program.leaving(passed, frozenset()), **self.program.leaving(changed)}
        self.passes = {name: (self.inputs[name], out) for name, out in after.items()}
        self.changes = set(changed)
