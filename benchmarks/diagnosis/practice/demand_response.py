"""Household response to a peak-price signal."""

import copy

import numpy as np
import torch
from torch import nn


def households(n, rng):
    price = rng.uniform(0.1, 0.6, n)
    people = rng.integers(1, 6, n)
    outdoor = rng.normal(15, 8, n)
    heat_pump = rng.random(n) < 0.4
    saved = 0.8 * np.tanh(4 * (price - 0.25)) * (0.5 + 0.2 * people) + 0.04 * np.abs(outdoor - 18) * heat_pump
    x = np.column_stack([price * 4 - 1.4, people / 3 - 1, (outdoor - 15) / 8, heat_pump])
    return x, saved, saved + rng.normal(0, 0.52, n)


torch.manual_seed(40)
x, clean, saved = households(4000, np.random.default_rng(40))
x, y = torch.tensor(x).float(), torch.tensor(saved).float()
train, valid, test = slice(0, 2600), slice(2600, 3200), slice(3200, 4000)

model = nn.Sequential(
    nn.Linear(4, 32), nn.ReLU(), nn.Dropout(0.05), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1), nn.Flatten(0)
)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-4)
criterion = nn.MSELoss()
best_loss, best_state, waited = float("inf"), None, 0
for epoch in range(120):
    model.train()
    for idx in torch.randperm(2600).split(100):
        optimizer.zero_grad()
        loss = criterion(model(x[train][idx]), y[train][idx])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val = criterion(model(x[valid]), y[valid]).item()
    if val < best_loss:
        best_loss, best_state, waited = val, copy.deepcopy(model.state_dict()), 0
    else:
        waited += 1
    if epoch % 10 == 0:
        print(f"epoch {epoch:3d} valid {val:.4f}")
    if waited == 15:
        break

model.load_state_dict(best_state)
with torch.no_grad():
    pred = model(x[test])
r2_test = 1 - ((pred - y[test]) ** 2).mean() / y[test].var(unbiased=False)
print(f"stopped after {epoch + 1} epochs, R2 {r2_test:.3f}")
