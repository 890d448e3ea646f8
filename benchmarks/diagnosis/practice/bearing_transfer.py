"""Bearing wear from vibration features: learn on a large rig, then adapt the last layers to a small one."""

import numpy as np
import torch
from torch import nn


def rig(n, gain, offset, rng):
    rms = rng.uniform(0.2, 2.0, n)
    kurtosis = rng.uniform(2.0, 8.0, n)
    band = rng.uniform(0.0, 1.0, n)
    speed = rng.uniform(0.5, 1.5, n)
    core = np.log1p(rms**2 / speed) + 0.4 * np.sin(3.0 * band) * np.sqrt(kurtosis) - 0.1 * kurtosis
    wear = gain * core + offset + rng.normal(0, 0.05, n)
    x = np.column_stack([rms - 1.1, (kurtosis - 5.0) / 2.0, 2.0 * band - 1.0, speed - 1.0])
    return torch.tensor(x), torch.tensor(wear).unsqueeze(1)


class WearNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 48), nn.Tanh(), nn.Linear(48, 24), nn.Tanh())
        self.head = nn.Linear(24, 1)

    def forward(self, x):
        return self.head(self.body(x))


def r2(model, x, y):
    with torch.no_grad():
        return (1 - (model(x) - y).square().sum() / (y - y.mean()).square().sum()).item()


torch.set_default_dtype(torch.float64)
torch.manual_seed(6)
rng = np.random.default_rng(6)
x_big, y_big = rig(1600, 1.0, 0.0, rng)
x_small, y_small = rig(60, -0.8, 2.5, rng)
x_held, y_held = rig(400, -0.8, 2.5, rng)

model = WearNet()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(40):
    for rows in torch.randperm(len(x_big)).split(80):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x_big[rows]), y_big[rows])
        loss.backward()
        optimizer.step()
    if epoch % 10 == 9:
        print(f"large rig, epoch {epoch + 1}: loss {loss.item():.4f}, R2 {r2(model, x_big, y_big):.3f}")

for p in model.body.parameters():
    p.requires_grad_(False)
model.head = nn.Linear(24, 1)
lbfgs = torch.optim.LBFGS(model.head.parameters(), lr=1.0, max_iter=20, line_search_fn="strong_wolfe")


def closure():
    lbfgs.zero_grad()
    penalty = 1e-4 * model.head.weight.square().sum()
    value = nn.functional.mse_loss(model(x_small), y_small) + penalty
    value.backward()
    return value


for outer in range(10):
    value = lbfgs.step(closure)
    if outer % 3 == 0:
        print(f"small rig, pass {outer}: loss {value.item():.4f}")
print(f"small rig, held-out R2: {r2(model, x_held, y_held):.3f}")
