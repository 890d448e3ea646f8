"""`python -m parity.conformance NAME` runs every check on a backend."""

import sys

from parity import registry
from parity.conformance import CHECKS, cases
from parity.contract import ParityError


def main(arguments: list[str]) -> int:
    """Run every check on a backend and print what failed; returns 0 where nothing did."""
    if len(arguments) != 1:
        print("usage: python -m parity.conformance BACKEND", file=sys.stderr)
        return 2
    try:
        backend = registry.load(arguments[0])
    except ParityError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    failed = 0
    for case in cases(backend):
        for check in CHECKS:
            try:
                check(case)
            except AssertionError as error:
                failed += 1
                print(f"FAILED {check.__name__} on {case}: {error}")
    total = len(CHECKS) * len(list(cases(backend)))
    print(f"{backend.name}: {total - failed} of {total} checks passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
