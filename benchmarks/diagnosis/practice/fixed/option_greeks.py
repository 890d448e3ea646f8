"""Vega of European calls, fitted from simulated quotes."""

import numpy as np
import torch
from sklearn.metrics import r2_score
from torch import nn


def quotes(n, seed):
    rng = np.random.default_rng(seed)
    moneyness = rng.uniform(0.7, 1.3, n)
    expiry = rng.uniform(0.1, 2.0, n)
    vol = rng.uniform(0.1, 0.5, n)
    rate = rng.uniform(0.0, 0.05, n)
    d1 = (np.log(moneyness) + (rate + vol**2 / 2) * expiry) / (vol * np.sqrt(expiry))
    vega = moneyness * np.exp(-(d1**2) / 2) / np.sqrt(2 * np.pi) * np.sqrt(expiry)
    x = np.column_stack([(moneyness - 1) * 5, expiry - 1, (vol - 0.3) * 8, rate * 20 - 0.5])
    return x.astype(np.float32), (vega + rng.normal(0, 0.005, n)).astype(np.float32)


class EarlyStopping:
    def __init__(self, patience=15, min_delta=0.0):
        self.patience, self.min_delta = patience, min_delta
        self.best, self.waited = float("inf"), 0

    def __call__(self, value):
        if value < self.best - self.min_delta:
            self.best, self.waited = value, 0
        else:
            self.waited += 1
        return self.waited >= self.patience


torch.manual_seed(12)
x, vega = quotes(2500, 12)
y = (vega - vega[:2000].mean()) / vega[:2000].std()
x, y = torch.from_numpy(x), torch.from_numpy(y).unsqueeze(1)
net = nn.Sequential(nn.Linear(4, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 1))
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
stopper = EarlyStopping()


def mse(a, b):
    return torch.mean((a - b) ** 2)


for epoch in range(100):
    for idx in torch.randperm(2000).split(100):
        loss = mse(net(x[idx]), y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        valid = mse(net(x[2000:]), y[2000:]).item()
    print(f"epoch {epoch} train {loss.item():.4f} valid {valid:.4f}")
    if stopper(valid):
        break

with torch.no_grad():
    print("R2:", r2_score(y[2000:], net(x[2000:]).flatten()))
