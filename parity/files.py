"""Files as a reader may rely on them: written whole or not at all, and JSON without numbers that it has not; and their folder
for what can be had again.
"""

import os
from math import isfinite
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from platformdirs import user_cache_dir

CACHE = "PARITY_CACHE"
"""The environment variable that names the folder for what can be had again."""


def write_whole(path: Path, content: bytes) -> None:
    """Write beside the file, then rename: whoever reads meanwhile, or after an interrupt, sees all of it or what was there."""
    with NamedTemporaryFile(dir=path.parent, prefix=f"{path.name}.", suffix=".part", delete=False) as file:
        try:
            file.write(content)
            file.close()
            os.chmod(file.name, 0o666 & ~_umask())
            os.replace(file.name, path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def cache_folder(name: str) -> Path:
    """A folder in PARITY_CACHE, or in the user's folder for caches."""
    return Path(os.environ.get(CACHE) or user_cache_dir("parity", appauthor=False)) / name


def finite(value: Any) -> Any:
    """Nested dictionaries and lists, ready for json.dumps: numbers that are not finite become null."""
    if isinstance(value, dict):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _umask() -> int:
    """What a temporary file ignores and any other file has."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
