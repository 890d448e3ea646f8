"""How a choice between configs is spelled: in TOML `kind = "adam"`, on the command line `--optimizer adam`."""

from parity.contract import (
    LBFGS,
    MLP,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Constant,
    Cosine,
    Exponential,
    LevenbergMarquardt,
    Lion,
    NAdam,
    OneCycle,
    RAdam,
    RegularizedMLP,
    RMSprop,
    Step,
    WarmupCosine,
)

KINDS: dict[str, dict[str, type]] = {
    "model": {"mlp": MLP, "regularized_mlp": RegularizedMLP},
    "optimizer": {
        "sgd": SGD,
        "adam": Adam,
        "adamw": AdamW,
        "rmsprop": RMSprop,
        "adagrad": Adagrad,
        "nadam": NAdam,
        "radam": RAdam,
        "adamax": Adamax,
        "adadelta": Adadelta,
        "lion": Lion,
        "levenberg_marquardt": LevenbergMarquardt,
        "lbfgs": LBFGS,
    },
    "schedule": {
        "constant": Constant,
        "cosine": Cosine,
        "exponential": Exponential,
        "step": Step,
        "one_cycle": OneCycle,
        "warmup_cosine": WarmupCosine,
    },
}


def kind_of(config: object) -> str:
    """The name of a config's class."""
    return next(kind for kinds in KINDS.values() for kind, cls in kinds.items() if cls is type(config))
