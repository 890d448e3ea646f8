"""Ctrl-C, where a framework's own code would lose it or be left half done by it."""

import signal
import sys
from _thread import interrupt_main
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer


@contextmanager
def heeded() -> Iterator[None]:
    """Send Ctrl-C again where it came while Python ignores errors, as it does in JAX's hook into the garbage collector."""
    before, sent_again = sys.unraisablehook, []

    def again(ignored: "sys.UnraisableHookArgs") -> None:
        if ignored.exc_type is KeyboardInterrupt:
            sent_again.append(Timer(0.1, interrupt_main))
            sent_again[-1].start()
        else:
            before(ignored)

    sys.unraisablehook = again
    try:
        yield
    finally:
        sys.unraisablehook = before
        for timer in sent_again:
            timer.cancel()


@contextmanager
def deferred() -> Iterator[None]:
    """Keep Ctrl-C waiting: a framework would stay half imported, a record half written."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
