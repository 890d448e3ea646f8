"""Tide at a harbour from the phases of the moon and the sun, the wind and the barometer."""

import numpy as np
import torch
from torch import nn


class Encoder(nn.Module):
    def __init__(self, n_in, n_code):
        super().__init__()
        self.linear = nn.Linear(n_in, n_code)

    def forward(self, x):
        return torch.tanh(self.linear(x))


class Head(nn.Module):
    def __init__(self, n_code):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(n_code, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, code):
        return self.layers(code)


def records(n):
    rng = np.random.default_rng(40)
    hours = rng.uniform(0, 24 * 60, n)
    wind = rng.normal(0, 6, n)
    pressure = rng.normal(0, 9, n)
    m2, s2 = 2 * np.pi * hours / 12.42, 2 * np.pi * hours / 12.0
    tide = 1.4 * np.cos(m2) + 0.5 * np.cos(s2) + 0.3 * np.cos(2 * m2) * np.sin(s2)
    surge = 0.004 * wind * np.abs(wind) - 0.01 * pressure
    x = np.column_stack([np.sin(m2), np.cos(m2), np.sin(s2), np.cos(s2), wind / 6, pressure / 9])
    y = tide + surge + rng.normal(0, 0.05, n)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)[:, None]


torch.manual_seed(40)
x, y = records(1300)
x_train, y_train, x_test, y_test = x[:1000], y[:1000], x[1000:], y[1000:]

encoder, head = Encoder(6, 24), Head(24)
params = list(encoder.parameters()) + list(head.parameters())
optimizer = torch.optim.Adam(params, lr=5e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=300, gamma=0.5)

for step in range(900):
    loss = nn.functional.mse_loss(head(encoder(x_train)), y_train)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if step % 150 == 0:
        print(f"step {step}: loss {loss.item():.4f}, lr {scheduler.get_last_lr()[0]:.4f}")

with torch.no_grad():
    pred = head(encoder(x_test))
ss_res = torch.sum((y_test - pred) ** 2)
ss_tot = torch.sum((y_test - y_test.mean()) ** 2)
print(f"R2 for the last 300 records: {(1 - ss_res / ss_tot).item():.3f}")
