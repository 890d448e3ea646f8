"""PyTorch as a backend: what it is, where it runs, and its trainers."""

from collections.abc import Mapping

import torch

from parity.contract import DeviceError, TrainingConfig, require_choice
from torch_impl.modes import MODES, check_mode
from torch_impl.trainer import Trainer


class Backend:
    name = "torch"
    modes = tuple(MODES)
    dtypes = ("float32", "float64")

    def devices(self) -> tuple[str, ...]:
        return ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)

    def environment(self) -> Mapping[str, str]:
        facts = {
            "torch": torch.__version__,
            "torch threads": str(torch.get_num_threads()),
            "torch cudnn.allow_tf32": str(torch.backends.cudnn.allow_tf32),
        }
        if torch.cuda.is_available():
            facts["torch cuda"] = f"{torch.version.cuda} on {torch.cuda.get_device_name()}"
        return facts

    def trainer(self, config: TrainingConfig, *, device: str, mode: str, dtype: str) -> Trainer:
        if device not in self.devices():
            raise DeviceError(
                f"torch has no device {device!r} on this machine; it has {', '.join(self.devices())}. "
                "For cuda, a GPU and a CUDA build of torch are needed."
            )
        require_choice(f"The mode of {self.name}", mode, self.modes)
        require_choice(f"The dtype of {self.name}", dtype, self.dtypes)
        check_mode(config, mode, device)
        return Trainer(config, device=device, mode=mode, dtype=dtype)
