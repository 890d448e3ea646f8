"""Drying rate of maize in a batch dryer, read back from a logger's CSV file."""

import csv
import pathlib
import tempfile

import numpy as np
import torch
from torch import nn


def write_log(path, n=1300):
    rng = np.random.default_rng(29)
    with open(path, "w", newline="") as f:
        out = csv.writer(f)
        out.writerow(["air_temp", "humidity", "air_speed", "moisture", "rate"])
        for _ in range(n):
            temp, hum = rng.uniform(35, 75), rng.uniform(0.05, 0.95)
            speed, moist = rng.uniform(0.2, 2.0), rng.uniform(12, 30)
            k = np.exp((temp - 55) / 30) * (1 - hum) * speed**0.5
            rate = k * (moist - 8) / 10 + rng.normal(0, 0.03)
            out.writerow([f"{temp:.2f}", f"{hum:.3f}", f"{speed:.3f}", f"{moist:.2f}", f"{rate:.4f}"])


def read_log(path):
    rows, rates = [], []
    with open(path, newline="") as f:
        for line in csv.DictReader(f):
            temp = float(line["air_temp"])
            hum = int(float(line["humidity"]))
            speed = float(line["air_speed"])
            moist = float(line["moisture"])
            rows.append([(temp - 55) / 12, (hum - 0.5) / 0.26, (speed - 1.1) / 0.52, (moist - 21) / 5.2])
            rates.append([float(line["rate"])])
    return torch.tensor(rows), torch.tensor(rates)


torch.manual_seed(29)
with tempfile.TemporaryDirectory() as folder:
    log = pathlib.Path(folder) / "dryer.csv"
    write_log(log)
    X, y = read_log(log)

train, test = slice(0, 1000), slice(1000, None)
y = (y - y[train].mean()) / y[train].std()

model = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
loss_fn = nn.MSELoss(reduction="sum")
opt = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

for epoch in range(100):
    total = 0.0
    for rows in torch.randperm(1000).split(50):
        loss = loss_fn(model(X[rows]), y[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    if epoch % 20 == 0:
        print(f"epoch {epoch:3d} train mse {total / 1000:.4f}")

with torch.no_grad():
    pred = model(X[test])
    r2 = 1 - ((pred - y[test]) ** 2).sum() / ((y[test] - y[test].mean()) ** 2).sum()
print(f"R2 on 300 later log entries: {r2.item():.3f}")
