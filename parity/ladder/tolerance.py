"""How far apart two correct implementations may be: the one place of the ladder's tolerances.

A first form, by rounding alone. A sum of n terms carries an error of about sqrt(n) eps where roundings are independent (Higham,
Accuracy and Stability of Numerical Algorithms, 2nd ed., 2002, section 2.8). A step adds one such error to those before it, and
where training is steep it stretches those: what grew little by little is rounding, what jumped is not.
"""

import numpy as np

from parity.contract import TrainingConfig

# Roundings that a number passes through beside its longest sum: activations, scaling, the update itself.
OPERATIONS = 16


# How far a few steps may stretch a distance that is there already. `benchmarks/healthy.py` shows both constants on random runs.
STRETCH = 1000

# Two runs that rounding may have brought further apart than this are no longer compared step by step.
TELLING = 0.01


def limit(dtype: str, terms: int, steps: int = 1) -> float:
    """Largest relative distance that rounding may explain behind `steps` steps with sums of `terms` terms."""
    return float(OPERATIONS * np.finfo(dtype).eps * np.sqrt(terms) * steps)


def longest_sum(config: TrainingConfig, batch_rows: int) -> int:
    """Terms of the longest sum in a training step: over a batch, or into a unit."""
    fan_ins = [spec.fan_in for spec in config.model.parameters(config.inputs, config.outputs)]
    return max(batch_rows * config.outputs, *fan_ins)
