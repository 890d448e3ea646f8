"""Optimizers: every constant spelled out, because the frameworks' defaults differ.

g is the gradient, p a parameter, t the step counted from 1, lr the learning rate that the schedule gives at that step.
`slots` names the arrays that an optimizer keeps beside each parameter, all zero at the start.
"""

from dataclasses import dataclass

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


Optimizer = SGD | Adam | AdamW | RMSprop | Adagrad | NAdam | RAdam | Adamax | Adadelta | Lion


def _check_moments(optimizer: Optimizer) -> None:
    require_positive(optimizer, "learning_rate", "eps")
    require_fraction(optimizer, "b1", "b2")
