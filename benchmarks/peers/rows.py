"""Rows as they are kept: JSON Lines that are only ever added to, so that work which was ended goes on where it was."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.peers.catalogue import Entry
from benchmarks.results import FOLDER
from parity.files import finite

Row = dict[str, Any]

SCHEMA = 1
FILE = FOLDER / "peers.jsonl"
ROOT = Path(__file__).resolve().parents[2]
TIMED = ("jax_impl", "torch_impl", "benchmarks/peers/libraries")
"""Folders whose sources are what is timed: with any of them changed, rows are made anew."""


def read(path: Path = FILE) -> list[Row]:
    """All rows; a line that an interrupt cut short is left out."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows


def add(row: Row, path: Path = FILE) -> None:
    """Behind the others, on a line of its own."""
    cut_short = path.exists() and not path.read_bytes().endswith(b"\n") and path.stat().st_size
    with path.open("a", encoding="utf-8") as file:
        file.write("\n" * bool(cut_short) + json.dumps(finite(row), allow_nan=False) + "\n")


def identity(peer: Entry, ours: Entry) -> Row:
    """What makes a row that of a comparison; one that has the same need not be made again."""
    versions = {} if peer.missing else ours.versions | peer.versions
    return {"schema": SCHEMA, "peer": peer.name, "ours": ours.name, "versions": versions, "code": code()}


def newest(rows: list[Row]) -> dict[tuple[str, str], Row]:
    """The last row of each peer and each of ours; that one is not installed now takes nothing from what was measured."""
    found: dict[tuple[str, str], Row] = {}
    for row in rows:
        pair = row["peer"], row["ours"]
        if row["versions"] or pair not in found:
            found[pair] = row
    return found


@cache
def code() -> str:
    """The first digits of SHA-256 over what is timed."""
    total = hashlib.sha256()
    for folder in TIMED:
        for path in sorted((ROOT / folder).rglob("*.py")):
            total.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return total.hexdigest()[:16]
