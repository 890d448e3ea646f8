"""Solving: the cases of the suite for backends, trained by a solver."""

from dataclasses import dataclass, replace

from parity.conformance import Case, cases
from parity.contract import MLP, Constant, Solver, TrainingConfig


@dataclass(frozen=True)
class SolverCase(Case):
    """A case of a network that a solver trains."""

    optimizer: Solver

    @property
    def config(self) -> TrainingConfig:
        return replace(super().config, optimizer=self.optimizer, schedule=Constant(), clip_norm=None)


def solver_cases(backend, optimizer):
    """Every device, mode and dtype of a backend."""
    return [SolverCase(**vars(case), optimizer=optimizer) for case in cases(backend) if isinstance(case.model, MLP)]
