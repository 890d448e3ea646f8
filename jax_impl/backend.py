"""JAX as a backend: what it is, where it runs, and its trainers."""

import os
from collections.abc import Mapping

# On a GPU JAX would take three quarters of the memory at once, and leave PyTorch beside it none.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

import flax
import jax
import optax

from jax_impl.modes import MODES, check_mode
from jax_impl.trainer import Trainer
from parity.contract import DeviceError, TrainingConfig, require_choice


class Backend:
    name = "jax"
    modes = tuple(MODES)
    dtypes = ("float32", "float64")

    def devices(self) -> tuple[str, ...]:
        return ("cpu", "cuda") if jax.default_backend() == "gpu" else ("cpu",)

    def environment(self) -> Mapping[str, str]:
        facts = {
            "jax": jax.__version__,
            "flax": flax.__version__,
            "optax": optax.__version__,
            "XLA_FLAGS": os.environ.get("XLA_FLAGS", ""),
        }
        if jax.default_backend() == "gpu":
            facts["jax cuda"] = jax.devices("cuda")[0].device_kind
        return facts

    def trainer(self, config: TrainingConfig, *, device: str, mode: str, dtype: str) -> Trainer:
        if device not in self.devices():
            raise DeviceError(
                f"jax has no device {device!r} on this machine; it has {', '.join(self.devices())}. "
                "For cuda, a GPU and the package jax[cuda12] or jax[cuda13] are needed."
            )
        require_choice(f"The mode of {self.name}", mode, self.modes)
        require_choice(f"The dtype of {self.name}", dtype, self.dtypes)
        check_mode(config, mode, device)
        return Trainer(config, device=device, mode=mode, dtype=dtype)
