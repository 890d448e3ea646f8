"""Algal growth against light, temperature and two nutrients."""

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(40)
torch.manual_seed(40)
n = 1200
light = rng.uniform(5, 140, n)
temp = rng.uniform(4, 34, n)
nitrate = rng.uniform(0.02, 3, n)
phosphate = rng.uniform(0.001, 0.2, n)
limit = np.minimum(nitrate / (0.3 + nitrate), phosphate / (0.02 + phosphate))
mu = 2.2 * light / 120 * np.exp(1 - light / 120) * np.exp(-(((temp - 21) / 8) ** 2)) * limit
mu = mu + rng.normal(0, 0.02, n)

x = np.column_stack([light, temp, np.log(nitrate), np.log(phosphate)])
x = torch.tensor((x - x.mean(0)) / x.std(0), dtype=torch.float32)
y = torch.tensor((mu - mu.mean()) / mu.std(), dtype=torch.float32).reshape(-1, 1)
x_train, y_train = x[:900], y[:900]
x_valid, y_valid = x[900:], y[900:]

model = nn.Sequential(
    nn.Linear(4, 64),
    nn.Linear(64, 64),
    nn.Linear(64, 1),
)
loss_fn = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.0005)

for it in range(3000):
    rows = torch.randint(0, 900, (64,))
    optimizer.zero_grad()
    loss = loss_fn(model(x_train[rows]), y_train[rows])
    loss.backward()
    if it % 500 == 0:
        with torch.no_grad():
            valid = loss_fn(model(x_valid), y_valid)
        print(f"{it:5d} train {loss.item():.4f} valid {valid.item():.4f}")
        optimizer.step()

with torch.no_grad():
    rss = torch.sum((model(x_valid) - y_valid) ** 2)
    tss = torch.sum((y_valid - y_valid.mean()) ** 2)
print("R2", 1 - (rss / tss).item())
