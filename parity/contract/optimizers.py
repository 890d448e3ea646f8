"""Optimizers: every constant spelled out, because the frameworks' defaults differ.

g is the gradient, p a parameter, t the step counted from 1, lr the learning rate that the schedule gives at that step.
`slots` names the arrays that an optimizer keeps beside each parameter, all zero at the start.
"""

from dataclasses import dataclass
from math import log

from parity.contract.errors import require, require_fraction, require_not_negative, require_positive


@dataclass(frozen=True)
class SGD:
    """Gradient descent: g += weight_decay p; v = momentum v + g; p -= lr v (nesterov: lr (g + momentum v))."""

    learning_rate: float = 0.1
    """Peak learning rate; the schedule scales it."""
    momentum: float = 0.0
    """Share of the last velocity that is kept."""
    nesterov: bool = False
    """Look ahead along the velocity."""
    weight_decay: float = 0.0
    """L2 penalty, added to the gradient."""

    def __post_init__(self) -> None:
        require_positive(self, "learning_rate")
        require_fraction(self, "momentum")
        require_not_negative(self, "weight_decay")
        require(self.momentum > 0 or not self.nesterov, "SGD.nesterov needs a momentum above 0; momentum is 0.0.")

    @property
    def slots(self) -> tuple[str, ...]:
        return ("momentum",) if self.momentum else ()


@dataclass(frozen=True)
class Adam:
    """Adam (arXiv:1412.6980): p -= lr m/(1-b1^t) / (sqrt(v/(1-b2^t)) + eps)."""

    learning_rate: float = 1e-3
    """Peak learning rate; the schedule scales it."""
    b1: float = 0.9
    """Decay of the first moment m."""
    b2: float = 0.999
    """Decay of the second moment v."""
    eps: float = 1e-8
    """Added outside the root, after the bias correction."""

    def __post_init__(self) -> None:
        _check_moments(self)

    @property
    def slots(self) -> tuple[str, ...]:
        return ("first_moment", "second_moment")


@dataclass(frozen=True)
class AdamW:
    """AdamW (arXiv:1711.05101): Adam, and p -= lr weight_decay p beside it."""

    learning_rate: float = 1e-3
    """Peak learning rate; the schedule scales it."""
    b1: float = 0.9
    """Decay of the first moment."""
    b2: float = 0.999
    """Decay of the second moment."""
    eps: float = 1e-8
    """Added outside the root, after the bias correction."""
    weight_decay: float = 1e-2
    """Decoupled decay of all parameters (PyTorch's default; Optax's is 1e-4)."""

    def __post_init__(self) -> None:
        _check_moments(self)
        require_not_negative(self, "weight_decay")

    @property
    def slots(self) -> tuple[str, ...]:
        return ("first_moment", "second_moment")


@dataclass(frozen=True)
class RMSprop:
    """RMSprop (Hinton 2012, Coursera lecture 6e): v = decay v + (1-decay) g^2; p -= lr g / (sqrt(v) + eps)."""

    learning_rate: float = 1e-2
    """Peak learning rate; the schedule scales it."""
    decay: float = 0.99
    """Decay of the mean square (PyTorch's alpha and default; Optax's default is 0.9)."""
    eps: float = 1e-8
    """Added outside the root (Optax's default is inside)."""
    momentum: float = 0.0
    """Share of the last step that is kept."""

    def __post_init__(self) -> None:
        require_positive(self, "learning_rate", "eps")
        require_fraction(self, "decay", "momentum")

    @property
    def slots(self) -> tuple[str, ...]:
        return ("mean_square", "momentum") if self.momentum else ("mean_square",)


@dataclass(frozen=True)
class Adagrad:
    """Adagrad (Duchi et al. 2011, JMLR 12:2121): s += g^2; p -= lr g / (sqrt(s) + eps)."""

    learning_rate: float = 1e-2
    """Peak learning rate; the schedule scales it."""
    eps: float = 1e-10
    """Added outside the root (Optax adds it inside)."""

    def __post_init__(self) -> None:
        require_positive(self, "learning_rate", "eps")

    @property
    def slots(self) -> tuple[str, ...]:
        return ("sum_of_squares",)


@dataclass(frozen=True)
class NAdam:
    """NAdam (Dozat 2016, OpenReview OM0jvwB8jIp57ZJjtNEZ) with the momentum schedule of its paper, as PyTorch has it.

    mu_t = b1 (1 - 0.96^(t momentum_decay) / 2), M_t the product of mu_1 to mu_t; with d = sqrt(v/(1-b2^t)) + eps:
    p -= lr ((1-mu_t)/(1-M_t) g + mu_(t+1)/(1-M_(t+1)) m) / d.
    """

    learning_rate: float = 2e-3
    """Peak learning rate; the schedule scales it."""
    b1: float = 0.9
    """Decay of the first moment."""
    b2: float = 0.999
    """Decay of the second moment."""
    eps: float = 1e-8
    """Added outside the root, after the bias correction."""
    momentum_decay: float = 4e-3
    """How fast mu rises to b1 (Optax has no such schedule)."""

    def __post_init__(self) -> None:
        _check_moments(self)
        require_not_negative(self, "momentum_decay")

    @property
    def slots(self) -> tuple[str, ...]:
        return ("first_moment", "second_moment")


@dataclass(frozen=True)
class RAdam:
    """RAdam (arXiv:1908.03265): rho_t = rho - 2 t b2^t/(1-b2^t), rho = 2/(1-b2) - 1, and with m' = m/(1-b1^t):

    p -= lr m' sqrt(1-b2^t) r / (sqrt(v) + eps) where rho_t > 5, else p -= lr m', with
    r^2 = (rho_t-4)(rho_t-2) rho / ((rho-4)(rho-2) rho_t). eps stands on the uncorrected v, as in PyTorch.
    """

    learning_rate: float = 1e-3
    """Peak learning rate; the schedule scales it."""
    b1: float = 0.9
    """Decay of the first moment."""
    b2: float = 0.999
    """Decay of the second moment."""
    eps: float = 1e-8
    """Added to the root of the uncorrected second moment."""

    def __post_init__(self) -> None:
        _check_moments(self)

    @property
    def slots(self) -> tuple[str, ...]:
        return ("first_moment", "second_moment")


@dataclass(frozen=True)
class Adamax:
    """Adamax (arXiv:1412.6980, section 7.1): u = max(b2 u, |g| + eps); p -= lr m / ((1-b1^t) u)."""

    learning_rate: float = 2e-3
    """Peak learning rate; the schedule scales it."""
    b1: float = 0.9
    """Decay of the first moment."""
    b2: float = 0.999
    """Decay of the infinity norm."""
    eps: float = 1e-8
    """Added to |g|."""

    def __post_init__(self) -> None:
        _check_moments(self)

    @property
    def slots(self) -> tuple[str, ...]:
        return ("first_moment", "infinity_norm")


@dataclass(frozen=True)
class Adadelta:
    """Adadelta (arXiv:1212.5701): v = decay v + (1-decay) g^2; d = sqrt(w+eps)/sqrt(v+eps) g; p -= lr d;

    w = decay w + (1-decay) d^2.
    """

    learning_rate: float = 1.0
    """Peak learning rate; the schedule scales it."""
    decay: float = 0.9
    """Decay of both mean squares (PyTorch's and Optax's rho)."""
    eps: float = 1e-6
    """Added inside both roots."""

    def __post_init__(self) -> None:
        require_positive(self, "learning_rate", "eps")
        require_fraction(self, "decay")

    @property
    def slots(self) -> tuple[str, ...]:
        return ("mean_square", "mean_square_update")


@dataclass(frozen=True)
class Lion:
    """Lion (arXiv:2302.06675): p -= lr (sign(b1 m + (1-b1) g) + weight_decay p); m = b2 m + (1-b2) g."""

    learning_rate: float = 1e-4
    """Peak learning rate; the schedule scales it."""
    b1: float = 0.9
    """Weight of the momentum inside the sign."""
    b2: float = 0.99
    """Decay of the momentum."""
    weight_decay: float = 0.0
    """Decoupled decay of all parameters (Optax's default is 1e-3)."""

    def __post_init__(self) -> None:
        require_positive(self, "learning_rate")
        require_fraction(self, "b1", "b2")
        require_not_negative(self, "weight_decay")

    @property
    def slots(self) -> tuple[str, ...]:
        return ("momentum",)


@dataclass(frozen=True)
class LevenbergMarquardt:
    """Levenberg-Marquardt (1963, doi 10.1137/0111030) on the whole batch, as Hagan and Menhaj train networks by it
    (1994, doi 10.1109/72.329697), with the damping of Nielsen (1999, report IMM-REP-1999-05 of the DTU).

    With r the residuals p - t of all rows and outputs, J their Jacobian by the parameters x, and c = 1 / (B K), or 1 for a
    summed loss: f = c |r|^2, A = c J'J and g = c J'r. A trial at the damping mu solves (A + mu I) d = g by Cholesky and looks
    at f at x - d. Where f is below that at x, the trial is taken: x -= d, and mu *= max(1/3, 1 - (2 q - 1)^3), but no lower
    than `lowest`, with q = (f(x) - f(x - d)) / (d'(g + mu d)) the share of the decrease that the linear model promised. Else
    mu is doubled for the next trial, the time after multiplied by 4, by 8, and so on, while it is at most `highest`. A loss
    that is not finite is not below, nor is that of a matrix that has no Cholesky factor in the arithmetic of the run, and
    nothing is below a loss that is no number. Where no trial is below, x stays and mu is above `highest`; from there a step
    changes nothing, and the run has converged as far as its arithmetic goes. Losses are compared as the run computes them,
    over the whole batch.
    The slot `damping` is ln(mu / damping), the same in every element and read from the first.
    """

    damping: float = 1e-3
    """The damping mu of the first trial, which is added to the diagonal of A, half the curvature of the loss."""
    lowest: float = 1e-16
    """The least damping."""
    highest: float = 1e10
    """The damping above which there are no trials."""
    block_rows: int | None = None
    """Rows whose Jacobian is in memory at once; None for as many as 32 MiB hold."""

    def __post_init__(self) -> None:
        require_positive(self, "damping", "lowest", "highest")
        require(
            self.lowest <= self.damping <= self.highest,
            f"LevenbergMarquardt.damping is {self.damping!r}, lowest {self.lowest!r} and highest {self.highest!r}; expected "
            "lowest <= damping <= highest.",
        )
        require(
            self.block_rows is None or self.block_rows >= 1,
            f"LevenbergMarquardt.block_rows is {self.block_rows!r}; expected a whole number of at least 1, or None.",
        )

    @property
    def slots(self) -> tuple[str, ...]:
        return ("damping",)

    @property
    def learning_rate(self) -> float:
        """A full step: no rate and no schedule scales it."""
        return 1.0

    @property
    def range(self) -> tuple[float, float]:
        """The slot at the lowest and at the highest damping, computed once in float64."""
        return log(self.lowest / self.damping), log(self.highest / self.damping)


@dataclass(frozen=True)
class LBFGS:
    """L-BFGS (Liu and Nocedal 1989, doi 10.1007/BF01589116) on the whole batch, with the line search of Lewis and Overton
    (2013, doi 10.1007/s10107-012-0514-2).

    With g the gradient at x, the direction is d = -H g by the two-loop recursion over the `memory` newest pairs s, y with s'y
    > 0. It begins with H0 = s'y / y'y of the newest, or with H0 = min(1, 1 / |g|_1) where that is none. From a = 1, low = 0
    and no high, a length a is taken where the loss at x + a d is at most f + c1 a g'd and the slope there at least c2 g'd.
    Where the first does not hold, high = a; else, where the second does not, low = a; then a is their middle, or 2 low while
    there is no high. Behind the step x + s with s = a d, the pair of s and y = the gradient's change goes in front where s'y
    > 0, and the oldest goes; else the pairs stay. Where `most_trials` lengths have failed, x stays and all pairs are dropped,
    so that the next step goes along -g. The slots are the pairs, `s.0` and `y.0` the newest; a pair that is not there is
    zero.
    """

    memory: int = 10
    """Pairs that are kept."""
    c1: float = 1e-4
    """Share of the promised decrease that a step must bring."""
    c2: float = 0.9
    """Share of the slope that may be left behind it."""
    most_trials: int = 25
    """Lengths that are tried in a step."""

    def __post_init__(self) -> None:
        require_positive(self, "memory", "c1", "most_trials")
        require(
            self.c1 < self.c2 < 1,
            f"LBFGS.c1 is {self.c1!r} and c2 {self.c2!r}; expected c1 < c2 < 1.",
        )

    @property
    def slots(self) -> tuple[str, ...]:
        return tuple(f"{kind}.{i}" for i in range(self.memory) for kind in ("s", "y"))

    @property
    def learning_rate(self) -> float:
        """The first length that is tried: no rate and no schedule scales it."""
        return 1.0


Solver = LevenbergMarquardt | LBFGS
"""Optimizers that look at the loss themselves, at several points in a step; what they do is not a function of the gradient."""
FirstOrder = SGD | Adam | AdamW | RMSprop | Adagrad | NAdam | RAdam | Adamax | Adadelta | Lion
"""Optimizers whose step is a function of the gradient, scaled by a learning rate."""
Optimizer = FirstOrder | Solver


def _check_moments(optimizer: Optimizer) -> None:
    require_positive(optimizer, "learning_rate", "eps")
    require_fraction(optimizer, "b1", "b2")
