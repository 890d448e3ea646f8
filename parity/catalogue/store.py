"""Entries on disk, a folder a problem beside its network, so that what was measured is not measured again."""

import json
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile

from parity.catalogue.entry import Entry
from parity.contract import InputError
from parity.files import finite, write_whole
from parity.records import structured

ENTRY = "entry.json"


class Store:
    """A folder of entries."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def at(cls, folder: Path) -> "Store":
        """The folder, made where there is none; InputError where it can't be written to."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            TemporaryFile(dir=folder).close()
        except OSError as error:
            raise InputError(f"{folder} can't be written to: {error.strerror}. Name another folder (--out).") from None
        return cls(folder)

    def find(self, problem: str, key: str) -> Entry | None:
        """What was measured of a problem under this key; None where that was something else, or nothing."""
        path = self.model(problem) / ENTRY
        if not path.exists():
            return None
        try:
            table = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{path} can't be read: {error}. Remove it, to measure the problem again.") from None
        if not isinstance(table, dict) or table.get("key") != key:
            return None
        return structured(table, Entry, str(path))

    def keep(self, entry: Entry) -> None:
        """Write an entry in one go."""
        text = json.dumps(finite(asdict(entry)), indent=2, allow_nan=False)
        write_whole(self.model(entry.problem) / ENTRY, (text + "\n").encode())

    def model(self, problem: str) -> Path:
        """The folder of a problem's network."""
        return self.folder / problem
