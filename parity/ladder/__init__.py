"""The ladder: are two contenders the same, rung by rung, and where do they part."""

from parity.ladder.climb import climb
from parity.ladder.subject import Subject

__all__ = ["Subject", "climb"]
