"""The `parity` command: finds the command, and turns errors into words and exit statuses."""

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module

from rich.console import Console
from rich.markup import escape

import parity
from parity.commands.status import EXIT_STATUS
from parity.contract import InputError, ParityError
from parity.interrupts import heeded
from parity.nearest import suggestion

COMMANDS = ("run", "bench", "diagnose", "predict", "export", "problems", "catalogue", "backends")

WRONG_USAGE = 2
OUR_ERROR = 70
READER_LEFT = 141  # What a shell gives a program that ended by SIGPIPE.

USAGE = """\
usage: parity COMMAND [OPTIONS]

One network trained twice on identical data, in JAX and in PyTorch, and compared
rung by rung.

commands:
  run [PROBLEM or FILE]        train every contender and compare them; paraboloid where
                               nothing is named. FILE is a table (CSV, Parquet, a folder of
                               one with its splits), or a run's folder or FILE.toml
  bench [PROBLEM or FILE]      time every mode of both backends, where they are proven to do the
                               same; a map of networks where nothing is named
  diagnose SCRIPT.py           run a training script as it is, and say why its network does
                               not learn; also a PROBLEM or FILE.toml
  predict MODEL/ TABLE         what a kept network says of the rows of a table
  export MODEL/ --format F     a kept network as ONNX, for PyTorch or JAX alone, or as C
  problems [NAME]              what can be learned; with NAME, one problem
  catalogue [NAMES]            train every engineering problem, and say what is reached
  backends                     what can train here, on which devices and in which modes

`parity COMMAND --help` shows a command's options; `parity --version` the version.
exit status: 0 equivalent (healthy), 1 different (not healthy), 2 wrong usage,
3 inconclusive, diverged, or nothing was trained; 70 an error of our own"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    command, *rest = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    errors = Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        with heeded():
            return _command(command)(rest)
    except ParityError as error:
        errors.print("[bold red]error:[/bold red]", escape(str(error)))
        return WRONG_USAGE
    except MemoryError as error:
        errors.print("[bold red]error:[/bold red]", escape(f"There is not enough memory: {error}."))
        errors.print("Draw fewer rows, train for fewer epochs, or with narrower layers.")
        return WRONG_USAGE
    except KeyboardInterrupt:
        errors.print("Interrupted.")
        return EXIT_STATUS["inconclusive"]
    except BrokenPipeError:
        # Whoever read our output has left, as in `parity problems | head -1`; what is buffered must not fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_LEFT
    except Exception:
        errors.print(traceback.format_exc(), markup=False)
        errors.print("This is an error in parity itself; please report it with the lines above.")
        return OUR_ERROR


def _command(name: str) -> Callable[[list[str]], int]:
    if name in COMMANDS:
        command: Callable[[list[str]], int] = import_module(f"parity.commands.{name}").main
        return command
    if name in ("-h", "--help", "help"):
        return lambda rest: _say(USAGE)
    if name == "--version":
        return lambda rest: _say(f"parity {parity.__version__}")
    raise InputError(f"There is no command {name!r}. {suggestion(name, COMMANDS)}")


def _say(text: str) -> int:
    print(text)
    return 0
