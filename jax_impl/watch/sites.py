"""jax.jit, with the calls of what it compiled noted; the function itself is compiled as it is."""

import inspect
from collections.abc import Callable
from functools import update_wrapper, wraps
from typing import Any

import jax
import jax.numpy as jnp

from jax_impl.watch import places
from jax_impl.watch.following import Fast, Follower, flatten
from jax_impl.watch.frozen import Frozen
from jax_impl.watch.gradients import original
from jax_impl.watch.keys import is_eager
from jax_impl.watch.loops import LoopFollower, loop_in
from jax_impl.watch.program import Program
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
            if session.on and (is_flax(fun) or places.of_function(original(fun)) is not None):
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
        self.function = original(fun)
        self.static = static_arguments(fun, options)
        self.donates = any(options.get(name) for name in ("donate_argnums", "donate_argnames"))
        session.donates |= self.donates
        self.calls = 0
        self.sample_at = 0
        self.traces = 0
        self.followers: dict[Any, Follower] = {}
        self.fast: Fast | None = None
        self.frozen = Frozen(self.function)
        self.place = places.of_function(self.function)
        update_wrapper(self, compiled, updated=())
        session.sites.append(self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.compiled, name)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else BoundSite(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        session = self.session
        if not session.on or session.in_call or session.recording is not None or not is_eager():
            return self.compiled(*args, **kwargs)
        looks = self.calls >= self.sample_at
        kept = self.copies(args, kwargs) if looks and session.donates else None
        session.in_call = True
        try:
            out = self.compiled(*args, **kwargs)
        finally:
            session.in_call = False
        try:
            given = self.given(args, kwargs)
            traced = self.compiled._cache_size() != self.traces
            if looks or traced or self.fast is None or not self.fast.follow(given, out):
                with session.off():
                    self.watch(args, kwargs, out, kept, looks or traced)
            self.calls += 1
        except Exception as error:
            session.guard.note(f"A call of {self.__name__} could not be watched: {type(error).__name__}: {error}")
        return out

    def watch(self, args: tuple, kwargs: dict, out: Any, kept: list[Any] | None, looks: bool) -> None:
        """Follow the parameters through a call that is not like the last one, or is to be looked at."""
        given = self.given(args, kwargs)
        leaves, form = flatten(given)
        follower = self.followers.get(form)
        looks = looks or follower is None
        if looks:
            follower = self.look(args, kwargs, leaves, form)
        follower.follow(leaves, flatten(out)[0], kept if self.session.donates else leaves, looks)
        # With several forms of arguments the right one has to be found each time.
        self.fast = follower.hasten(given, out) if len(self.followers) == 1 else None

    def copies(self, args: tuple, kwargs: dict) -> list[Any] | None:
        """Of arguments that the function may overwrite."""
        with self.session.guard("A call that gives its arguments away"):
            return [copied(leaf) for leaf in flatten(self.given(args, kwargs))[0]]
        return None

    def given(self, args: tuple, kwargs: dict) -> Any:
        """What goes into the compiled function, in its order."""
        if self.static:
            args = tuple(arg for i, arg in enumerate(args) if i not in self.static)
            kwargs = {name: value for name, value in kwargs.items() if name not in self.static}
        return (args, kwargs) if kwargs else args

    def objects(self, args: tuple, kwargs: dict) -> list[Any]:
        """The arguments that are no arrays, such as `self`."""
        named = [value for name, value in kwargs.items() if name in self.static]
        return [arg for i, arg in enumerate(args) if i in self.static] + named

    def look(self, args: tuple, kwargs: dict, leaves: list[Any], form: Any) -> Follower:
        """Find out what is called, and whether what it read while it was traced is still so."""
        if self.calls >= self.sample_at:
            self.sample_at = next_sample(self.calls)
        size = self.compiled._cache_size()
        traced, self.traces = size != self.traces, size
        program = self.program(args, kwargs, leaves)
        if form not in self.followers or self.followers[form].program is not program:
            self.followers[form] = (LoopFollower if program.loop else Follower)(self, program)
        follower = self.followers[form]
        with self.session.guard("What a compiled function read"):
            if traced:
                self.frozen.remember(self.objects(args, kwargs))
            else:
                changed = self.frozen.changed(self.objects(args, kwargs))
                if changed is not None:
                    self.session.froze(changed, follower.lines[0])
        return follower

    def program(self, args: tuple, kwargs: dict, leaves: list[Any]) -> Program:
        session = self.session
        jaxpr = self.compiled.trace(*args, **kwargs).jaxpr
        program = session.programs.get(id(jaxpr.jaxpr))
        if program is None:
            if len(jaxpr.jaxpr.invars) != len(leaves):
                raise ValueError(f"it has {len(jaxpr.jaxpr.invars)} arguments when compiled, and {len(leaves)} here")
            program = session.programs[id(jaxpr.jaxpr)] = Program(jaxpr)
            program.modes, program.spans, program.calls = session.modes, session.spans, session.calls
            program.optimizer = session.used[-1] if session.used else None
            session.modes, session.spans, session.calls, session.used = [], [], [], []
            for backward in session.traced:
                if program.has(backward):
                    backward.spans = [*backward.spans, *program.spans]
                    program.add(backward)
            if not program.cases:
                program.loop = loop_in(program, session.traced)
        return program


def copied(leaf: Any) -> Any:
    return jnp.array(leaf, copy=True) if isinstance(leaf, jax.Array) else leaf


class BoundSite:
    """A compiled method of an object."""

    def __init__(self, site: Site, instance: Any) -> None:
        self.site = site
        self.instance = instance

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.site(self.instance, *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.site.compiled.__get__(self.instance), name)


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
