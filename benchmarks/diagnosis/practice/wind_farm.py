"""Hourly power of a wind farm from met-mast readings and their recent past."""

import numpy as np
import torch
from torch import nn

RECENT = 8


def mast(hours, rng):
    wind, direction = np.zeros(hours), np.zeros(hours)
    wind[0], direction[0] = 8, 3
    for t in range(1, hours):
        wind[t] = 8 + 0.55 * (wind[t - 1] - 8) + rng.normal(0, 2.6)
        direction[t] = (direction[t - 1] + rng.normal(0, 0.9)) % (2 * np.pi)
    return np.clip(wind, 0, None), direction, rng.normal(1.22, 0.03, hours)


def farm_power(wind, direction, density, rng):
    wake = 1 - 0.25 * np.cos(2 * direction) ** 4
    curve = 1 / (1 + np.exp(-(wind * wake - 8.5) / 1.3))
    return 50 * curve * np.where(wind > 2.5, 1, 0) * density / 1.225 + rng.normal(0, 1.0, len(wind))


def with_recent_mean(columns, width):
    smooth = np.convolve(columns[0], np.ones(width) / width, mode="valid")
    return np.column_stack([c[width - 1 :] for c in columns] + [smooth])


rng = np.random.default_rng(17)
torch.manual_seed(17)
wind, direction, density = mast(4000, rng)
power = farm_power(wind, direction, density, rng)
table = with_recent_mean([wind / 10, np.sin(direction), np.cos(direction), density], RECENT)
target = power[: len(table)] / 50

inputs = torch.tensor(table, dtype=torch.float32)
outputs = torch.tensor(target, dtype=torch.float32).view(-1, 1)
split = int(0.8 * len(inputs))
model = nn.Sequential(nn.Linear(inputs.shape[1], 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
loss_fn = nn.MSELoss()

for epoch in range(40):
    model.train()
    for batch in torch.randperm(split).split(80):
        optimizer.zero_grad()
        loss = loss_fn(model(inputs[batch]), outputs[batch])
        loss.backward()
        optimizer.step()
    if epoch % 8 == 0:
        model.eval()
        with torch.no_grad():
            print(epoch, loss_fn(model(inputs[split:]), outputs[split:]).item())

with torch.no_grad():
    pred = model(inputs[split:]).numpy().ravel()
truth = outputs[split:].numpy().ravel()
print("RMSE [MW]:", 50 * np.sqrt(np.mean((pred - truth) ** 2)))
print("R2:", 1 - np.sum((pred - truth) ** 2) / np.sum((truth - truth.mean()) ** 2))
