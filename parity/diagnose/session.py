"""A user's script, run in a process of its own and diagnosed."""

import ast
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from parity.contract import InputError, require
from parity.diagnose.finding import Diagnosis
from parity.diagnose.jsonable import from_json
from parity.diagnose.watching import TRIALS_SECONDS
from parity.progress import Silent, Watcher

LIMIT_SECONDS = 600.0
GRACE_SECONDS = 60.0  # For what can't be cut short: importing, stopping, reading.
POLL_SECONDS = 0.1
NO_GPU = re.compile(
    r"not compiled with CUDA|No CUDA GPUs|Found no NVIDIA|Unknown backend.*(gpu|cuda)|No GPU", re.IGNORECASE
)
# Calls that write files, as people write them in training scripts.
WRITES = frozenset({
    "save", "savez", "savetxt", "savefig", "to_csv", "to_parquet", "dump", "makedirs", "mkdir", "write_text", "write_bytes",
    "unlink", "remove", "rmtree",
})  # fmt: skip


@dataclass(frozen=True)
class Session:
    """What came of diagnosing a script."""

    script: Path
    ended: str
    """finished, raised, interrupted, `time limit`, or `killed`."""
    seconds: float
    """What the script itself took, watching included."""
    diagnoses: tuple[Diagnosis, ...] = ()
    """One for each network that it trained."""
    traceback: str = ""
    frameworks: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    total: float = 0.0
    """Seconds from the beginning to the end."""
    notes: tuple[str, ...] = field(default=())

    @property
    def healthy(self) -> bool:
        """It trained something, ended by itself, and nothing above a hint was found."""
        return bool(self.diagnoses) and self.ended == "finished" and all(d.healthy for d in self.diagnoses)


def diagnose_script(
    script: Path | str,
    arguments: Sequence[str] = (),
    *,
    limit: float = LIMIT_SECONDS,
    seconds: float = TRIALS_SECONDS,
    quiet: bool = False,
    watcher: Watcher | None = None,
) -> Session:
    """Run a training script as it is, in its own process, and say why its network does not learn.

    `limit` is how long the script may run, in seconds, `seconds` how long the trials may take together. `quiet` keeps the
    script's own output from the terminal's standard output. Raises InputError where the script can't be run at all.
    """
    script = Path(script)
    checked(script)
    watcher = watcher or Silent()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told"
        told.touch()
        command = ["-m", "parity.diagnose.child", str(told), str(limit), str(seconds), str(script), *arguments]
        # A log of the script's prints must come in order with ours, and in time.
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen([sys.executable, *command], stdout=sys.stderr if quiet else None, env=environment)
        _wait(process, told, begun + limit + seconds + GRACE_SECONDS, watcher)
        lines = _lines(told)
    last: dict[str, Any] = next((line for line in reversed(lines) if "ended" in line), {})
    ended = last.get("ended", "killed")
    return Session(
        script=script,
        ended=ended,
        seconds=last.get("seconds", time.monotonic() - begun),
        diagnoses=tuple(from_json(table) for table in last.get("diagnoses", ())),
        traceback=last.get("traceback", ""),
        frameworks=tuple(last.get("frameworks", ())),
        unseen=tuple(last.get("unseen", ())),
        total=time.monotonic() - begun,
        notes=tuple(_notes(ended, last, limit, process.returncode)),
    )


def checked(script: Path) -> None:
    """Raise InputError unless this is a Python script that can be read."""
    require(
        script.exists(), f"There is no file {str(script)!r}. Give the path of a Python script, or a problem's name."
    )
    require(
        script.is_file(), f"{str(script)!r} is a folder; expected a Python script. Give the file that is run to train."
    )
    try:
        ast.parse(script.read_bytes(), str(script))
    except (SyntaxError, ValueError) as error:
        raise InputError(f"{script} is not Python: {error}. Give a script that `python {script}` can run.") from None
    except OSError as error:
        raise InputError(f"{script} can't be read: {error}.") from None


def written_by(script: Path) -> list[str]:
    """The lines of a script that look as if they wrote files: `line 40: torch.save(...)`."""
    return [f"line {line}: {text}" for line, text in _writing_calls(ast.parse(script.read_bytes()))]


def _writing_calls(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = (
            node.func.attr
            if isinstance(node.func, ast.Attribute)
            else node.func.id
            if isinstance(node.func, ast.Name)
            else ""
        )
        opened = name == "open" and any(
            isinstance(a, ast.Constant) and isinstance(a.value, str) and a.value[:1] in ("w", "a", "x")
            for a in [*node.args[1:], *(k.value for k in node.keywords if k.arg == "mode")]
        )
        if opened or (name in WRITES and isinstance(node.func, ast.Attribute)):
            yield node.lineno, f"{ast.unparse(node.func)}(...)"


def _wait(process: subprocess.Popen[bytes], told: Path, end: float, watcher: Watcher) -> None:
    """Until it ends, or its time is up; the first Ctrl-C, which it gets as well, ends the script alone."""
    interrupted, stage = False, ""
    with ExitStack() as shown:
        while process.poll() is None:
            try:
                if time.monotonic() > end:
                    process.kill()
                now = _stage(told)
                if now != stage:
                    stage = now
                    shown.close()
                    shown.enter_context(watcher.task(stage, 1))
                time.sleep(POLL_SECONDS)
            except KeyboardInterrupt:
                if interrupted:
                    process.kill()
                    process.wait()
                    raise
                interrupted = True


def _stage(told: Path) -> str:
    """What the process says it is doing."""
    return next((line["stage"] for line in reversed(_lines(told)) if "stage" in line), "starting")


def _lines(told: Path) -> list[dict[str, Any]]:
    """All that the process has told; the last line may still be being written."""
    return [json.loads(line) for line in told.read_text(encoding="utf-8").splitlines() if line.endswith("}")]


def _notes(ended: str, last: dict[str, Any], limit: float, status: int | None) -> Iterator[str]:
    if ended == "killed":
        yield f"The script's process ended with status {status} before it could tell what it saw."
    if ended == "time limit":
        yield (
            f"The script was stopped at its time limit of {limit:g} s; what was found until then stands below. "
            f"Give it longer: --limit {2 * limit:g}."
        )
    if ended == "interrupted":
        yield "You interrupted the script; what was found until then stands below."
    if ended == "raised":
        yield "The script raised an error; what was found until then stands below."
        if NO_GPU.search(last.get("traceback", "")):
            yield "It asks for a GPU that is not here. Run it where there is one, or let it use the CPU."
    if last and not last.get("diagnoses") and not last.get("unseen"):
        what = " and ".join(last.get("frameworks", ())) or "neither torch nor jax"
        yield f"Nothing was trained: the script imported {what}, but no gradient was computed and no optimizer stepped."
    if len(last.get("diagnoses", ())) > 1:
        yield f"The script trains {len(last['diagnoses'])} networks; each has its own answer."
