"""What the harness finds by the entry point: where this backend runs, and the way to a trainer."""

from collections.abc import Mapping

import numpy as np

from numpy_impl.trainer import NumpyTrainer
from parity.contract import DeviceError, TrainingConfig
from parity.contract.errors import require_choice


class NumpyBackend:
    """Plain NumPy on the CPU."""

    name = "numpy"
    modes = ("loop",)
    dtypes = ("float64", "float32")

    def devices(self) -> tuple[str, ...]:
        """The CPU, which is always there."""
        return ("cpu",)

    def environment(self) -> Mapping[str, str]:
        """The version of NumPy."""
        return {"numpy": np.__version__}

    def trainer(self, config: TrainingConfig, *, device: str, mode: str, dtype: str) -> NumpyTrainer:
        """A trainer, its tensors all zero until `set_state`."""
        if device not in self.devices():
            raise DeviceError(f"device is {device!r}; the backend numpy expects one of {', '.join(self.devices())}.")
        require_choice("mode", mode, self.modes)
        require_choice("dtype", dtype, self.dtypes)
        return NumpyTrainer(config, dtype)
