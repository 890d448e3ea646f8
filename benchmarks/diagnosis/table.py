"""The answers as figures, and as a page."""

from collections.abc import Sequence

from benchmarks.diagnosis.case import Answer


def figures(answers: Sequence[Answer]) -> str:
    """`root cause first in 20 of 21, ...`."""
    ill = [answer for answer in answers if answer.case.causes]
    healthy = [answer for answer in answers if not answer.case.causes]
    return (
        f"root cause first in {sum(a.root_first for a in ill)} of {len(ill)} faulty scripts, among the findings in "
        f"{sum(a.root_found for a in ill)}, every cause among them in {sum(a.all_found for a in ill)}; alarms on "
        f"{sum(a.alarm for a in healthy)} of {len(healthy)} healthy scripts"
    )


def page(answers: Sequence[Answer]) -> str:
    """Both halves as Markdown."""
    parts = [
        "# Diagnosing 64 training scripts",
        "`python -m benchmarks.diagnosis` makes this page and [diagnosis.json](diagnosis.json).",
    ]
    for half in dict.fromkeys(answer.case.half for answer in answers):
        mine = [answer for answer in answers if answer.case.half == half]
        parts += [f"## The {half} half", f"{figures(mine).capitalize()}.", table(mine)]
    return "\n\n".join(parts) + "\n"


def table(answers: Sequence[Answer]) -> str:
    """A line a script."""
    head = ("script", "framework", "style", "causes", "found", "hints", "right", "s")
    lines: list[Sequence[str]] = [head, ["---"] * len(head)]
    for answer in answers:
        case = answer.case
        right = "yes" if answer.right else "among" if answer.root_found else "no"
        cells = (", ".join(f"`{code}`" for code in codes) for codes in (case.causes, answer.codes, answer.hints))
        causes, found, hints = cells
        lines.append(
            (
                case.name,
                case.framework,
                case.style,
                causes or "healthy",
                found or "-",
                hints or "-",
                right,
                f"{answer.seconds:.0f}",
            )
        )
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
