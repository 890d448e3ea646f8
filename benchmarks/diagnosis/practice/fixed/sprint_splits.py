"""100 m time from anthropometry, power profile and conditions."""

import csv
import pathlib
import tempfile

import numpy as np
import torch
from torch import nn


def write_table(path, n=1000, seed=31):
    rng = np.random.default_rng(seed)
    v0 = rng.normal(8.6, 0.6, n)
    f0 = rng.normal(7.6, 0.7, n)
    mass = rng.normal(74, 8, n)
    wind = rng.normal(0.3, 1.2, n)
    alt = rng.uniform(0, 2200, n)
    tau = v0 / f0
    top = v0 * 1.12 * (1 - 0.004 * np.abs(mass - 76) / 4) + 0.06 * wind - 0.012 * wind**2 + 0.00004 * alt
    t = 100 / top + tau + rng.normal(0, 0.03, n)
    with path.open("w", newline="") as fh:
        w = csv.writer(fh)
        w.writerow(["v0", "f0", "mass", "wind", "altitude", "time"])
        w.writerows(np.round(np.c_[v0, f0, mass, wind, alt, t], 4).tolist())


def read_table(path):
    with path.open() as fh:
        rows = [[float(v) for v in r.values()] for r in csv.DictReader(fh)]
    return torch.tensor(rows)


with tempfile.TemporaryDirectory() as tmp:
    table = pathlib.Path(tmp) / "athletes.csv"
    write_table(table)
    rows = read_table(table)

torch.manual_seed(31)
n_train = 800
mean, std = rows[:n_train].mean(0), rows[:n_train].std(0)
z = (rows - mean) / std
x, t = z[:, :5], z[:, 5:]

net = nn.Sequential(nn.Linear(5, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=1e-2, momentum=0.9)
for epoch in range(150):
    perm = torch.randperm(n_train)
    for k in range(0, n_train, 50):
        b = perm[k : k + 50]
        optimizer.zero_grad()
        loss = ((net(x[b]) - t[b]) ** 2).mean()
        loss.backward()
        optimizer.step()
    if epoch % 30 == 29:
        print(f"epoch {epoch + 1}: loss {loss.item():.4f}")

net.eval()
with torch.no_grad():
    seconds = net(x[n_train:]).flatten() * std[5] + mean[5]
true = rows[n_train:, 5]
print(f"RMSE {(seconds - true).pow(2).mean().sqrt().item():.3f} s")
print(f"R2 {1 - ((seconds - true).pow(2).sum() / (true - true.mean()).pow(2).sum()).item():.3f}")
