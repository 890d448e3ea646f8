"""The loss of a batch as a function of all parameters in one vector x of P numbers, for solvers that look at it themselves."""

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor
from torch.func import grad, grad_and_value, vmap

from parity.contract import TrainingConfig

Parameters = dict[str, Tensor]
Network = Callable[[Parameters, Tensor], Tensor]  # and (B, D) inputs to (B, K) predictions
Loss = Callable[[Tensor, Tensor], Tensor]


class Objective:
    def __init__(
        self,
        config: TrainingConfig,
        network: Network,
        loss: Loss,
        parameters: Parameters,
        inputs: Tensor,
        targets: Tensor,
    ) -> None:
        self.network = network
        self.criterion = loss
        self.inputs = inputs  # (B, D)
        self.targets = targets  # (B, K)
        self.block_rows = min(config.block_rows, len(inputs))
        self.scale = 1.0 if config.loss.reduction == "sum" else 1.0 / targets.numel()  # c, of c J'J
        self.shapes = {name: parameter.shape for name, parameter in parameters.items()}
        self.point = ravelled(parameters.values())

    def unflatten(self, x: Tensor) -> Parameters:
        return unravelled(x, self.shapes)

    def predict(self, x: Tensor, inputs: Tensor) -> Tensor:
        return self.network(self.unflatten(x), inputs)

    def loss(self, x: Tensor) -> Tensor:
        return self.criterion(self.predict(x, self.inputs), self.targets)

    def loss_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        gradient, loss = grad_and_value(self.loss)(x)
        return loss, gradient

    def jacobian(self, x: Tensor, inputs: Tensor, output: int) -> Tensor:
        """(P, B) derivatives of one output of each row."""

        def of_row(parameters: Parameters, row: Tensor) -> Tensor:
            return self.network(parameters, row.unsqueeze(0))[0, output]

        rows = vmap(grad(of_row), in_dims=(None, 0), out_dims=-1)(self.unflatten(x), inputs)
        return torch.cat([derivatives.reshape(-1, len(inputs)) for derivatives in rows.values()])


def ravelled(parameters: Iterable[Tensor]) -> Tensor:
    """All parameters in one vector (P,)."""
    return torch.cat([parameter.detach().reshape(-1) for parameter in parameters])


def unravelled(x: Tensor, shapes: Mapping[str, torch.Size]) -> Parameters:
    """A vector (P,) cut into the parameters of those shapes; they share its memory."""
    parts = x.split([shape.numel() for shape in shapes.values()])
    return {name: part.view(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}
