"""The process in which a user's script runs and is watched.

`python -m parity.diagnose.child RESULT LIMIT SECONDS SCRIPT [ARGUMENT]...`

It writes lines of JSON to RESULT: `{"stage": ...}` while it works, at last `{"diagnoses": [...], "ended": ..., ...}`.
"""

import json
import os
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

AGAIN = 1.0  # Seconds until a script that caught the end of its time is told again,
PATIENCE = 3  # and how often it is told.


class TimeIsUp(BaseException):
    """The script has run for as long as it may; not an Exception, so that `except Exception` lets it through."""


def main(result: str, limit: str, seconds: str, script: str, *arguments: str) -> None:
    """Run the script, then judge what was seen."""
    session = ChildSession(Path(result), script, float(seconds))
    session.tell(*session.run(arguments, float(limit)))


class ChildSession:
    """A script being watched."""

    def __init__(self, result: Path, script: str, seconds: float) -> None:
        self.out = result.open("a", buffering=1, encoding="utf-8")
        self.script, self.seconds = script, seconds
        self.begun, self.watching = time.monotonic(), Watching()
        self.told_to_end = 0
        self.say("running the script")

    def say(self, stage: str) -> None:
        """Tell what is being done."""
        self.out.write(json.dumps({"stage": stage}) + "\n")

    def run(self, arguments: tuple[str, ...], limit: float) -> tuple[str, str]:
        """How the script ended, `finished`, `raised`, `interrupted`, `time limit`, and its traceback where it raised."""
        sys.argv = [self.script, *arguments]
        sys.path[0] = str(Path(self.script).resolve().parent)
        signal.signal(signal.SIGALRM, self._time_is_up)
        signal.setitimer(signal.ITIMER_REAL, limit, AGAIN)
        try:
            runpy.run_path(self.script, run_name="__main__")
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

    def tell(self, ended: str, text: str) -> None:
        """Judge what was seen, and write it down."""
        ran = time.monotonic() - self.begun
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self.say("reading what was seen")
        diagnoses = self.watching.judge(self.script, self.seconds, self.say)
        told = {
            "ended": ended,
            "traceback": text,
            "seconds": ran,
            "frameworks": [watcher.framework for watcher in self.watching.watchers],
            "unseen": self.watching.unseen,
            "diagnoses": [to_json(diagnosis) for diagnosis in diagnoses],
        }
        self.out.write(json.dumps(told) + "\n")

    def _time_is_up(self, number: int, frame: FrameType | None) -> None:
        self.told_to_end += 1
        if self.told_to_end < PATIENCE:
            raise TimeIsUp
        # The script catches whatever is raised: it is left where it stands.
        signal.setitimer(signal.ITIMER_REAL, 0)
        self.tell("time limit", "")
        os._exit(0)


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
