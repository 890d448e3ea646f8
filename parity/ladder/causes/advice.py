"""How two sides are aligned: where a constant stands in each framework, and what its default is there.

The defaults are those of torch 2.13 and optax 0.2.8, as their own signatures have them.
"""

from parity.contract import Optimizer
from parity.kinds import kind_of

WHERE: dict[tuple[str, str], str] = {
    ("adam", "b1"): "torch.optim.Adam betas=(0.9, 0.999), optax.adam b1=0.9",
    ("adam", "b2"): "torch.optim.Adam betas=(0.9, 0.999), optax.adam b2=0.999",
    ("adam", "eps"): "torch.optim.Adam eps=1e-8, optax.adam eps=1e-8",
    ("adamw", "b1"): "torch.optim.AdamW betas=(0.9, 0.999), optax.adamw b1=0.9",
    ("adamw", "b2"): "torch.optim.AdamW betas=(0.9, 0.999), optax.adamw b2=0.999",
    ("adamw", "eps"): "torch.optim.AdamW eps=1e-8, optax.adamw eps=1e-8",
    ("adamw", "weight_decay"): "torch.optim.AdamW's default is 1e-2, optax.adamw's 1e-4",
    ("rmsprop", "decay"): "torch.optim.RMSprop alpha=0.99, optax.rmsprop decay=0.9",
    ("rmsprop", "eps"): "torch.optim.RMSprop adds it outside the root, optax.rmsprop inside unless eps_in_sqrt=False",
    ("adagrad", "eps"): "torch.optim.Adagrad eps=1e-10, optax.adagrad eps=1e-7 inside the root",
    ("nadam", "momentum_decay"): "torch.optim.NAdam momentum_decay=4e-3; optax.nadam's mu is constant",
    ("radam", "eps"): "torch.optim.RAdam adds it to the uncorrected root, optax.radam to the corrected one",
    ("adadelta", "decay"): "torch.optim.Adadelta rho=0.9, optax.adadelta rho=0.9",
    ("adadelta", "eps"): "torch.optim.Adadelta eps=1e-6, optax.adadelta eps=1e-6",
    ("lion", "weight_decay"): "optax.lion's default is 1e-3; torch has no Lion",
    ("sgd", "weight_decay"): "torch.optim.SGD's is an L2 term; optax.sgd has none: optax.add_decayed_weights in front",
    ("adam", "weight_decay"): "torch.optim.Adam's is an L2 term; optax.adam has none",
    ("sgd", "nesterov"): "nesterov= in torch.optim.SGD and optax.sgd, False by default",
    ("sgd", "momentum"): "momentum= in torch.optim.SGD and optax.sgd, 0 by default",
}

EPS = {
    "adam": "eps outside the root, after the bias correction: eps, and eps_root=0 in Optax",
    "adamw": "eps outside the root, after the bias correction: eps, and eps_root=0 in Optax",
    "nadam": "eps outside the root, after the bias correction: eps, and eps_root=0 in Optax",
    "rmsprop": "eps outside the root, as torch.optim.RMSprop; optax.rmsprop needs eps_in_sqrt=False",
    "adagrad": "eps outside the root, as torch.optim.Adagrad; optax.adagrad's is inside and no setting moves it",
    "radam": "eps on the root of the uncorrected moment, as torch.optim.RAdam; optax.radam's is on the corrected one",
    "adamax": "eps on |g| before the largest is taken",
    "adadelta": "eps inside both roots, as torch.optim.Adadelta and optax.adadelta",
}


def align_constant(optimizer: Optimizer, field: str) -> str:
    """The line that aligns a constant."""
    kind = kind_of(optimizer)
    value = getattr(optimizer, field, 0.0)
    line = f"{field}={value if isinstance(value, bool) else format(value, 'g')}"
    where = WHERE.get((kind, field))
    return f"{line} ({where})" if where else line


def align_eps(optimizer: Optimizer) -> str:
    """Where the contract adds eps."""
    return EPS[kind_of(optimizer)]
