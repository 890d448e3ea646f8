"""Yearly spending of households from a survey table with income, size, region and tenure."""

import csv
import tempfile
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import mean_absolute_error, r2_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

REGIONS = ["north", "south", "coast", "capital"]


def write_survey(path, n=1500):
    rng = np.random.default_rng(8)
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["income", "people", "age", "region", "owner", "spending"])
        for _ in range(n):
            income = rng.lognormal(10.7, 0.45)
            people, age, region = rng.integers(1, 7), rng.integers(20, 85), rng.integers(0, 4)
            owner = rng.integers(0, 2)
            base = 900 * income**0.33 * people**0.3 * (0.85, 0.9, 1.05, 1.35)[region]
            spending = base * (1.15 - 0.0003 * (age - 48) ** 2) * (0.9 if owner else 1.05) * rng.normal(1, 0.05)
            writer.writerow([round(income), people, age, REGIONS[region], owner, round(spending, 2)])


def read_survey(path):
    with path.open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    numbers = np.array([[np.log(float(r["income"])), float(r["people"]), float(r["age"])] for r in rows])
    numbers = (numbers - numbers.mean(0)) / numbers.std(0)
    codes = np.array([[r["region"] == name for name in REGIONS] + [r["owner"] == "1"] for r in rows])
    return np.hstack([numbers, codes]).astype(np.float32), np.array([float(r["spending"]) for r in rows], np.float32)


with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "survey.csv"
    write_survey(file)
    x, spending = read_survey(file)

torch.manual_seed(8)
x, y = torch.from_numpy(x), torch.from_numpy(spending)[:, None]
loader = DataLoader(TensorDataset(x[:1200], y[:1200]), batch_size=64, shuffle=True)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

for epoch in range(3):
    seen = []
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(xb), yb)
        loss.backward()
        optimizer.step()
        seen.append(loss.item())
    print(f"epoch {epoch + 1}: {np.mean(seen):.4g}")

with torch.no_grad():
    guess = model(x[1200:])
print(f"MAE {mean_absolute_error(y[1200:], guess):.1f}   R2 {r2_score(y[1200:], guess):.3f}")
