"""The process in which a user's script runs and is watched.

`python -m parity.diagnose.child RESULT LIMIT SECONDS SCRIPT [ARGUMENT]...`

It writes lines of JSON to RESULT: `{"stage": ...}` while it works, at last `{"diagnoses": [...], "ended": ..., ...}`.
"""

import json
import runpy
import signal
import sys
import time
import traceback
from pathlib import Path
from types import FrameType
from typing import Any

from parity.contract.places import written_by_user
from parity.diagnose.jsonable import to_json
from parity.diagnose.watching import Watching

AGAIN = 2.0  # Seconds until a script that caught the end of its time is told again.


class TimeIsUp(BaseException):
    """The script has run for as long as it may; not an Exception, so that `except Exception` lets it through."""


def main(result: str, limit: str, seconds: str, script: str, *arguments: str) -> None:
    """Run the script, then judge what was seen."""
    out = open(result, "a", buffering=1, encoding="utf-8")  # noqa: SIM115

    def say(stage: str) -> None:
        out.write(json.dumps({"stage": stage}) + "\n")

    begun, watching = time.monotonic(), Watching()
    say("running the script")
    ended, text = run(script, arguments, float(limit))
    ran = time.monotonic() - begun
    signal.signal(signal.SIGINT, signal.default_int_handler)
    say("reading what was seen")
    diagnoses = watching.judge(script, float(seconds), say)
    told = {
        "ended": ended,
        "traceback": text,
        "seconds": ran,
        "frameworks": [watcher.framework for watcher in watching.watchers],
        "unseen": watching.unseen,
        "diagnoses": [to_json(diagnosis) for diagnosis in diagnoses],
    }
    out.write(json.dumps(told) + "\n")


def run(script: str, arguments: tuple[str, ...], limit: float) -> tuple[str, str]:
    """How the script ended, `finished`, `raised`, `interrupted`, `time limit`, and its traceback where it raised."""
    sys.argv = [script, *arguments]
    sys.path[0] = str(Path(script).resolve().parent)
    signal.signal(signal.SIGALRM, _time_is_up)
    signal.setitimer(signal.ITIMER_REAL, limit, AGAIN)
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as error:
        return ("finished", "") if error.code in (None, 0) else ("raised", f"SystemExit: {error.code}")
    except TimeIsUp:
        return "time limit", ""
    except KeyboardInterrupt:
        return "interrupted", ""
    except BaseException as error:
        return "raised", "".join(traceback.format_exception(_of_the_script(error)))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.stdout.flush()
    return "finished", ""


def _time_is_up(number: int, frame: FrameType | None) -> None:
    raise TimeIsUp


def _of_the_script(error: BaseException) -> BaseException:
    """Without the frames that ran the script, and those of ours inside the framework's calls."""
    trace = error.__traceback__
    while trace is not None and not written_by_user(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return error.with_traceback(trace)


def _arguments() -> list[Any]:
    return sys.argv[1:]


if __name__ == "__main__":
    main(*_arguments())
