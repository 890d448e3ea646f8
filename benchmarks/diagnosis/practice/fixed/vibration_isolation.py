"""Transmissibility of a rubber mount against frequency ratio and damping."""

import math

import torch
from torch import nn

torch.manual_seed(9)


def transmissibility(ratio, zeta):
    top = 1 + (2 * zeta * ratio) ** 2
    return torch.sqrt(top / ((1 - ratio**2) ** 2 + (2 * zeta * ratio) ** 2))


class Mount(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(2, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh()
        )
        self.head = nn.Linear(width, 1)
        self.body.apply(self.prepare)

    @staticmethod
    def prepare(layer):
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, 0.0, 1.0 / math.sqrt(layer.in_features))
            nn.init.uniform_(layer.bias, -0.5, 0.5)

    def forward(self, x):
        return self.head(self.body(x)).squeeze(-1)


class Trainer:
    def __init__(self, model, lr):
        self.model = model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        self.loss = nn.MSELoss()

    def fit(self, x, y, epochs, batch):
        for epoch in range(1, epochs + 1):
            for rows in torch.randperm(len(x)).split(batch):
                self.optimizer.zero_grad()
                value = self.loss(self.model(x[rows]), y[rows])
                value.backward()
                self.optimizer.step()
            if epoch % 25 == 0:
                print(f"[{epoch}/{epochs}] loss {value.item():.5f}")

    @torch.no_grad()
    def score(self, x, y):
        return 1 - torch.var(y - self.model(x)).item() / torch.var(y).item()


ratio = torch.rand(1400) * 2.8 + 0.1
zeta = torch.rand(1400) * 0.3 + 0.03
target = torch.log10(transmissibility(ratio, zeta))
target = (target - target.mean()) / target.std()
inputs = torch.stack([(ratio - 1.5) / 0.8, (zeta - 0.18) / 0.087], dim=1)

trainer = Trainer(Mount(), lr=6e-3)
trainer.fit(inputs[:1100], target[:1100], epochs=100, batch=50)
print(f"R2 held out: {trainer.score(inputs[1100:], target[1100:]):.4f}")
