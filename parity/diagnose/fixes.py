"""The corrected lines of a finding, written into the user's own text where it says plainly enough what it does.

Each writer gives the changes of the text, or none: what to do is then told in words alone.
"""

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from parity.contract import Place
from parity.diagnose.finding import Finding, Fix
from parity.diagnose.program import Program
from parity.diagnose.source import Source, source_of
from parity.diagnose.text import (
    assigned,
    begins_line,
    behind,
    compared,
    constant_of,
    first_line,
    forward_call,
    in_front,
    in_scope,
    mentions,
    network_names,
    outermost_loop,
    rewritten,
    same_file,
)

Writer = Callable[[Finding, Program, Source, float], Iterator[Fix]]


def with_fixes(findings: Sequence[Finding], program: Program, sizes: dict[str, float]) -> list[Finding]:
    """Findings with their corrected lines; `sizes` says by code how many times a rate or a number of epochs is to change."""
    told = []
    for finding in findings:
        source, writer = source_of(finding.place), WRITERS.get(finding.code)
        fixes: tuple[Fix, ...] = ()
        if source is not None and writer is not None:
            try:
                fixes = tuple(writer(finding, program, source, sizes.get(finding.code, 1.0)))
            except (AssertionError, AttributeError, IndexError, TypeError, ValueError):
                fixes = ()  # A text of another form than the writer knows; words have to do.
        told.append(replace(finding, fix=fixes))
    return told


def target_shape(finding: Finding, program: Program, source: Source, size: float) -> Iterator[Fix]:
    """`target.reshape(prediction.shape)`."""
    assert finding.place is not None
    predicted = assigned(source, program.training.forward_place)
    statement = source.statement(finding.place.line)
    assert statement is not None
    networks = network_names(source)

    def is_prediction(node: ast.expr) -> bool:
        called = any(isinstance(n, ast.Call) and ast.unparse(n.func) in networks for n in ast.walk(node))
        return called or mentions(node, predicted)

    pairs = compared(source, finding.place.line)
    for one, other in pairs:
        if is_prediction(one) == is_prediction(other):
            continue
        prediction, target = (one, other) if is_prediction(one) else (other, one)
        written = source.text(target)
        written = written if isinstance(target, ast.Name | ast.Attribute | ast.Subscript | ast.Call) else f"({written})"
        shape = f"{source.text(prediction)}.shape" if isinstance(prediction, ast.Name | ast.Attribute) else "-1, 1"
        yield rewritten(source, target, f"{written}.reshape({shape})")
        return


def rate(finding: Finding, program: Program, source: Source, size: float) -> Iterator[Fix]:
    """Another number where the rate stands: where an optimizer is made, or where a name is given it."""
    assert finding.place is not None
    told = program.training.optimizer
    seen = told.settings.get("learning_rate") if told is not None else None
    for call in source.calls(finding.place.line):
        given = [k.value for k in call.keywords if k.arg in ("lr", "learning_rate")]
        if ast.unparse(call.func).split(".")[-1].lower() in OPTIMIZERS:
            given += call.args[:2]
        for node in given:
            constant = constant_of(source, node)
            if constant is not None and (seen is None or abs(float(constant.value) - seen) <= 1e-6 * seen):  # type: ignore[arg-type]
                yield rewritten(source, constant, number(float(constant.value) * size))  # type: ignore[arg-type]
                return


OPTIMIZERS = frozenset(
    {"sgd", "adam", "adamw", "rmsprop", "adagrad", "nadam", "radam", "adamax", "adadelta", "lion", "lbfgs"}
)


def number(value: float) -> str:
    """`1e-4` and `0.01`, as people write rates."""
    if 1e-3 <= value < 1e4:
        return f"{value:.3g}"
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}"


def zero_grad(finding: Finding, program: Program, source: Source, size: float) -> Iterator[Fix]:
    """`optimizer.zero_grad()` in front of the backward pass."""
    assert finding.place is not None
    name = optimizer_name(program, source)
    if name:
        yield from in_front(source, finding.place.line, f"{name}.zero_grad()")


def optimizer_name(program: Program, source: Source) -> str | None:
    """What the script calls its optimizer."""
    training = program.training
    steps = [
        c
        for c in (source.calls(training.update_place.line) if training.update_place else [])
        if isinstance(c.func, ast.Attribute) and c.func.attr == "step"
    ]
    if steps:
        assert isinstance(steps[0].func, ast.Attribute)
        return source.text(steps[0].func.value)
    made = training.optimizer.place if training.optimizer else None
    statement = source.statement(made.line) if made else None
    return source.text(statement.targets[0]) if isinstance(statement, ast.Assign) else None


def optimizer_step(finding: Finding, program: Program, source: Source, size: float) -> Iterator[Fix]:
    """`optimizer.step()` behind the backward pass."""
    place, name = program.training.backward_place, optimizer_name(program, source)
    if place and name and not program.training.updates:
        yield from behind(source, place.line, f"{name}.step()")


def backward(finding: Finding, program: Program, source: Source, size: float) -> Iterator[Fix]:
    """`loss.backward()` in front of the optimizer's step."""
    place, names = program.training.update_place, assigned(source, program.loss_place)
    if place and names:
        yield from in_front(source, place.line, f"{names[0]}.backward()")


def attached(finding: Finding, program: Program, source: Source, size: float) -> Iterator[Fix]:
    """The network's own parameters where the optimizer is made."""
    assert finding.place is not None
    call = next(
        (
            c
            for c in source.calls(finding.place.line)
            if (c.args and "optim" in ast.unparse(c.func).lower())
            or (c.args and ast.unparse(c.func).split(".")[-1] in ("SGD", "Adam", "AdamW", "RMSprop"))
        ),
        None,
    )
    model = forward_call(source, program.training.forward_place)
    named = model is not None and in_scope(source, source.text(model.func), finding.place.line)
    if call is not None and model is not None and named and program.training.network != "functions":
        yield rewritten(source, call.args[0], f"{source.text(model.func)}.parameters()")


def thawed(finding: Finding, program: Program, source: Source, size: float) -> Iterator[Fix]:
    """`requires_grad = True`."""
    for node in ast.walk(source.tree):
        given: ast.expr | None = None
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).endswith(".requires_grad"):
            given = node.value
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".requires_grad_") and node.args:
            given = node.args[0]
        if isinstance(given, ast.Constant) and given.value is False:
            yield rewritten(source, given, "True")


def uncut(finding: Finding, program: Program, source: Source, size: float) -> Iterator[Fix]:
    """Without `.detach()`."""
    assert finding.place is not None
    for call in source.calls(finding.place.line):
        if isinstance(call.func, ast.Attribute) and call.func.attr == "detach":
            yield rewritten(source, call, source.text(call.func.value))
            return
        if ast.unparse(call.func).endswith("stop_gradient") and call.args:
            yield rewritten(source, call, source.text(call.args[0]))
            return


def right_way(finding: Finding, program: Program, source: Source, size: float) -> Iterator[Fix]:
    """Without the minus."""
    assert finding.place is not None
    statement = source.statement(finding.place.line)
    assert statement is not None
    if program.loss is not None and program.loss.factor < 0:
        minus = next(
            (n for n in ast.walk(statement) if isinstance(n, ast.UnaryOp) and isinstance(n.op, ast.USub)), None
        )
        if minus is not None:
            yield rewritten(source, minus, source.text(minus.operand))


def reduction(finding: Finding, program: Program, source: Source, size: float) -> Iterator[Fix]:
    """`mean` for `sum`, or the other way round."""
    assert program.loss is not None
    old, new = ("sum", "mean") if program.loss.reduction == "sum" else ("mean", "sum")
    for node in ast.walk(source.tree):
        if (
            isinstance(node, ast.keyword)
            and node.arg == "reduction"
            and isinstance(node.value, ast.Constant)
            and node.value.value == old
        ):
            yield rewritten(source, node.value, f'"{new}"')
            return
    place = program.loss_place
    for call in source.calls(place.line) if place else []:
        if isinstance(call.func, ast.Attribute) and call.func.attr == old:
            text = source.text(call)
            head = source.text(call.func)
            yield rewritten(source, call, head[: -len(old)] + new + text[len(head) :])
            return


def epochs(finding: Finding, program: Program, source: Source, size: float) -> Iterator[Fix]:
    """More turns of the outermost loop around the update in which no optimizer is made."""
    place = program.training.update_place or program.training.backward_place
    made = program.training.optimizer.place if program.training.optimizer else None
    if place is None or not same_file(source, place):
        return
    around = [
        n for n in ast.walk(source.tree) if isinstance(n, ast.For) and n.lineno <= place.line <= (n.end_lineno or 0)
    ]
    own = [
        n
        for n in around
        if made is None or not (same_file(source, made) and n.lineno <= made.line <= (n.end_lineno or 0))
    ]
    for loop in sorted(own, key=lambda n: n.lineno):
        call = loop.iter
        if isinstance(call, ast.Call) and ast.unparse(call.func) in ("range", "trange") and call.args:
            constant = constant_of(source, call.args[-1] if len(call.args) < 3 else call.args[1])
            if constant is not None:
                yield rewritten(source, constant, f"{round(float(constant.value) * size):_}")  # type: ignore[arg-type]
            return


def activations(finding: Finding, program: Program, source: Source, size: float) -> Iterator[Fix]:
    """An activation between layers that follow each other."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Sequential"):
            linear = [isinstance(a, ast.Call) and ast.unparse(a.func).endswith("Linear") for a in node.args]
            for i in range(len(linear) - 1):
                if linear[i] and linear[i + 1]:
                    prefix = ast.unparse(node.args[i].func).removesuffix("Linear")  # type: ignore[attr-defined]
                    text = f"{prefix}ReLU()" if program.framework == "torch" else "nnx.relu"
                    layer = source.text(node.args[i])
                    line = node.args[i + 1].lineno
                    alone = line != node.args[i].lineno
                    yield (
                        in_line(source, line, f"{text},")
                        if alone
                        else rewritten(source, node.args[i], f"{layer}, {text}")
                    )


def in_line(source: Source, line: int, text: str) -> Fix:
    """A line of its own in front of another, as deep as that."""
    return Fix(Place(source.file, line), (), (source.indent(line) + text,))


def bare_output(finding: Finding, program: Program, source: Source, size: float) -> Iterator[Fix]:
    """Without the last activation, where it stands once in the file."""
    last = next((o for o in reversed(program.operations) if o.kind == "activation"), None)
    assert last is not None
    names = {last.name, {"relu": "ReLU"}.get(last.name, last.name.capitalize())}
    calls = [
        n for n in ast.walk(source.tree) if isinstance(n, ast.Call) and ast.unparse(n.func).split(".")[-1] in names
    ]
    if len(calls) != 1:
        return
    call = calls[0]
    line = source.line(call.lineno)
    if call.args:
        yield rewritten(source, call, source.text(call.args[0]))
    elif line.strip().rstrip(",") == source.text(call):
        yield Fix(Place(source.file, call.lineno), (line,), ())


def training_mode(finding: Finding, program: Program, source: Source, size: float) -> Iterator[Fix]:
    """`model.train()` in front of the forward pass."""
    assert finding.place is not None
    call = forward_call(source, finding.place)
    if call is not None and program.framework == "torch":
        yield from in_front(source, finding.place.line, f"{source.text(call.func)}.train()")


def evaluation_mode(finding: Finding, program: Program, source: Source, size: float) -> Iterator[Fix]:
    """`model.eval()` in front of the evaluation, and `model.train()` behind it where training goes on."""
    assert finding.place is not None
    call = forward_call(source, finding.place)
    if call is None:
        return
    line, update, name = finding.place.line, program.training.update_place, source.text(call.func)
    loops = [
        n
        for n in ast.walk(source.tree)
        if isinstance(n, ast.For | ast.While) and n.lineno <= line <= (n.end_lineno or 0)
    ]
    goes_on = source.function(line) is not None or any(
        update is not None and loop.lineno <= update.line <= (loop.end_lineno or 0) for loop in loops
    )
    blocks = [n for n in ast.walk(source.tree) if isinstance(n, ast.With) and n.lineno <= line <= (n.end_lineno or 0)]
    block = max(blocks, key=lambda n: n.lineno, default=None)
    statement = block if block is not None else source.statement(line)
    if statement is None or not begins_line(source, statement) or isinstance(statement, ast.Return):
        return
    indent = source.indent(statement.lineno)
    yield Fix(Place(source.file, statement.lineno), (), (f"{indent}{name}.eval()",))
    returns = any(isinstance(n, ast.Return) for n in ast.walk(statement))
    if goes_on and not returns:
        yield Fix(Place(source.file, (statement.end_lineno or line) + 1), (), (f"{indent}{name}.train()",))


def scaled_inputs(finding: Finding, program: Program, source: Source, size: float) -> Iterator[Fix]:
    """Inputs less their mean, over their spread, in front of the loop, for all rows that the network is given."""
    training = forward_call(source, program.training.forward_place)
    if training is None or not isinstance(training.args[0], ast.Name):
        return
    name, loop = training.args[0].id, outermost_loop(source, training.lineno)
    calls = [forward_call(source, e.place) for e in program.evaluations]
    if any(call is None or not isinstance(call.args[0], ast.Name) for call in calls):
        return  # Rows that would be left as they are, and be judged in other units.
    judged = {call.args[0].id for call in calls if call is not None and isinstance(call.args[0], ast.Name)}
    names = [name, *sorted(judged - {name})]
    if not all(plain(source, one, loop) for one in names):
        return
    yield from in_front(
        source,
        loop,
        f"input_mean, input_spread = {name}.mean(0), {name}.std(0)",
        f"{', '.join(names)} = {', '.join(f'({n} - input_mean) / input_spread' for n in names)}",
    )


def plain(source: Source, name: str, loop: int) -> bool:
    """Whether a name is given its value in front of a loop, on the same level."""
    first = first_line(source, name)
    return first < loop and source.indent(loop) == source.indent(first)


def scaled_targets(finding: Finding, program: Program, source: Source, size: float) -> Iterator[Fix]:
    """Targets less their mean, over their spread, and predictions in their own units again."""
    place, training = program.loss_place, forward_call(source, program.training.forward_place)
    if place is None or training is None or not same_file(source, place):
        return
    predicted = assigned(source, program.training.forward_place)
    names = [
        n.id for pair in compared(source, place.line) for n in pair if isinstance(n, ast.Name) and n.id not in predicted
    ]
    calls = [forward_call(source, e.place) for e in program.evaluations if e.after]
    if len(set(names)) != 1 or None in calls or not calls:
        return
    name, loop = names[0], outermost_loop(source, training.lineno)
    statement = source.statement(place.line)
    elsewhere = [n for n in ast.walk(source.tree) if isinstance(n, ast.Name) and n.id == name and n.lineno > loop]
    in_loss = [] if statement is None else [n for n in ast.walk(statement) if isinstance(n, ast.Name) and n.id == name]
    if not plain(source, name, loop) or len(elsewhere) > len(in_loss):
        return  # It would be in other units where it is used besides.
    yield from in_front(
        source,
        loop,
        f"target_mean, target_spread = {name}.mean(0), {name}.std(0)",
        f"{name} = ({name} - target_mean) / target_spread",
    )
    for call in {id(call): call for call in calls if call is not None}.values():
        yield rewritten(source, call, f"{source.text(call)} * target_spread + target_mean")


def nnx_jit(finding: Finding, program: Program, source: Source, size: float) -> Iterator[Fix]:
    """nnx.jit for jax.jit, on the function of that line or in its statement."""
    assert finding.place is not None
    line = finding.place.line
    functions = [
        n
        for n in ast.walk(source.tree)
        if isinstance(n, ast.FunctionDef) and n.lineno - len(n.decorator_list) <= line <= (n.end_lineno or 0)
    ]
    statement = source.statement(line)
    looked = [*(d for f in functions for d in f.decorator_list), *([statement] if statement is not None else [])]
    for node in (n for one in looked for n in ast.walk(one)):
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "jax.jit":
            yield rewritten(source, node, "nnx.jit")
            return


WRITERS: dict[str, Writer] = {
    "target-shape-broadcast": target_shape,
    "learning-rate-too-small": rate,
    "learning-rate-too-large": rate,
    "missing-zero-grad": zero_grad,
    "missing-optimizer-step": optimizer_step,
    "missing-backward": backward,
    "optimizer-not-attached": attached,
    "frozen-parameters": thawed,
    "detached-graph": uncut,
    "wrong-loss": right_way,
    "reduction-and-rate": reduction,
    "too-few-epochs": epochs,
    "missing-nonlinearity": activations,
    "output-range": bare_output,
    "eval-mode-in-training": training_mode,
    "train-mode-in-evaluation": evaluation_mode,
    "unscaled-inputs": scaled_inputs,
    "unscaled-targets": scaled_targets,
    "updates-lost-in-jit": nnx_jit,
}
