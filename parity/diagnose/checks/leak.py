"""Are the rows that a network is judged by others than those that it was trained on?"""

import re
from collections.abc import Iterator

import numpy as np

from parity.contract import Evaluation, Place
from parity.diagnose.finding import Finding
from parity.diagnose.neighbours import neighbours
from parity.diagnose.network import Floats
from parity.diagnose.program import Program
from parity.diagnose.source import source_of

LEAKED = 0.2  # Share of the judged rows that were trained on, from which it is no chance,
ALL = 0.95  # and from which it is all of them.
DISCRETE = 0.02  # Share of the rows of a batch that have a double, from which rows that are alike may say nothing.
VALUES = 20  # Different values from which a column off any grid is no category.
COPIES = 0.8  # Share of the judged rows that lie in a knot with rows that were trained on.
KNOT = 16  # Rows in a knot at most,
BESIDE = 0.25  # and how near they and their targets are, as a part of the distance to the next rows and their targets.
LOOKED_AT = 500  # Judged rows whose neighbours are looked at,
NEIGHBOURS = 32  # and how many of them.
TINY = 1e-12
# What people call rows that they keep back.
HELD_OUT = re.compile(r"test|valid|val\b|val_|held|hold|unseen|te\b|\bva\b|dev\b|check", re.IGNORECASE)


def same_rows(program: Program) -> Iterator[Finding]:
    """Held-out rows must not be among those that were trained on."""
    if program.rows is None or (program.first is not None and discrete(program.first.inputs, program.rows.inputs)):
        return
    compared = [one for one in program.evaluations if one.targets is not None]
    for evaluation in reversed(compared or program.evaluations):
        rows = 0 if evaluation.inputs is None else len(np.atleast_1d(evaluation.inputs))
        share = program.share_trained_on(evaluation)
        if rows < 2 or evaluation.after == 0:
            continue
        if discrete(evaluation.inputs, program.rows.inputs):
            return
        if share < LEAKED:
            return  # The last evaluation is what the program goes by.
        # Of many small batches not all rows were seen; what has all that were seen is what was trained on.
        different = {row.tobytes() for row in np.asarray(evaluation.inputs, program.rows.inputs.dtype)}
        everything = len(different & program.trained_hashes) >= ALL * len(program.rows.inputs)
        held_out = not everything and (share < ALL or meant_as_held_out(program, evaluation))
        evidence = f"{share:.0%} of the {rows} rows that the network is judged by are rows that it was trained on."
        yield Finding("validation-leak", "error" if held_out else "hint", evidence, evaluation.place)
        return


def copied(program: Program) -> Iterator[Finding]:
    """Nor may they be copies of those with a little noise on them."""
    rows = program.rows
    others = (e for e in reversed(program.evaluations) if e.after and program.share_trained_on(e) < LEAKED)
    held_out = next((e for e in others if e.inputs is not None), None)
    if held_out is None or rows is None or program.classes:
        return
    share = copies(rows.inputs, rows.targets, np.asarray(held_out.inputs))
    if share >= COPIES:
        evidence = (
            f"{share:.0%} of the rows that the network is judged by have rows that it was trained on right beside them, with "
            "nearly the same target, and others only far off: copies, made before the rows were split."
        )
        yield Finding("validation-leak", "error", evidence, held_out.place)


def copies(inputs: Floats, targets: Floats, judged: Floats) -> float:
    """The share of the judged rows that lie in a knot of several others; 0 where targets in it differ as much as outside."""
    if judged.shape[1:] != inputs.shape[1:] or len(inputs) < NEIGHBOURS or len(judged) < 2:
        return 0.0
    known, asked = (array.reshape(len(array), -1).astype(float) for array in (inputs, judged[:LOOKED_AT]))
    if not (np.isfinite(known).all() and np.isfinite(asked).all() and np.isfinite(targets).all()):
        return 0.0
    distances, found = neighbours(known, asked, NEIGHBOURS)
    closer = distances[:, :KNOT] / np.maximum(distances[:, 1 : KNOT + 1], TINY)
    in_knot, size = closer.min(1) < BESIDE, closer.argmin(1)[:, None] + 1
    off = np.abs(targets[found] - targets[found[:, :1]]).max(2)
    place = np.arange(NEIGHBOURS)
    inside = off[in_knot[:, None] & (place > 0) & (place < size)]
    outside = off[in_knot[:, None] & (place >= size)]
    if not len(inside) or not len(outside) or np.median(inside) > BESIDE * np.median(outside):
        return 0.0
    return float(in_knot.mean())


def discrete(rows: Floats | None, known: Floats) -> bool:
    """Rows of which there are few different ones, as all that are known show, so that they are alike without being the same."""
    if rows is None or rows.ndim == 0 or len(rows) < 2:
        return False
    alike = len(rows) - len({row.tobytes() for row in rows})
    return alike > DISCRETE * len(rows) and all(on_a_grid(column) for column in known.reshape(len(known), -1).T)


def on_a_grid(column: Floats) -> bool:
    """Whether all values are whole multiples of one step, as counts and rounded numbers are, or there are few."""
    values = np.unique(column.astype(float))
    if len(values) < VALUES:
        return True
    steps = np.diff(values) / np.diff(values).min()
    return bool((np.abs(steps - np.round(steps)) < 0.01).all())


def function_around(place: Place | None) -> str:
    """The name of the function that a line is in; empty where it is in none."""
    source = source_of(place)
    function = source.function(place.line) if source is not None and place is not None else None
    return function.name if function is not None else ""


def meant_as_held_out(program: Program, evaluation: Evaluation) -> bool:
    """Whether the program calls these rows its test, or they are a drawn part of what it was trained on."""
    scored = [one.place for one in program.scored if np.size(one.prediction) == np.size(evaluation.predictions)]
    lines = [
        source.line(place.line) for place in (*evaluation.stack, *scored) if place and (source := source_of(place))
    ]
    # What a function is called that calls the one that evaluates may be said of other rows that it evaluates as well.
    innermost = [name for place in (evaluation.place, *scored) if (name := function_around(place))]
    if any(HELD_OUT.search(text) for text in (*lines, *innermost)):
        return True
    rows = program.rows
    if rows is None or evaluation.inputs is None:
        return False
    order = {row.tobytes(): i for i, row in enumerate(rows.inputs)}
    judged = [row.tobytes() for row in np.asarray(evaluation.inputs, rows.inputs.dtype)]
    places = np.array([order[row] for row in judged if row in order])
    whole_batches = program.first is not None and program.first.rows == len(order)
    return bool(whole_batches and len(places) > 1 and (np.diff(places) != 1).any())
