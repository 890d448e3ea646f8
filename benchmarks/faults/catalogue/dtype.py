"""Faults in the dtype: values that were rounded on their way, and arrays that come back in another one."""

from dataclasses import replace

import numpy as np
import torch

from benchmarks.faults.copies import Twin, around
from benchmarks.faults.experiments import across
from benchmarks.faults.fault import fault


@fault("start", "dtype.rounded", across())
def inputs_through_float32(twin: Twin) -> None:
    """The inputs of a float64 run pass through float32."""

    def rounded(put, self, data):
        inputs, targets = put(self, data)
        return inputs.float().to(inputs.dtype), targets

    around(twin.trainer.Trainer, "_put_data", rounded)


@fault("start", "dtype.rounded", across())
def weights_through_float32(twin: Twin) -> None:
    """The first weights of a float64 run pass through float32."""

    def rounded(set_state, self, state):
        parameters = {n: a.astype(np.float32).astype(a.dtype) for n, a in state.parameters.items()}
        set_state(self, replace(state, parameters=parameters))

    around(twin.trainer.Trainer, "set_state", rounded)


@fault("start", "dtype.rounded", across(), dtype="float32")
def weights_through_bfloat16(twin: Twin) -> None:
    """The first weights of a float32 run pass through bfloat16."""

    def rounded(put, self, array):
        tensor = put(self, array)
        return tensor.bfloat16().to(tensor.dtype) if array.ndim == 2 and array.dtype.kind == "f" else tensor

    def setting(set_state, self, state):
        put = type(self)._put
        around(type(self), "_put", rounded)
        set_state(self, state)
        type(self)._put = put

    around(twin.trainer.Trainer, "set_state", setting)


@fault("start", "dtype.kept", across(), dtype="float32")
def float32_run_gives_float64(twin: Twin) -> None:
    """What a float32 run gives back is float64."""
    around(twin.trainer, "to_numpy", lambda to_numpy, t: widened(to_numpy(t)))


@fault("predict", "dtype.kept", across())
def predictions_in_float32(twin: Twin) -> None:
    """The predictions of a float64 run are given back in float32."""
    around(twin.trainer.Trainer, "predict", lambda predict, *args, **how: predict(*args, **how).astype(np.float32))


@fault("gradients", "dtype.kept", across())
def gradients_given_back_in_float32(twin: Twin) -> None:
    """The gradients of a float64 run are given back in float32."""

    def narrowed(differentiate, *args, **how):
        loss, gradients = differentiate(*args, **how)
        return loss, {name: g.astype(np.float32) for name, g in gradients.items()}

    around(twin.trainer.Trainer, "loss_and_grads", narrowed)


@fault("start", "dtype.kept", across())
def float64_run_in_float32(twin: Twin) -> None:
    """A float64 run is a float32 run: the data lose their digits without a word, as JAX does without its switch."""

    def built(init, self, config, *, device, mode, dtype):
        init(self, config, device=device, mode=mode, dtype="float32")

    around(twin.trainer.Trainer, "__init__", built)
    around(twin.trainer, "to_native", lambda put, array, device: single(put(array, device)))


def single(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def widened(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float64) if array.dtype.kind == "f" else array
