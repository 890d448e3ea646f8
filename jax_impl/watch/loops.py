"""Training steps inside one lax.scan: they are run again, one by one, where they are looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
from jax._src import core

from jax_impl.watch.backward import Backward
from jax_impl.watch.flat import Flat
from jax_impl.watch.following import Follower
from jax_impl.watch.program import Program, real_jit

LONGEST = 2000  # How many steps are run again; those behind them are counted.


@dataclass(frozen=True)
class Loop:
    scan: Flat
    body: Program
    step: Any


def loop_in(program: Program, traced: Sequence[Backward]) -> Loop | None:
    """The scan of a program in whose body gradients are computed."""
    for flat in program.flats:
        if flat.name != "scan":
            continue
        body = Program(flat.params["jaxpr"])
        for backward in traced:
            if body.has(backward):
                backward.spans = [*backward.spans, *program.spans]
                body.add(backward)
        if body.cases:
            return Loop(flat, body, real_jit(core.jaxpr_as_fun(flat.params["jaxpr"])))
    return None


class LoopFollower(Follower):
    def __init__(self, site: Any, program: Program) -> None:
        super().__init__(site, program)
        self.loop: Loop = program.loop
        self.inner = Follower(site, self.loop.body)

    def follow(self, leaves: list[Any], results: list[Any], kept: list[Any] | None, looks: bool) -> None:
        """One call of the whole loop."""
        params, length = self.loop.scan.params, self.loop.scan.params["length"]
        done = 0
        if kept is not None and (looks or self.inner.lines[0] is None):
            done = self._again(leaves, kept, min(length, LONGEST), params)
        for line, case in zip(self.inner.lines, self.loop.body.cases, strict=True):
            if line is None:
                continue
            line.backwards += length - done
            line.updates += length - done if case.updated else 0
            outputs = {name: self.loop.scan.outputs[i] for name, i in case.comes_out.items() if i < params["num_carry"]}
            line.now(
                {
                    name: results[self.program.outputs.index(key)]
                    for name, key in outputs.items()
                    if key in self.program.outputs
                }
            )
            line.waiting = None

    def hasten(self, given: Any, out: Any) -> None:
        """A loop has much to do in each call."""

    def _again(self, leaves: list[Any], kept: list[Any], length: int, params: Any) -> int:
        """The steps once more, from what went into the loop."""
        scan, consts, carried = self.loop.scan, params["num_consts"], params["num_carry"]
        values = self.program.probe(scan.inputs, kept)
        given = dict(zip(self.program.inputs, leaves, strict=True))
        inputs = [values[key] if self.site.donates else given.get(key, values[key]) for key in scan.inputs]
        if self.site.donates:
            self._take_copies_for([given.get(key) for key in scan.inputs], inputs)
        constant, carry, rows = inputs[:consts], inputs[consts : consts + carried], inputs[consts + carried :]
        order = range(params["length"] - 1, -1, -1) if params["reverse"] else range(params["length"])
        for i in list(order)[:length]:
            leaves = [*constant, *carry, *(jax.tree.map(lambda row, i=i: row[i], rows))]
            results = list(self.loop.step(*leaves))
            self.inner.follow(leaves, results, leaves, True)
            carry = results[:carried]
        return length

    def _take_copies_for(self, originals: list[Any], copies: list[Any]) -> None:
        """A network whose arrays were given away goes on as the copies of them."""
        for line, case in zip(self.inner.lines, self.loop.body.cases, strict=True):
            if line is not None:
                mine = {name: i for name, i in case.goes_in.items() if originals[i] is line.current.get(name)}
                line.now({name: copies[i] for name, i in mine.items()})
