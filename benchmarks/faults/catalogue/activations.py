"""Faults in the activations: another function, or another constant in it."""

import torch
import torch.nn.functional as F

from benchmarks.faults.copies import Twin
from benchmarks.faults.experiments import across
from benchmarks.faults.fault import fault


@fault("predict", "activation.kind", across(activation="relu"))
def silu_for_relu(twin: Twin) -> None:
    """The activation is silu where relu was asked for."""
    twin.model.ACTIVATIONS["relu"] = F.silu


@fault("predict", "activation.kind", across(activation="gelu"))
def tanh_form_of_gelu(twin: Twin) -> None:
    """gelu is computed in its tanh form, JAX's default."""
    twin.model.ACTIVATIONS["gelu"] = twin.model.ACTIVATIONS["gelu_tanh"]


@fault("predict", "activation.kind", across(activation="sigmoid"))
def tanh_for_sigmoid(twin: Twin) -> None:
    """The activation is tanh where sigmoid was asked for."""
    twin.model.ACTIVATIONS["sigmoid"] = torch.tanh


@fault("predict", ("activation.kind", "activation.constant"), across(activation="gelu"))
def quick_gelu(twin: Twin) -> None:
    """gelu is replaced by x sigmoid(1.702 x), its quick form."""
    twin.model.ACTIVATIONS["gelu"] = lambda x: x * torch.sigmoid(1.702 * x)


@fault("predict", "activation.constant", across(activation="leaky_relu"))
def leaky_slope_of_a_fifth(twin: Twin) -> None:
    """leaky_relu has the slope 0.2, as in some papers, for 0.01."""
    twin.model.ACTIVATIONS["leaky_relu"] = lambda x: F.leaky_relu(x, 0.2)


@fault("predict", "activation.constant", across(activation="elu"))
def elu_of_half_the_alpha(twin: Twin) -> None:
    """elu has alpha 0.5 for 1."""
    twin.model.ACTIVATIONS["elu"] = lambda x: F.elu(x, alpha=0.5)


@fault("predict", "activation.constant", across(activation="softplus"))
def softplus_with_a_threshold_of_1(twin: Twin) -> None:
    """softplus returns x itself from 1 on."""
    twin.model.ACTIVATIONS["softplus"] = lambda x: F.softplus(x, threshold=1.0)


@fault("predict", "activation.constant", across(activation="softplus"))
def softplus_with_its_default_threshold(twin: Twin) -> None:
    """softplus returns x itself from 20 on, PyTorch's default: nothing in a network whose sums stay below."""
    twin.model.ACTIVATIONS["softplus"] = F.softplus


@fault("predict", "activation.last_layer", across())
def activation_behind_the_last_layer(twin: Twin) -> None:
    """The hidden activation is applied to the predictions too."""
    for model in twin.models:
        around_last(model)


def around_last(model: type) -> None:
    forward = model.forward
    model.forward = lambda self, x, masks: self.activation(forward(self, x, masks))
