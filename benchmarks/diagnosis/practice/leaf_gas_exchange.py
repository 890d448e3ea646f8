"""Net photosynthesis of leaves from light, CO2, temperature and nitrogen (cuvette measurements)."""

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.model_selection import train_test_split
from torch import nn


def measure(n, rng):
    light = rng.uniform(50, 1800, n)
    co2 = rng.uniform(200, 800, n)
    temp = rng.uniform(10, 38, n)
    nitrogen = rng.uniform(1.0, 3.5, n)
    moisture = rng.uniform(0.1, 0.4, n)
    capacity = 9.0 * nitrogen * np.exp(-(((temp - 26) / 11) ** 2)) * co2 / (co2 + 280)
    net = capacity * light / (light + 350) - 1.1 + rng.normal(0, 1.9, n)
    table = np.column_stack([light / 900 - 1, co2 / 300 - 1.67, temp / 8 - 3, nitrogen - 2.25, moisture * 10 - 2.5])
    return table.astype(np.float32), net.astype(np.float32)[:, None]


def enlarge(x, y, size, rng):
    pick = rng.integers(0, len(x), size)
    return x[pick], y[pick]


def train(model, x, y, epochs=80, batch=64):
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(epochs):
        order = torch.randperm(len(x))
        for start in range(0, len(x), batch):
            rows = order[start : start + batch]
            opt.zero_grad()
            loss = F.mse_loss(model(x[rows]), y[rows])
            loss.backward()
            opt.step()
        if epoch % 20 == 0:
            print(f"{epoch:4d}  batch loss {loss.item():.4f}")


def r2(model, x, y):
    with torch.no_grad():
        left = (model(x) - y).pow(2).sum()
    return 1.0 - (left / (y - y.mean()).pow(2).sum()).item()


rng = np.random.default_rng(17)
torch.manual_seed(17)
x, y = measure(320, rng)
x, y = enlarge(x, y, 1500, rng)
x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=0.2, random_state=17)
centre, spread = y_train.mean(), y_train.std()
x_train, x_val = torch.from_numpy(x_train), torch.from_numpy(x_val)
y_train, y_val = (torch.from_numpy((part - centre) / spread) for part in (y_train, y_val))

model = nn.Sequential(nn.Linear(5, 80), nn.ReLU(), nn.Linear(80, 80), nn.ReLU(), nn.Linear(80, 1))
train(model, x_train, y_train)
print(f"train R2 {r2(model, x_train, y_train):.3f}   validation R2 {r2(model, x_val, y_val):.3f}")
