"""One script of the benchmark, and what `parity diagnose` answers about it."""

import json
import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    """A script and what is wrong with it."""

    half: str
    name: str
    framework: str
    style: str
    causes: tuple[str, ...]
    """The root cause first; none where it is healthy."""
    accept: dict[str, tuple[str, ...]]
    """By cause, another code that names the same."""
    why: str

    @property
    def script(self) -> Path:
        return HERE / self.half / f"{self.name}.py"

    def names(self, cause: str) -> set[str]:
        """The codes that name a cause."""
        return {cause, *self.accept.get(cause, ())}


@dataclass(frozen=True)
class Answer:
    """What was found."""

    case: Case
    codes: tuple[str, ...]
    """Above a hint, in order."""
    hints: tuple[str, ...]
    seconds: float
    notes: tuple[str, ...]
    """What went otherwise than it should, for whoever looks into it."""

    @property
    def root_first(self) -> bool:
        return bool(self.case.causes and self.codes) and self.codes[0] in self.case.names(self.case.causes[0])

    @property
    def root_found(self) -> bool:
        return bool(self.case.causes) and bool(set(self.codes) & self.case.names(self.case.causes[0]))

    @property
    def all_found(self) -> bool:
        return bool(self.case.causes) and all(set(self.codes) & self.case.names(cause) for cause in self.case.causes)

    @property
    def alarm(self) -> bool:
        """A healthy script was called ill."""
        return not self.case.causes and bool(self.codes)

    @property
    def right(self) -> bool:
        return self.root_first if self.case.causes else not self.alarm

    def row(self) -> dict[str, Any]:
        case = self.case
        return {
            "half": case.half,
            "script": case.name,
            "framework": case.framework,
            "causes": list(case.causes),
            "found": list(self.codes),
            "hints": list(self.hints),
            "root_first": self.root_first,
            "root_found": self.root_found,
            "all_found": self.all_found,
            "alarm": self.alarm,
            "seconds": round(self.seconds, 1),
        }


def cases(half: str) -> list[Case]:
    """The scripts of a half, as they are labelled."""
    labels = tomllib.loads((HERE / half / "labels.toml").read_text(encoding="utf-8"))
    return [
        Case(
            half,
            name,
            label["framework"],
            label["style"],
            tuple(label["causes"]),
            {cause: tuple(others) for cause, others in label.get("accept", {}).items()},
            label["why"],
        )
        for name, label in labels.items()
    ]


def ask(case: Case) -> Answer:
    """Run `parity diagnose` on a script, as anybody would."""
    done = subprocess.run(
        [sys.executable, "-m", "parity", "diagnose", case.script.name, "--json"],
        capture_output=True,
        text=True,
        cwd=case.script.parent,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE.parents[1])},
        check=False,
    )
    try:
        told = json.loads(done.stdout)
    except ValueError:
        return Answer(case, (), (), 0.0, (f"no answer: {done.stderr[-600:]}",))
    ended = () if told["ended"] == "finished" else (f"ended: {told['ended']}",)
    unchecked = [text for network in told["networks"] for text in network["unchecked"] if "Error" in text]
    return Answer(
        case,
        tuple(dict.fromkeys(f["code"] for f in told["findings"] if f["severity"] != "hint")),
        tuple(dict.fromkeys(f["code"] for f in told["findings"] if f["severity"] == "hint")),
        told["seconds"],
        (*ended, *unchecked, *(note for note in told["unseen"])),
    )
