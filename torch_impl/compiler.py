"""The C++ compiler that `torch.compile` calls on a CPU, and what to say where it fails."""

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from shutil import which

import torch

from parity.contract import InputError, require


@cache
def load_compiler() -> None:
    """PyTorch loads its compiler when it first compiles, and warns then of modules of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import_module("torch._inductor.compile_fx")


@contextmanager
def explained() -> Iterator[None]:
    """What goes wrong in compiling is the machine's, and is told as such."""
    try:
        yield
    except (torch._dynamo.exc.TorchDynamoException, torch._inductor.exc.CppCompileError) as error:
        raise InputError(
            f"torch.compile can't compile this run here: {' '.join(str(error).split())[:300]} Check the C++ compiler "
            f"({compiler()}), or use the mode eager."
        ) from error


def compiler() -> str:
    """The C++ compiler that torch.compile calls."""
    return os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")


def require_compiler(mode: str) -> None:
    """Raise InputError where there is none."""
    require(
        which(compiler()) is not None,
        f"The mode of torch is {mode!r}, which compiles C++, and {compiler()!r} is not installed; install g++, name another "
        "compiler in the environment variable CXX, or use the mode eager.",
    )
