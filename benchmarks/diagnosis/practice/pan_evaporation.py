"""Evaporation from a lake (Penman type) from station data in SI units."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def station(n, rng):
    temp = rng.uniform(275, 308, n)  # K
    pressure = rng.uniform(88000, 103000, n)  # Pa
    wind = rng.uniform(0.2, 9, n)  # m/s
    radiation = rng.uniform(40, 320, n)  # W/m2
    humidity = rng.uniform(0.2, 0.98, n)
    tc = temp - 273.15
    es = 611 * np.exp(17.27 * tc / (tc + 237.3))
    delta = 4098 * es / (tc + 237.3) ** 2
    gamma = 0.000665 * pressure
    evap = (delta * radiation / 28.4 + gamma * (1 + 0.54 * wind) * es * (1 - humidity) * 2.6e-3) / (delta + gamma)
    x = np.column_stack([temp, pressure, wind, radiation, humidity])
    return x.astype(np.float32), (evap + rng.normal(0, 0.1, n)).astype(np.float32)


def mean_error(pred, target):
    return (pred - target).mean()


rng = np.random.default_rng(60)
torch.manual_seed(60)
x, y = station(1500, rng)
x = torch.from_numpy(x)
y = torch.from_numpy((y - y.mean()) / y.std())[:, None]
loader = DataLoader(TensorDataset(x[:1200], y[:1200]), batch_size=60, shuffle=True)

net = nn.Sequential(nn.Linear(5, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 1))
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(50):
    for xb, yb in loader:
        opt.zero_grad()
        error = mean_error(net(xb), yb)
        error.backward()
        opt.step()
    if epoch % 10 == 0:
        print(f"{epoch:3d} {error.item():.4f}")

with torch.no_grad():
    yt = y[1200:]
    print("R2", 1 - ((net(x[1200:]) - yt) ** 2).sum().item() / ((yt - yt.mean()) ** 2).sum().item())
