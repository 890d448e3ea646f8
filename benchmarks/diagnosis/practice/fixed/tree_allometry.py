import csv
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(8)
rng = np.random.default_rng(8)


def write_inventory(path, n=1000):
    with open(path, "w", newline="") as fh:
        writer = csv.writer(fh)
        writer.writerow(["dbh_cm", "height_m", "wood_density", "biomass_kg"])
        for _ in range(n):
            dbh = rng.uniform(5, 80)
            height = 1.3 + 32 * (1 - np.exp(-0.03 * dbh)) * np.exp(rng.normal(0, 0.15))
            rho = rng.uniform(0.35, 0.9)
            mass = 0.0673 * (rho * dbh**2 * height) ** 0.976 * np.exp(rng.normal(0, 0.1))
            writer.writerow([f"{dbh:.2f}", f"{height:.2f}", f"{rho:.3f}", f"{mass:.2f}"])


def read_inventory(path):
    with open(path) as fh:
        rows = list(csv.DictReader(fh))
    features = [[float(r["dbh_cm"]), float(r["height_m"]), float(r["wood_density"])] for r in rows]
    biomass = [float(r["biomass_kg"]) for r in rows]
    return np.array(features), np.log(np.array(biomass))


class BiomassNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 32), nn.GELU(), nn.Linear(32, 32), nn.GELU())
        self.head = nn.Linear(32, 1)

    def forward(self, x):
        return self.head(self.body(x)).squeeze(-1)


with tempfile.TemporaryDirectory() as folder:
    table = Path(folder) / "inventory.csv"
    write_inventory(table)
    X, y = read_inventory(table)

pick = rng.permutation(len(X))
fit, test = pick[:750], pick[750:]
X = (X - X[fit].mean(axis=0)) / X[fit].std(axis=0)
y = (y - y[fit].mean()) / y[fit].std()
X, y = torch.from_numpy(X).float(), torch.from_numpy(y).float()

net = BiomassNet()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(40):
    losses = []
    for xb, yb in DataLoader(TensorDataset(X[fit], y[fit]), batch_size=50, shuffle=True):
        opt.zero_grad()
        loss = nn.functional.mse_loss(net(xb), yb)
        loss.backward()
        opt.step()
        losses.append(loss.item())
    if epoch % 8 == 0:
        print(f"epoch {epoch:2d} loss {np.mean(losses):.4f}")

net.eval()
with torch.no_grad():
    mse = nn.functional.mse_loss(net(X[test]), y[test]).item()
print(f"held-out: rmse {mse**0.5:.3f}, R2 {1 - mse / y[test].var(unbiased=False).item():.3f}")
