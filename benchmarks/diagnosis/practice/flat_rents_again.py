"""Monthly rent of flats; the descriptions and the rents come as two tables."""

import csv
import random
import tempfile
from pathlib import Path

import torch
from torch import nn

random.seed(5)
torch.manual_seed(5)
DISTRICTS = ["centre", "harbour", "north", "hills"]
LEVEL = {"centre": 15.5, "harbour": 13.0, "north": 9.5, "hills": 11.5}


def write_tables(folder, n=900):
    with open(folder / "flats.csv", "w", newline="") as f, open(folder / "rents.csv", "w", newline="") as g:
        flats, rents = csv.writer(f), csv.writer(g)
        flats.writerow(["id", "area", "rooms", "age", "district"])
        rents.writerow(["id", "rent"])
        for flat in range(1, n + 1):
            area = random.uniform(25, 130)
            rooms = max(1, round(area / 28 + random.gauss(0, 0.5)))
            age = random.uniform(0, 90)
            district = random.choice(DISTRICTS)
            rent = area * LEVEL[district] * (1.1 - 0.003 * age) + 40 * rooms + random.gauss(0, 60)
            flats.writerow([flat, f"{area:.1f}", rooms, f"{age:.0f}", district])
            rents.writerow([flat, f"{rent:.2f}"])


def read_tables(folder):
    with open(folder / "flats.csv", newline="") as f:
        flats = list(csv.DictReader(f))
    with open(folder / "rents.csv", newline="") as f:
        rents = sorted(csv.DictReader(f), key=lambda row: row["id"])
    x = [
        [float(r["area"]), float(r["rooms"]), float(r["age"])] + [float(r["district"] == d) for d in DISTRICTS]
        for r in flats
    ]
    y = [float(r["rent"]) for r in rents]
    return torch.tensor(x), torch.tensor(y).view(-1, 1)


with tempfile.TemporaryDirectory() as tmp:
    write_tables(Path(tmp))
    x, y = read_tables(Path(tmp))

perm = torch.randperm(len(x))
train, val, test = perm[:600], perm[600:700], perm[700:]
x = (x - x[train].mean(0)) / x[train].std(0)
mean, std = y[train].mean(), y[train].std()
y = (y - mean) / std

net = nn.Sequential(nn.Linear(7, 32), nn.ReLU(), nn.Linear(32, 1))
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
best, patience, bad = float("inf"), 60, 0
for epoch in range(800):
    net.train()
    opt.zero_grad()
    loss = nn.functional.mse_loss(net(x[train]), y[train])
    loss.backward()
    opt.step()
    net.eval()
    with torch.no_grad():
        val_loss = nn.functional.mse_loss(net(x[val]), y[val]).item()
    if epoch % 50 == 0:
        print(f"{epoch}: train {loss.item():.4f} val {val_loss:.4f}")
    if val_loss < best - 1e-5:
        best, bad = val_loss, 0
    else:
        bad += 1
        if bad >= patience:
            print("stopped at epoch", epoch)
            break

with torch.no_grad():
    residual = y[test] - net(x[test])
print(f"RMSE {residual.pow(2).mean().sqrt().item() * std.item():.1f} per month")
print(f"R2 {1 - (residual.pow(2).sum() / (y[test] - y[test].mean()).pow(2).sum()).item():.3f}")
