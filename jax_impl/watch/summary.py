"""The recording: the calls that were kept are looked at, once the program has ended."""

from collections.abc import Iterable
from math import prod
from typing import Any

from jax_impl.watch.gradients import keep_module, moved, settle_moves
from jax_impl.watch.lines import Line, is_there, norms
from jax_impl.watch.picture import step_of
from jax_impl.watch.program import Case, Program, shape_of
from jax_impl.watch.reading import Reading
from jax_impl.watch.session import Session
from jax_impl.watch.values import kept
from parity.contract import Evaluation, Place, Recording, Trace

BEGUN_AGAIN = 10

Stack = tuple[Place, ...]


def summarise(session: Session) -> Recording:
    for line in session.lines:
        settle_moves(line, line.current)
        for sample in line.samples:
            with session.guard("A step"):
                look(line, *sample)
        line.samples.clear()
        with session.guard("Lost updates"):
            lost_updates(line, session)
        line.steps.sort(key=lambda step: step.number)
    with session.guard("Trainings that begin again"):
        begun_again(session)
    for call in session.loose:
        with session.guard("An evaluation"):
            evaluate(*call)
    with session.guard("An evaluation"):
        early_evaluations(session)
    for line, _, after, inputs, out, target, mode, stack in session.eager:
        if line is not None:
            add_evaluation(line, after, (inputs, out, target, None), mode, stack)
    for line in session.lines:
        line.evaluations.sort(key=lambda evaluation: evaluation.after)
    trainings = []
    for line in session.lines:
        with session.guard("A training"):
            trainings.append(line.training())
    return Recording("jax", tuple(trainings), tuple(session.guard.unseen))


def look(line: Line, program: Program, case: Case, number: int, leaves: list[Any], after: Any) -> None:
    backward, picture = case.backward, case.picture
    gradients = {name: program.resolve(key) for name, key in backward.gradients.items()}
    parameters = {name: program.resolve(key) for key, name in backward.parameters.items()}
    first = backward.modules[0] if backward.modules and line.state is None else None
    if first is not None and not gives(first.output, picture.prediction):
        first = None  # A part of the network, called by something that is no module, or has another name than __call__.
    state = [program.resolve(key) for key in first.state.values()] if first else []
    wanted = [*picture.keys, *gradients.values(), *parameters.values(), *case.updated.values(), *state]
    values = program.probe(wanted, leaves)
    if first is not None:
        keep_module(line, backward, {key: values.get(program.resolve(key)) for key in first.state.values()})

    def found(keys: dict[str, Any]) -> dict[str, Any]:
        return {name: values[key] for name, key in keys.items() if key in values}

    before = found(parameters)
    told = {name: array for name, array in (after or line.current).items() if is_there(array)}
    after = {**told, **{name: array for name, array in found(case.updated).items() if name in case.kept}}
    step = step_of(
        picture,
        values,
        number,
        learning_rate=line.optimizer.rate(number) if line.optimizer else None,
        training=backward.training,
        gradients=norms(found(gradients)),
        weights=norms(before),
        moves=moved(before, {**before, **after}),
    )
    if picture.detached is not None:
        line.facts.setdefault("detached-graph", picture.detached)
    if line.optimizer is None:
        line.rate_by_hand(found(gradients), before, found(case.updated) or after)
    for name, array in before.items():
        if not is_there(line.initial.get(name)):
            line.initial[name] = array
        line.now({name: line.current.get(name, array)})
    line.steps.append(step)


def gives(output: Any, prediction: Any) -> bool:
    """Whether what a module gives may be the prediction, as far as their sizes tell; one that was not seen may be any."""
    sizes = [None if key is None else shape_of(key) for key in (output, prediction)]
    return None in sizes or prod(sizes[0]) == prod(sizes[1])


def lost_updates(line: Line, session: Session) -> None:
    """The program was given other parameters, and went on with those it had."""
    if line.backward.traced and line.lost and line.lost >= line.updates - 1 and line.updates > 1:
        line.facts.setdefault("updates-lost-in-jit", line.called or line.update_place)
    if "updates-lost-in-jit" in line.facts:
        for step in line.steps:
            step.moves.update(dict.fromkeys(step.moves, 0.0))
        line.now({name: line.initial[name] for name in line.updated if name in line.initial})


def begun_again(session: Session) -> None:
    """Trainings that all begin with the very same arrays, more often than folds or seeds do: epochs whose results are lost."""
    for line in session.lines:
        again = [other for other in session.lines if other.origin is line and other.optimizer is line.optimizer]
        if len(again) < BEGUN_AGAIN:
            continue
        for other in again:
            line.backwards += other.backwards
            line.updates += other.updates
            line.losses += other.losses
            line.steps += other.steps
            line.evaluations += other.evaluations
        line.facts.setdefault("updates-lost-in-jit", line.called or line.update_place)
        line.now(line.initial)
        session.lines = [one for one in session.lines if not any(one is other for other in again)]


def evaluate(program: Program, stack: Stack, leaves: list[Any], line: Line, after: int, names: dict[int, str]) -> None:
    """A compiled forward pass."""
    parameters = {program.inputs[i]: name for i, name in names.items()}
    reading = Reading(parameters, program.values)
    trace = Trace(reading.read(program.flattener.operations, program.spans), parameters)
    results = [reading.resolve(key) for key in program.outputs if key is not None and key not in program.inputs]
    results = [key for key in results if key in trace.depends]
    numbers = [key for key in results if shape_of(key) == ()]
    meeting = next((meeting for key in [*numbers, *results] if (meeting := trace.meeting(key))), None)
    prediction, inputs = None, None
    if program.calls:
        inputs, prediction = (reading.resolve(program.resolve(key)) for key in program.calls[-1])
    elif results:
        prediction = next((key for key in results if shape_of(key)), results[0])
    key = meeting.prediction if meeting and (numbers or not program.calls) else prediction
    if key is None:
        return
    if inputs is None:
        _, _, inputs = trace.chain(key)
    target = meeting.target if meeting and key == meeting.prediction else None
    answer, compared = (prediction, key) if program.calls and key != prediction else (key, None)
    wanted = (inputs, answer, target, compared)
    values = program.probe([one for one in wanted if one is not None], leaves)
    mode = any(program.modes) if program.modes else None
    add_evaluation(line, after, [None if one is None else values.get(one) for one in wanted], mode, stack)


def add_evaluation(line: Line, after: int, arrays: Iterable[Any], mode: bool | None, stack: Stack) -> None:
    """Inputs, predictions, targets and what was compared, where the predictions are not too many to be kept."""
    inputs, predictions, targets, compared = map(kept, arrays)
    if predictions is not None:
        line.evaluations.append(Evaluation(after, inputs, predictions, targets, mode, stack, compared))


def early_evaluations(session: Session) -> None:
    """Forward passes before the first gradient, known by the arrays that the network had then."""
    for program, stack, leaves, originals in session.early:
        for line in session.lines:
            names = {id(array): name for name, array in line.initial.items()}
            mine = {i: names[id(leaf)] for i, leaf in enumerate(originals) if id(leaf) in names}
            if mine:
                evaluate(program, stack, leaves, line, 0, mine)
