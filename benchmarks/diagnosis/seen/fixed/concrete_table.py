"""Compressive strength of concrete mixes, read from a CSV table."""

import csv
import math
import random
import tempfile
from pathlib import Path

import torch
from torch import nn


def write_table(path, rows, rnd):
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["cement", "water", "age", "kind", "strength"])
        for _ in range(rows):
            cement, water = rnd.uniform(220, 480), rnd.uniform(140, 210)
            age, kind = rnd.choice([3, 7, 14, 28, 56, 90]), rnd.choice(["N", "R", "S"])
            speed = {"N": 0.38, "R": 0.2, "S": 0.25}[kind]
            strength = 27 * (cement / water - 0.5) * math.exp(speed * (1 - math.sqrt(28 / age)))
            writer.writerow([f"{cement:.1f}", f"{water:.1f}", age, kind, f"{strength + rnd.gauss(0, 1.5):.2f}"])


def read_table(path):
    features, target = [], []
    with path.open() as handle:
        for row in csv.DictReader(handle):
            onehot = [float(row["kind"] == k) for k in "NRS"]
            features.append([float(row["cement"]), float(row["water"]), float(row["age"]), *onehot])
            target.append([float(row["strength"])])
    return torch.tensor(features), torch.tensor(target)


class MixNet(nn.Module):
    def __init__(self, n_in):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(n_in, 12), nn.ReLU(), nn.Linear(12, 12), nn.ReLU())
        self.head = nn.Linear(12, 1)

    def forward(self, x):
        return self.head(self.features(x))


torch.manual_seed(8)
with tempfile.TemporaryDirectory() as folder:
    table = Path(folder) / "mixes.csv"
    write_table(table, 1000, random.Random(8))
    x, y = read_table(table)
x[:, :3] = (x[:, :3] - x[:, :3].mean(0)) / x[:, :3].std(0)
y = (y - y.mean()) / y.std()

model = MixNet(x.shape[1])
optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=5e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=2000)
criterion = nn.MSELoss()
for epoch in range(80):
    for idx in torch.randperm(800).split(32):
        optimizer.zero_grad()
        loss = criterion(model(x[idx]), y[idx])
        loss.backward()
        optimizer.step()
        scheduler.step()
    if epoch % 20 == 0:
        print(f"epoch {epoch:2d}  loss {loss.item():.4f}")

with torch.no_grad():
    mse = criterion(model(x[800:]), y[800:])
print(f"R2 on the last 200 mixes: {1 - (mse / y[800:].var()).item():.3f}")
