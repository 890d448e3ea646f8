"""Occupancy of a parking garage from hour, weekday, weather and events."""

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(17)
torch.manual_seed(17)
n = 220
hour = rng.uniform(6, 22, n)
weekday = rng.integers(0, 7, n)
rainfall = rng.exponential(1.0, n)
event = rng.integers(0, 2, n)
price = rng.uniform(1, 4, n)
busy = 0.5 * np.exp(-(((hour - 13) / 3.5) ** 2)) * (weekday < 5) + 0.25 * event * (hour > 17) - 0.05 * price
busy = busy + 0.03 * np.minimum(rainfall, 3) + rng.normal(0, 0.07, n)

table = np.column_stack([hour, weekday, rainfall, event, price])
table = (table - table.mean(0)) / table.std(0)
x = torch.tensor(table, dtype=torch.float32)
y = torch.tensor((busy - busy.mean()) / busy.std(), dtype=torch.float32)[:, None]
rows = rng.permutation(n)
train = torch.as_tensor(rows[:150])
valid = torch.as_tensor(rows[150:])


def r2(pred, true):
    return float(1 - ((pred - true) ** 2).sum() / ((true - true.mean()) ** 2).sum())


model = nn.Sequential(nn.Linear(5, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 1))
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(100):
    opt.zero_grad()
    loss = nn.functional.mse_loss(model(x[train]), y[train])
    loss.backward()
    opt.step()
    if epoch % 20 == 19:
        with torch.no_grad():
            print(epoch + 1, f"train {loss.item():.4f}", f"validation R2 {r2(model(x[valid]), y[valid]):.3f}")
with torch.no_grad():
    print("validation R2", r2(model(x[valid]), y[valid]))
