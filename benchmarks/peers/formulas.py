"""Adam as libraries compute it, in plain NumPy: whether a formula is all that a peer's losses differ by can then be seen.

`ours` (Kingma and Ba 2015, arXiv:1412.6980, algorithm 1): p -= lr (m / c1) / (sqrt(v / c2) + eps), c = 1 - b^t.
`early`: p -= lr sqrt(c2) / c1 m / (sqrt(v) + eps), the order of computation at the end of section 2 of that paper, whose eps is
added before the correction, so that it counts more in the first steps.
`single`: c is computed in float32, in which b2 is no longer 0.999, and 1 - b2^t keeps few digits while b2^t is close to 1.
"""

from typing import NamedTuple

import numpy as np

from benchmarks.peers.job import Floats, Job


class Formula(NamedTuple):
    """How Adam is computed."""

    reason: str
    early: bool = False
    single: bool = False


OURS = Formula("")
SINGLE = Formula("bias corrections in float32", single=True)
EARLY = Formula("eps before the bias correction", early=True)
EARLY_SINGLE = Formula(f"{EARLY.reason}, and {SINGLE.reason}", early=True, single=True)


def losses(job: Job, steps: int, formula: Formula) -> Floats:
    """(S,) the losses of a training in float64, with gradients derived by hand."""
    kernels, biases = ([np.array(each, np.float64) for each in side] for side in zip(*job.layers, strict=True))
    parameters = kernels + biases
    first, second = ([np.zeros_like(each) for each in parameters] for _ in range(2))
    found = np.zeros(steps)
    for i, (inputs, targets) in enumerate(zip(*job.batches(steps), strict=True)):
        found[i], gradients = loss_and_gradients(kernels, biases, inputs.astype(np.float64), targets)
        step(job, formula, i + 1, parameters, gradients, (first, second))
    return found


def loss_and_gradients(
    kernels: list[Floats], biases: list[Floats], inputs: Floats, targets: Floats
) -> tuple[float, list[Floats]]:
    """The mean squared error, and its gradient by all kernels and then all biases."""
    values = [inputs]
    for i, (kernel, bias) in enumerate(zip(kernels, biases, strict=True)):
        sums = values[-1] @ kernel + bias
        values.append(sums if i == len(kernels) - 1 else np.tanh(sums))
    off = values[-1] - targets
    back, of_kernels, of_biases = 2.0 * off / off.size, list[Floats](), list[Floats]()
    for i in reversed(range(len(kernels))):
        of_kernels.insert(0, values[i].T @ back)
        of_biases.insert(0, back.sum(axis=0))
        back = back @ kernels[i].T * (1.0 - values[i] ** 2)
    return float((off**2).mean()), of_kernels + of_biases


def step(
    job: Job,
    formula: Formula,
    t: int,
    parameters: list[Floats],
    gradients: list[Floats],
    moments: tuple[list[Floats], ...],
) -> None:
    """Step t of Adam, in place."""
    adam, number = job.adam, np.float32 if formula.single else np.float64
    c1, c2 = (float(number(1) - number(b) ** number(t)) for b in (adam.b1, adam.b2))
    for parameter, gradient, m, v in zip(parameters, gradients, *moments, strict=True):
        m += (1.0 - adam.b1) * (gradient - m)
        v += (1.0 - adam.b2) * (gradient**2 - v)
        if formula.early:
            parameter -= adam.learning_rate * np.sqrt(c2) / c1 * m / (np.sqrt(v) + adam.eps)
        else:
            parameter -= adam.learning_rate * (m / c1) / (np.sqrt(v / c2) + adam.eps)
