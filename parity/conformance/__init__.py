"""The checks that any backend must pass, for authors of backends: `python -m parity.conformance NAME`.

Each check takes a `Case` and raises AssertionError, saying what it expected. None knows a framework: truth is NumPy, finite
differences, or another verb of the same trainer.
"""

from collections.abc import Callable

from parity.conformance.case import Case, cases
from parity.conformance.fit import (
    continues,
    fits_as_it_steps,
    fits_many,
    fits_the_full_batch,
    records,
    records_nothing_unasked,
    refuses_steps_outside_the_run,
    repeats,
)
from parity.conformance.start import (
    keeps_a_state,
    reads_back_bit_for_bit,
    refuses_an_unknown_device,
    refuses_an_unknown_mode_or_dtype,
    says_what_it_is,
    shares_no_memory,
    starts_from_zero,
)
from parity.conformance.step import (
    differentiates,
    predicts,
    steps,
    tells_training_from_evaluation,
)

__all__ = ["CHECKS", "Case", "Check", "cases"]

Check = Callable[[Case], None]

CHECKS: tuple[Check, ...] = (
    says_what_it_is,
    refuses_an_unknown_device,
    refuses_an_unknown_mode_or_dtype,
    starts_from_zero,
    reads_back_bit_for_bit,
    keeps_a_state,
    shares_no_memory,
    predicts,
    tells_training_from_evaluation,
    differentiates,
    steps,
    fits_as_it_steps,
    fits_the_full_batch,
    continues,
    records,
    records_nothing_unasked,
    refuses_steps_outside_the_run,
    repeats,
    fits_many,
)
