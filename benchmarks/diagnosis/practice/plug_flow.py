"""Outlet concentration and temperature of an adiabatic plug-flow reactor."""

import numpy as np
import torch
from torch import nn


def integrate(c0, t0, tau, heat, steps=200):
    c, t = c0.copy(), t0.copy()
    dt = tau / steps
    for _ in range(steps):
        r = 2.4e6 * np.exp(-6200 / t) * c
        c = c - r * dt
        t = t + heat * r * dt
    return np.stack([c, t], 1)


class Standard:
    def __init__(self, a):
        self.mean, self.std = a.mean(0), a.std(0)

    def __call__(self, a):
        return torch.tensor((a - self.mean) / self.std, dtype=torch.float32)

    def back(self, t):
        return t.numpy() * self.std + self.mean


torch.manual_seed(50)
rng = np.random.default_rng(50)
n = 1000
inp = np.stack([rng.uniform(0.5, 2, n), rng.uniform(310, 370, n), rng.uniform(5, 60, n), rng.uniform(0, 25, n)], 1)
out = integrate(*inp.T)
sx, sy = Standard(inp[:750]), Standard(out[:750])
x, y = sx(inp), sy(out)

net = nn.Sequential(nn.Linear(4, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 2))
opt = torch.optim.SGD(net.parameters(), lr=2e-4, momentum=0.9, nesterov=True)
loss_fn = nn.MSELoss(reduction="sum")
for epoch in range(1, 201):
    total = 0.0
    for rows in torch.randperm(750).split(50):
        opt.zero_grad()
        loss = loss_fn(net(x[rows]), y[rows])
        loss.backward()
        opt.step()
        total += loss.item()
    if epoch % 40 == 0:
        print(f"epoch {epoch:3d}: sum of squares {total:.2f}")

with torch.no_grad():
    pred = sy.back(net(x[750:]))
true = out[750:]
print("R2 (c, T):", 1 - ((pred - true) ** 2).sum(0) / ((true - true.mean(0)) ** 2).sum(0))
