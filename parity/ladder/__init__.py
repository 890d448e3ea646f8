"""The ladder: are two contenders the same, rung by rung, and where do they part."""

from parity.ladder.arbiter import Voices
from parity.ladder.calibration import Calibration, calibrated
from parity.ladder.climb import Climb
from parity.ladder.subject import Subject, trainer_of

__all__ = ["Calibration", "Climb", "Subject", "Voices", "calibrated", "trainer_of"]
