"""Watching small programs that train in this process, and what was found in them."""

import inspect
from collections.abc import Callable
from functools import cache

import torch
from torch import nn

import parity.diagnose
from parity.diagnose import Diagnosis, Finding

SECONDS = 120.0  # For the trials: enough that what is found never depends on how busy the machine is.
MARK = "# <- here"
ROWS, HELD_OUT = 160, 40


def diagnosed(program: Callable[[], object], tried: bool = True) -> tuple[Diagnosis, ...]:
    """What is found in a program, by network; with no trials, what its checks alone find."""
    with parity.diagnose.watch(program.__name__, seconds=SECONDS if tried else 0.0) as watched:
        program()
    return watched.diagnoses


@cache
def diagnosis_of(program: Callable[[], object], tried: bool) -> Diagnosis:
    """What is found in a program that trains one network."""
    diagnoses = diagnosed(program, tried)
    assert len(diagnoses) == 1, f"{len(diagnoses)} networks were seen, and the program trains one"
    return diagnoses[0]


def serious(diagnosis: Diagnosis) -> list[Finding]:
    """The findings above a hint, in order."""
    return [finding for finding in diagnosis.findings if finding.severity != "hint"]


def told(diagnosis: Diagnosis) -> str:
    """All findings, for a test that fails."""
    lines = [f"{f.severity} {f.code} {f.place and f.place.line}: {f.evidence}" for f in diagnosis.findings]
    return "\n".join([f"score {diagnosis.score} mended {diagnosis.mended} {diagnosis.baselines}", *lines])


def marked_lines(program: Callable[[], object]) -> set[int]:
    """The lines of a program that carry the mark: those that a finding should point at."""
    lines, first = inspect.getsourcelines(program)
    return {number for number, line in enumerate(lines, first) if MARK in line}


# What most programs learn, and with what: one problem, one network, one number of steps, so that the trials can be
# compiled once for many of them.

STEPS = 300


def paraboloid() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """z = x^2 + y^2 on [-1, 1]^2: inputs (N, 2) and targets (N, 1), of the rows to train on and of those held out."""
    torch.manual_seed(0)
    x = torch.rand(ROWS + HELD_OUT, 2) * 2 - 1
    return split(x, (x**2).sum(1, keepdim=True))


def noisy() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """The paraboloid with so much noise on it that an R2 of about 0.6 is all that can be reached."""
    x, y, x_test, y_test = paraboloid()
    return x, y + 0.34 * torch.randn_like(y), x_test, y_test + 0.34 * torch.randn_like(y_test)


def plane() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """z = 2x - y + 0.5 on the same inputs."""
    torch.manual_seed(0)
    x = torch.rand(ROWS + HELD_OUT, 2) * 2 - 1
    return split(x, 2 * x[:, :1] - x[:, 1:] + 0.5)


def split(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Rows to train on, and rows held out."""
    return x[:ROWS], y[:ROWS], x[ROWS:], y[ROWS:]


def network(*extra: nn.Module) -> nn.Sequential:
    """2-16-1 with tanh, and these layers behind the activation."""
    return nn.Sequential(nn.Linear(2, 16), nn.Tanh(), *extra, nn.Linear(16, 1))


def adam(model: nn.Module) -> torch.optim.Optimizer:
    """The optimizer that learns it."""
    return torch.optim.Adam(model.parameters(), lr=0.05)


def train(model, x, y, optimizer=None, steps=STEPS, loss=nn.functional.mse_loss):
    """Full-batch steps, as they should be."""
    optimizer = optimizer or adam(model)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(model(x), y).backward()
        optimizer.step()


def judge(model, x, y):
    """The loss on held-out rows, in evaluation mode."""
    model.eval()
    with torch.no_grad():
        return nn.functional.mse_loss(model(x), y).item()
