"""Wear of gear pairs: pretrain on simulated stress, then fit the wear head on few measurements."""

import numpy as np
import torch
from torch import nn
from torch.optim import Adam


def geometry(n, rng):
    return rng.uniform(-1, 1, (n, 4))


def stress(x):
    torque, face, ratio, helix = x.T
    return np.sqrt((1.5 + torque) * (1.6 + ratio) / (1.4 + face)) * (1 - 0.2 * helix**2)


def wear(x, rng):
    s = stress(x)
    return 0.5 * s**1.5 + rng.normal(0, 0.03, len(x))


class GearNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(4, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU())
        self.stress_head = nn.Linear(48, 1)
        self.wear_head = nn.Linear(48, 1)

    def forward(self, x, task):
        head = self.stress_head if task == "stress" else self.wear_head
        return head(self.backbone(x))


def fit(model, task, params, x, y, epochs, lr, batch_size):
    optimizer = Adam(params, lr=lr)
    for epoch in range(epochs):
        for idx in torch.randperm(len(x)).split(batch_size):
            optimizer.zero_grad()
            loss = ((model(x[idx], task) - y[idx]) ** 2).mean()
            loss.backward()
            optimizer.step()
        if (epoch + 1) % 20 == 0:
            print(f"{task}: epoch {epoch + 1} loss {loss.item():.5f}")


def tensors(x, y):
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32).unsqueeze(1)


torch.manual_seed(16)
rng = np.random.default_rng(16)
model = GearNet()

x = geometry(1500, rng)
fit(model, "stress", model.parameters(), *tensors(x, stress(x)), epochs=40, lr=3e-3, batch_size=64)

for p in model.backbone.parameters():
    p.requires_grad_(False)
x = geometry(240, rng)
fit(model, "wear", model.wear_head.parameters(), *tensors(x, wear(x, rng)), epochs=150, lr=1e-2, batch_size=30)

x = geometry(400, rng)
x_test, y_test = tensors(x, wear(x, rng))
with torch.no_grad():
    error = ((model(x_test, "wear") - y_test) ** 2).mean()
print(f"wear R2: {1 - (error / y_test.var()).item():.3f}")
