"""What `parity diagnose --json` prints."""

from typing import Any

from parity.diagnose.finding import Diagnosis
from parity.diagnose.jsonable import to_json
from parity.diagnose.session import Session


def session_table(session: Session) -> dict[str, Any]:
    """A session as plain values: all findings in one list, and each network with its own."""
    networks = [network_table(diagnosis) for diagnosis in session.diagnoses]
    return {
        "script": str(session.script),
        "healthy": session.healthy,
        "ended": session.ended,
        "findings": _distinct([finding for network in networks for finding in network["findings"]]),
        "networks": networks,
        "frameworks": list(session.frameworks),
        "notes": list(session.notes),
        "unseen": list(session.unseen),
        "traceback": session.traceback,
        "script_seconds": session.seconds,
        "seconds": session.total,
    }


def network_table(diagnosis: Diagnosis) -> dict[str, Any]:
    """One network's diagnosis as plain values."""
    table = to_json(diagnosis)
    return {**table, "healthy": diagnosis.healthy, "findings": [_finding(finding) for finding in table["findings"]]}


def _distinct(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each code and line once: networks that are trained in a loop have the same faults."""
    return list({(f["code"], f["line"]): f for f in reversed(findings)}.values())[::-1]


def _finding(finding: dict[str, Any]) -> dict[str, Any]:
    place = finding.pop("place")
    return {
        "code": finding["code"],
        "severity": finding["severity"],
        "evidence": finding["evidence"],
        "file": place["file"] if place else None,
        "line": place["line"] if place else None,
        "fix": [
            {"line": fix["place"]["line"], "before": fix["before"], "after": fix["after"]} for fix in finding["fix"]
        ],
        "effect": finding["effect"],
        "equivalent": finding["equivalent"],
    }
