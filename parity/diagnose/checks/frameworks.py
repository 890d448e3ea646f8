"""What a watcher has shown by itself, because only its framework's programs do it."""

from collections.abc import Iterator

from parity.diagnose.finding import Finding
from parity.diagnose.program import Program


def lost_updates(program: Program) -> Iterator[Finding]:
    """What a compiled function changes must come out of it."""
    if "updates-lost-in-jit" in program.training.facts:
        evidence = "What the compiled step changed was gone behind it: each step began from the same weights."
        yield Finding("updates-lost-in-jit", "error", evidence, program.training.facts["updates-lost-in-jit"])


def frozen_values(program: Program) -> Iterator[Finding]:
    """What a compiled function read from outside must not change later."""
    if "value-frozen-at-trace" in program.training.facts:
        evidence = (
            "The compiled function read a value from outside that was changed later, and went on with the old one."
        )
        yield Finding("value-frozen-at-trace", "error", evidence, program.training.facts["value-frozen-at-trace"])
