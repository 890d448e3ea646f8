"""jax.jit, with the calls of what it compiled noted; the function itself is compiled as it is."""

import inspect
from collections.abc import Callable
from functools import update_wrapper, wraps
from typing import Any

import jax
import jax.numpy as jnp

from jax_impl.watch import places
from jax_impl.watch.frozen import Frozen
from jax_impl.watch.keys import is_eager
from jax_impl.watch.lines import Line
from jax_impl.watch.program import Case, Program, updates
from jax_impl.watch.sampling import next_sample
from jax_impl.watch.session import Session


def compiling(real: Callable, session: Session) -> Callable:
    """jax.jit."""

    @wraps(real)
    def jit(fun: Any = None, **options: Any) -> Any:
        if fun is None:
            return lambda fun: jit(fun, **options)
        compiled = real(fun, **options)
        with session.guard("A compiled function"):
            if session.on and (places.caller_is_users(2) or is_flax(fun)):
                return Site(compiled, fun, options, session)
        return compiled

    return jit


def is_flax(fun: Any) -> bool:
    return type(fun).__module__.startswith("flax.nnx.transforms")


class Site:
    """A compiled function of the user's."""

    def __init__(self, compiled: Any, fun: Any, options: dict, session: Session) -> None:
        self.compiled = compiled
        self.session = session
        self.function = fun
        self.plain = type(fun).__module__.startswith("flax.nnx")
        while hasattr(self.function, "__wrapped__"):
            self.function = self.function.__wrapped__
        self.static = static_arguments(fun, options)
        self.donates = any(options.get(name) for name in ("donate_argnums", "donate_argnames"))
        self.calls = 0
        self.sample_at = 0
        self.programs = 0
        self.follower: Any = None
        self.frozen = Frozen(self.function)
        self.place = places.of_function(self.function)
        self.samples: list[Any] = []
        update_wrapper(self, compiled, updated=())
        session.sites.append(self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.compiled, name)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else BoundSite(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        session = self.session
        if not session.on or session.in_call or not is_eager():
            return self.compiled(*args, **kwargs)
        if self.calls < self.sample_at and self.follower is not None:
            out = self.compiled(*args, **kwargs)
            try:
                if self.compiled._cache_size() == self.programs:
                    self.calls += 1
                    self.follower.follow(self.leaves(args, kwargs), jax.tree.leaves(out))
                    return out
            except Exception as error:
                session.guard.note(f"A call could not be followed: {error!r}")
            return out
        return self.watched_call(args, kwargs)

    def leaves(self, args: tuple, kwargs: dict) -> list[Any]:
        if not self.static:
            return jax.tree.leaves((args, kwargs) if kwargs else args)
        args = tuple(arg for i, arg in enumerate(args) if i not in self.static)
        return jax.tree.leaves((args, {name: value for name, value in kwargs.items() if name not in self.static}))

    def watched_call(self, args: tuple, kwargs: dict) -> Any:
        session = self.session
        leaves: list[Any] = []
        with session.guard("A call"):
            leaves = self.leaves(args, kwargs)
            if self.donates:
                leaves = [jnp.array(leaf, copy=True) if isinstance(leaf, jax.Array) else leaf for leaf in leaves]
            self.originals = self.leaves(args, kwargs)
        session.in_call = True
        first = len(session.traced)
        session.modes, session.used, session.modules = [], [], []
        try:
            out = self.compiled(*args, **kwargs)
        finally:
            session.in_call = False
        with session.guard("A compiled call"):
            self.sample_at = next_sample(self.calls)
            size = self.compiled._cache_size()
            retraced = size != self.programs
            self.programs = size
            with session.off():
                program = self.program(args, kwargs, session.traced[first:])
                self.look(program, leaves, jax.tree.leaves(out), retraced)
        self.calls += 1
        return out

    def program(self, args: tuple, kwargs: dict, fresh: list[Any]) -> Program:
        session = self.session
        jaxpr = self.compiled.trace(*args, **kwargs).jaxpr
        program = session.programs.get(id(jaxpr.jaxpr))
        if program is None:
            program = session.programs[id(jaxpr.jaxpr)] = Program(jaxpr)
            program.modes, program.spans = list(session.modes), session.spans
            program.optimizer = session.used[-1] if session.used else None
            program.place = self.place
            for backward in session.traced:
                if program.has(backward):
                    backward.spans = [*backward.spans, *session.spans]
                    program.add(backward)
        return program

    def look(self, program: Program, leaves: list[Any], results: list[Any], retraced: bool) -> None:
        changed = self.frozen.changed() if not retraced else None
        if retraced:
            self.frozen.remember()
        follower = Follower(self, program)
        self.follower = follower
        if program.cases:
            for line, case in follower.follow(self.originals, results):
                number = line.backwards - 1
                line.frozen = changed or line.frozen
                if number >= line.sample_at:
                    line.sample_at = next_sample(number)
                    line.samples.append((program, case, number, leaves, results))
        else:
            follower.follow(self.originals, results)
            self.session.loose.append((program, self, leaves, results, follower.line))
        if changed is not None:
            self.session.froze(changed, follower.line)


class BoundSite:
    """A compiled method of an object."""

    def __init__(self, site: Site, instance: Any) -> None:
        self.site = site
        self.instance = instance

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.site(self.instance, *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.site.compiled.__get__(self.instance), name)


class Follower:
    """Follows the parameters through the calls of one compiled program."""

    def __init__(self, site: Site, program: Program) -> None:
        self.session = site.session
        self.program = program
        self.site = site
        self.line: Line | None = None
        self.update_at: dict[str, tuple[int, int]] | None = None

    def follow(self, leaves: list[Any], results: list[Any]) -> list[tuple[Line, Case]]:
        if self.program.cases:
            return [(self.step(case, leaves, results), case) for case in self.program.cases]
        self.line = self.session.owner(leaves) if self.line is None or not self.mine(leaves) else self.line
        if self.line is not None:
            self.update(leaves, results)
        return []

    def mine(self, leaves: list[Any]) -> bool:
        if not self.update_at:
            return False
        name, (first, _) = next(iter(self.update_at.items()))
        return leaves[first] is self.line.current.get(name)

    def step(self, case: Case, leaves: list[Any], results: list[Any]) -> Line:
        arrays = {name: leaves[i] for name, i in case.goes_in.items()}
        line = self.line
        if line is None or not all(arrays[name] is line.current[name] for name in case.first):
            arrays.update({name: case.constant(name) for name in case.backward.trained if name not in arrays})
            line = self.line = self.session.line_of(case.backward, arrays)
            changed = {name for name in case.backward.trained if arrays.get(name) is not line.current.get(name)}
            if changed:
                from jax_impl.watch.gradients import settle

                settle(line, arrays, changed)
        elif line.backwards:
            line.kept += 1
        line.backwards += 1
        line.losses.append(None if case.loss_at is None else results[case.loss_at])
        self.session.last = line
        if case.updated:
            line.followed = True
            line.updates += 1
        if case.comes_out:
            line.move({name: results[i] for name, i in case.comes_out.items()})
        return line

    def update(self, leaves: list[Any], results: list[Any]) -> None:
        """A compiled function without a gradient: it may change the parameters, or pass them through."""
        line = self.line
        if self.update_at is None:
            names = {id(array): name for name, array in line.current.items()}
            inputs = {names[id(leaf)]: i for i, leaf in enumerate(leaves) if id(leaf) in names}
            keys = {name: self.program.inputs[i] for name, i in inputs.items()}
            others = {key for key in self.program.inputs if key not in keys.values()}
            changed = updates(self.program.flats, {key: name for name, key in keys.items()}, others)
            after = self.program.leaving({**keys, **changed})
            self.update_at = {name: (inputs[name], after[name]) for name in after}
            self.changes = {name for name in changed if name in after}
        if self.update_at:
            line.move({name: results[out] for name, (_, out) in self.update_at.items()})
        if self.changes:
            line.followed = True
            line.updates += 1
            line.updated |= self.changes
            line.update_place = line.update_place or self.site.place
            if self.program.optimizer is not None:
                line.optimizer = self.program.optimizer


def static_arguments(fun: Any, options: dict) -> frozenset:
    """Positions and names of the arguments that are no arrays."""
    numbers, names = options.get("static_argnums"), options.get("static_argnames")
    if numbers is None and names is None:
        return frozenset()
    numbers = {numbers} if isinstance(numbers, int) else set(numbers or ())
    names = {names} if isinstance(names, str) else set(names or ())
    parameters = list(inspect.signature(fun).parameters)
    numbers = {i % len(parameters) for i in numbers} | {parameters.index(name) for name in names if name in parameters}
    return frozenset(numbers | names | {parameters[i] for i in numbers if i < len(parameters)})
