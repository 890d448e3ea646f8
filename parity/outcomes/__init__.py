"""Outcomes over seeds: do two contenders, each trained from many starts, end equally well and equally soon?"""

from parity.outcomes.judge import held, with_outcomes
from parity.outcomes.seeds import train_seeds
from parity.outcomes.splits import train_splits

__all__ = ["held", "train_seeds", "train_splits", "with_outcomes"]
