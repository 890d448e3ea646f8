"""What the harness and a backend promise each other.

Only NumPy and the standard library are imported here, and only NumPy arrays cross the line between the two sides.
Letters used for shapes everywhere: N rows, B rows of a batch, D inputs, K outputs, H hidden units, S steps, C checkpoints,
E evaluations, V rows evaluated, R replicas.
"""

from parity.contract.arrays import Arrays, Batch, BatchOrder, Data, History, State, segments
from parity.contract.backend import Backend, Trainer
from parity.contract.errors import DeviceError, InputError, ParityError, require, require_choice
from parity.contract.exporting import Exporter, Network, Variable
from parity.contract.losses import Loss
from parity.contract.models import MLP, Model, RegularizedMLP, TensorSpec
from parity.contract.optimizers import (
    LBFGS,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    FirstOrder,
    LevenbergMarquardt,
    Lion,
    NAdam,
    Optimizer,
    RAdam,
    RMSprop,
    Solver,
)
from parity.contract.replicas import check_replicas, numbers_held, of_replicas, replica, stacked, stacks
from parity.contract.scaling import Scaling, logarithms
from parity.contract.schedules import (
    Constant,
    Cosine,
    Exponential,
    OneCycle,
    Schedule,
    Step,
    WarmupCosine,
)
from parity.contract.tracing import Meeting, Trace, Traced
from parity.contract.training import TrainingConfig, zero_state
from parity.contract.watching import (
    Evaluation,
    Operation,
    Parameter,
    Place,
    Recording,
    Replay,
    Replayed,
    Training,
    WatchedOptimizer,
    WatchedStep,
    Watcher,
)

__all__ = [
    "LBFGS",
    "MLP",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Arrays",
    "Backend",
    "Batch",
    "BatchOrder",
    "Constant",
    "Cosine",
    "Data",
    "DeviceError",
    "Evaluation",
    "Exponential",
    "Exporter",
    "FirstOrder",
    "History",
    "InputError",
    "LevenbergMarquardt",
    "Lion",
    "Loss",
    "Meeting",
    "Model",
    "NAdam",
    "Network",
    "OneCycle",
    "Operation",
    "Optimizer",
    "Parameter",
    "ParityError",
    "Place",
    "RAdam",
    "RMSprop",
    "Recording",
    "RegularizedMLP",
    "Replay",
    "Replayed",
    "Scaling",
    "Schedule",
    "Solver",
    "State",
    "Step",
    "TensorSpec",
    "Trace",
    "Traced",
    "Trainer",
    "Training",
    "TrainingConfig",
    "Variable",
    "WarmupCosine",
    "WatchedOptimizer",
    "WatchedStep",
    "Watcher",
    "check_replicas",
    "logarithms",
    "numbers_held",
    "of_replicas",
    "replica",
    "require",
    "require_choice",
    "segments",
    "stacked",
    "stacks",
    "zero_state",
]
