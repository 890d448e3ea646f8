"""Vickers hardness of a tempered steel from composition and heat treatment."""

import numpy as np
import torch
from torch import nn

torch.manual_seed(2)
rng = np.random.default_rng(2)
n = 1600
carbon = rng.uniform(0.1, 0.9, n)
chromium = rng.uniform(0, 5, n)
temper = rng.uniform(150, 650, n)
hours = rng.uniform(0.5, 8, n)
jaffe = (temper + 273.15) * (18 + np.log10(hours)) / 1000
hardness = 250 + 650 * np.sqrt(carbon) - 320 / (1 + np.exp(-(jaffe - 13) / 1.2))
hardness += 55 * np.exp(-(((jaffe - 15.5) / 1.3) ** 2)) * chromium / 2.5 + rng.normal(0, 8, n)

raw = np.stack([carbon, chromium, temper, hours], axis=1)
x = torch.tensor((raw - raw.mean(0)) / raw.std(0), dtype=torch.float32)
h_mean, h_std = hardness[:1200].mean(), hardness[:1200].std()
y = torch.tensor((hardness - h_mean) / h_std, dtype=torch.float32)

encoder = nn.Sequential(nn.Linear(4, 48), nn.Tanh())
head = nn.Sequential(nn.Linear(48, 24), nn.Tanh(), nn.Linear(24, 1))
optimizer = torch.optim.Adam([*encoder.parameters(), *head.parameters()], lr=0.005)

x_fit, y_fit = x[:1200], y[:1200]
codes = encoder(x_fit)
for it in range(800):
    pred = head(codes).squeeze(1)
    loss = ((pred - y_fit) ** 2).mean()
    optimizer.zero_grad()
    loss.backward(retain_graph=True)
    optimizer.step()
    if it % 200 == 0:
        print(f"iteration {it}, loss {loss.item():.5f}")

with torch.no_grad():
    estimate = head(encoder(x[1200:])).squeeze(1).numpy() * h_std + h_mean
print(f"final loss {loss.item():.5f}")
print(f"RMSE {np.sqrt(np.mean((estimate - hardness[1200:]) ** 2)):.1f} HV")
