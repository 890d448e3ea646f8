"""What a diagnosis consists of."""

from dataclasses import dataclass, field
from typing import Literal

from parity.contract import Place

Severity = Literal["error", "warning", "hint"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "hint")


@dataclass(frozen=True)
class Fix:
    """A change of the program's text."""

    place: Place
    before: tuple[str, ...]
    """The lines as they are; none where lines are put in front of `place`."""
    after: tuple[str, ...]
    """The lines as they should be."""


@dataclass(frozen=True)
class Effect:
    """What mending this bought, when the program was trained again with it."""

    before: float
    """Score without it."""
    after: float
    """Score with it."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or might be."""

    code: str
    """One of `parity.diagnose.codes.CODES`."""
    severity: Severity
    """error: the network can't learn well with it; warning: it does harm; hint: worth a look."""
    evidence: str
    """What was measured, as a sentence."""
    place: Place | None = None
    """The line that it comes from."""
    fix: tuple[Fix, ...] = ()
    """The corrected lines, where they could be written."""
    effect: Effect | None = None
    """What mending it bought, where that was tried."""
    equivalent: str = ""
    """What the mistake amounts to, exactly."""


@dataclass(frozen=True)
class Trial:
    """One change that was tried."""

    name: str
    """As a person would say it: `10 times the epochs`."""
    score: float
    """What came of it."""
    basis: tuple[str, ...] = ()
    """Changes that it came on top of."""
    gained: bool = False
    """It did better than what it was tried on, beyond doubt."""


@dataclass(frozen=True)
class Diagnosis:
    """Why a program does not learn, or that nothing was found."""

    program: str
    """The script, or the problem."""
    framework: str
    title: str = ""
    """What is trained and how: `Sequential 2-10-5-1, relu, by SGD`."""
    alike: int = 1
    """How many networks the same lines trained, this one the worst of them."""
    findings: tuple[Finding, ...] = ()
    """In order of effect."""
    score: float | None = None
    """R2 on rows that were not trained on where such were seen, else on those that were; for classes the share of hits."""
    metric: str = "R2"
    judged_on: str = ""
    """Which rows the score is of."""
    mended: float | None = None
    """The score with all findings mended, in a training of our own."""
    baselines: dict[str, float] = field(default_factory=dict)
    signals: dict[str, float] = field(default_factory=dict)
    """What the training shows of itself, by name; symptoms, and no findings."""
    trials: tuple[Trial, ...] = ()
    checked: tuple[str, ...] = ()
    """What was checked and found in order."""
    unchecked: tuple[str, ...] = ()
    """What could not be checked, and why."""
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def causes(self) -> tuple[Finding, ...]:
        """The findings above a hint."""
        return tuple(finding for finding in self.findings if finding.severity != "hint")

    @property
    def healthy(self) -> bool:
        """Nothing above a hint was found."""
        return not self.causes

    def __str__(self) -> str:
        """The findings, a line each, as a notebook shows them."""
        lines = [f"{self.title or self.program}: {'healthy' if self.healthy else 'does not learn as it could'}"]
        for finding in self.findings:
            where = f" (line {finding.place.line})" if finding.place else ""
            lines.append(f"  {finding.severity} {finding.code}{where}: {finding.evidence}")
            lines += [
                f"    {line}"
                for fix in finding.fix
                for line in (*(f"- {x}" for x in fix.before), *(f"+ {x}" for x in fix.after))
            ]
        return "\n".join(lines)
