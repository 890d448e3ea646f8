"""jax.grad and its kin, with what they compute noted."""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

import jax
import numpy as np
from flax import nnx

from jax_impl.watch import places
from jax_impl.watch.backward import Backward, taped
from jax_impl.watch.keys import is_eager, lowered
from jax_impl.watch.lines import Line, norms
from jax_impl.watch.names import module_variables, named_leaves
from jax_impl.watch.picture import picture_of, step_of, taped_flats
from jax_impl.watch.session import Session


def gradient_of(real: Callable, returns_value: bool, session: Session) -> Callable:
    """jax.grad or jax.value_and_grad."""

    @wraps(real)
    def transform(fun: Callable, argnums: Any = 0, has_aux: bool = False, **options: Any) -> Callable:
        def noted(*args: Any, **kwargs: Any) -> Any:
            backward = session.recording
            if backward is None or backward.of is not noted or backward.trained:
                return fun(*args, **kwargs)
            with session.guard("A gradient"):
                begin(backward, original(fun), args, positions(argnums, len(args)))
            if not backward.taping:
                out = fun(*args, **kwargs)
            else:
                with taped(backward):
                    out = fun(*args, **kwargs)
            with session.guard("A loss"):
                backward.loss = backward.values.key(out[0] if has_aux else out)
                backward.loss_value = lowered(out[0] if has_aux else out)
            return out

        gradient = real(wraps(fun)(noted) if hasattr(fun, "__name__") else noted, argnums, has_aux, **options)

        @wraps(gradient)
        def compute(*args: Any, **kwargs: Any) -> Any:
            if not session.on or session.recording is not None:
                return gradient(*args, **kwargs)
            backward = Backward(places.here(), original(fun), traced=not is_eager(), of=noted)
            eager = None
            with session.guard("A gradient"):
                eager = None if backward.traced else Eager(session, original(fun), args, positions(argnums, len(args)))
                backward.taping = backward.traced or eager.looks()
            session.recording = backward
            try:
                out = gradient(*args, **kwargs)
            finally:
                session.recording = None
            with session.guard("A gradient"):
                gradients = out[1] if returns_value else out[0] if has_aux else out
                finish(backward, gradients, session)
                if eager is not None:
                    eager.done(backward, gradients)
            return out

        return compute

    return transform


def positions(argnums: Any, count: int) -> list[int]:
    several = argnums if isinstance(argnums, Sequence) else (argnums,)
    return [int(i) % count if count else int(i) for i in several]


def original(fun: Callable) -> Callable:
    """The user's function inside what Flax makes of it."""
    while hasattr(fun, "__wrapped__"):
        fun = fun.__wrapped__
    return fun


def begin(backward: Backward, fun: Callable, args: Sequence[Any], argnums: Sequence[int]) -> None:
    for name, leaf in named_leaves(fun, args, argnums):
        key = backward.values.key(leaf)
        backward.parameters[key] = name
        backward.trained[name] = key


def name_modules(backward: Backward, modules: Sequence[Any]) -> None:
    """Give the parameters of NNX modules their paths, and add those that no gradient is taken of."""
    of_trained = {key: name for name, key in backward.trained.items()}
    several = len(modules) > 1
    for i, module in enumerate(modules):
        backward.network = backward.network or type(module).__name__
        for path, variable, value in module_variables(module):
            key = backward.values.key(value)
            name = f"{i}.{path}" if several else path
            if key in of_trained or isinstance(variable, nnx.Param):
                backward.parameters[key] = name
                of_trained = {**of_trained, key: name} if key in of_trained else of_trained
    backward.trained = {name: key for key, name in of_trained.items()}


def naming(fun: Callable, session: Session) -> Callable:
    """The user's loss function, which tells the names of the modules that it is given."""

    @wraps(fun)
    def named(*args: Any, **kwargs: Any) -> Any:
        if session.recording is not None and session.recording.loss is None:
            with session.guard("The names of parameters"):
                modules = [value for value in (*args, *kwargs.values()) if isinstance(value, nnx.Module)]
                if modules:
                    name_modules(session.recording, modules)
        return fun(*args, **kwargs)

    return named


def finish(backward: Backward, gradients: Any, session: Session) -> None:
    """Pair the gradients with their parameters, which have the same order."""
    leaves = jax.tree.leaves(gradients)
    if len(leaves) == len(backward.trained):
        for name, leaf in zip(backward.trained, leaves, strict=True):
            backward.gradients[name] = backward.values.key(leaf)
    if backward.traced:
        session.traced.append(backward)


class Eager:
    """A gradient that is computed outside of any compiled function."""

    def __init__(self, session: Session, fun: Callable, args: Sequence[Any], argnums: Sequence[int]) -> None:
        self.session = session
        self.leaves = [leaf for i in argnums for leaf in jax.tree.leaves(args[i])]
        self.line = session.owner(self.leaves)

    def looks(self) -> bool:
        return self.line is None or self.line.backwards >= self.line.sample_at or self.session.last is not self.line

    def done(self, backward: Backward, gradients: Any) -> None:
        session = self.session
        values = backward.values
        arrays = {name: values.get(key) for key, name in backward.parameters.items()}
        line = session.line_of(backward, arrays)
        changed = {name for name in backward.trained if arrays[name] is not line.current.get(name)}
        if changed:
            settle(line, arrays, changed)
        settle_moves(line, arrays)
        line.losses.append(backward.loss_value)
        leaves = jax.tree.leaves(gradients)
        session.last = line
        session.last_gradients = {id(leaf): line for leaf in leaves}
        session.kept_gradients = leaves
        if line.sampled() and backward.taping:
            look(line, backward, arrays, dict(zip(backward.trained, leaves, strict=False)), session)
        line.backwards += 1


def settle(line: Line, arrays: Mapping[str, Any], changed: set[str]) -> None:
    """The parameters are others than before, and no update was seen: the program made them itself."""
    back = all(arrays[name] is line.previous.get(name) for name in changed)
    if not line.followed and line.backwards and not back:
        line.updates += 1
        line.updated |= changed
    line.now(arrays)


def settle_moves(line: Line, arrays: Mapping[str, Any]) -> None:
    """How far the step before this one moved."""
    if line.pending is None:
        return
    step, before, gradients = line.pending
    line.pending = None
    step.moves.update(moved(before, arrays))
    if line.optimizer is None:
        line.rate_by_hand(gradients, before, arrays)


def moved(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, float]:
    pairs = {name: (np.asarray(before[name]), np.asarray(after[name])) for name in before if name in after}
    return norms({name: new - old for name, (old, new) in pairs.items()})


def look(line: Line, backward: Backward, arrays: dict, gradients: Mapping[str, Any], session: Session) -> None:
    flats = taped_flats(backward)
    picture = picture_of(backward, flats, lambda key: key)
    step = step_of(
        picture,
        {**backward.values},
        line.backwards,
        learning_rate=line.optimizer.rate(line.backwards) if line.optimizer else None,
        training=backward.training,
        gradients=norms(gradients),
        weights=norms(arrays),
        moves={},
    )
    if picture.detached is not None:
        line.facts.setdefault("detached-graph", picture.detached)
    keep_module(line, backward, {**backward.values})
    line.steps.append(step)
    line.pending = (step, dict(arrays), dict(gradients))


def keep_module(line: Line, backward: Backward, values: Mapping[Any, Any]) -> None:
    """The network's state before its first step, so that it can be trained again."""
    if line.module is not None or not backward.modules:
        return
    call = backward.modules[0]
    state = {path: values.get(key) for path, key in call.state.items()}
    line.module = call
    fixed = not any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves((call.arguments, call.keywords)))
    if fixed and all(value is not None for value in state.values()):
        line.state = state
