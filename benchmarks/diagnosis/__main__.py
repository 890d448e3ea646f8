"""`python -m benchmarks.diagnosis [seen|unseen|practice [SCRIPT...]]`: diagnose every script, and say how often it is right.

Without arguments both halves run, and the results are kept; with some they are only shown. What is in `practice` was written
like the unseen half, from the list of codes alone, to tune the rules on.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

from benchmarks.diagnosis.case import Answer, Case, ask, cases
from benchmarks.diagnosis.table import figures, page
from benchmarks.results import FOLDER, keep

HALVES = ("seen", "unseen")
AT_ONCE = 2


def main(half: str | None, names: list[str]) -> None:
    """Ask about the scripts, two at a time."""
    halves = HALVES if half is None else (half,)
    asked = [case for one in halves for case in cases(one) if not names or case.name in names]
    answers: list[Answer] = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for answer in pool.map(ask, asked):
            answers.append(answer)
            print(line(answer), flush=True)
    for one in halves:
        mine = [answer for answer in answers if answer.case.half == one]
        if mine:
            print(one, figures(mine))
    if half is None:
        path = keep("diagnosis", [answer.row() for answer in answers], ["jax", "torch"])
        (FOLDER / "diagnosis.md").write_text(page(answers), encoding="utf-8")
        print(f"kept in {path} and {FOLDER / 'diagnosis.md'}")


def line(answer: Answer) -> str:
    """One script's answer, on one line."""
    case: Case = answer.case
    mark = "right" if answer.right else "among" if answer.root_found else "wrong"
    return (
        f"{mark:5}  {case.name:26} {case.framework:5}  is {', '.join(case.causes) or 'healthy'}; found "
        f"{', '.join(answer.codes) or 'nothing'}; hints {', '.join(answer.hints) or 'none'}; {answer.seconds:.0f} s"
        + "".join(f"\n       {note}" for note in answer.notes)
    )


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None, sys.argv[2:])
