"""Correlated colour temperature of lamps from eight photodiode channels."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(9)
rng = np.random.default_rng(9)
BANDS = np.linspace(0.42, 0.70, 8)  # micrometre


def lamps(n):
    kelvin = rng.uniform(2200.0, 8000.0, n)
    planck = BANDS**-5.0 / (np.exp(14388.0 / (BANDS * kelvin[:, None])) - 1.0)
    planck = planck / planck.sum(1, keepdims=True)
    tint = 1.0 + 0.15 * rng.normal(size=(n, 1)) * np.sin(12.0 * BANDS)
    signal = planck * tint * (1.0 + 0.01 * rng.normal(size=planck.shape))
    return signal * 8.0, (kelvin[:, None] - 5100.0) / 1700.0


x, y = (torch.tensor(a, dtype=torch.float32) for a in lamps(700))
x_new, y_new = (torch.tensor(a, dtype=torch.float32) for a in lamps(300))

embed = nn.Linear(8, 24)
head = nn.Sequential(nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 1))
optimizer = torch.optim.Adam([*embed.parameters(), *head.parameters()], lr=3e-3)

channels = embed(x)
for epoch in range(25):
    optimizer.zero_grad()
    loss = F.mse_loss(head(channels), y)
    loss.backward(retain_graph=True)
    optimizer.step()
    if epoch % 5 == 0:
        print(epoch, f"{loss.item():.4f}")

with torch.no_grad():
    estimate = head(embed(x_new))
    r2 = 1.0 - F.mse_loss(estimate, y_new) / y_new.var(correction=0)
print(f"mean deviation {(estimate - y_new).abs().mean().item() * 1700:.0f} K, R2 {r2.item():.3f}")
