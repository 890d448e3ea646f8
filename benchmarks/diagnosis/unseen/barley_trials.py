import csv
import tempfile
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

FIELDS = ["nitrogen", "rain_mm", "ph", "sowing_rate", "clay"]


def write_tables(folder, plots=900):
    rng = np.random.default_rng(12)
    soil, harvest = [], []
    for number in range(1, plots + 1):
        n, rain = rng.uniform(0, 180), rng.uniform(180, 520)
        ph, rate, clay = rng.uniform(5.0, 7.8), rng.uniform(120, 420), rng.uniform(5, 45)
        tonnes = 2.0 + 5.2 * (1 - np.exp(-n / 60)) * min(1.0, rain / 380) - 0.9 * (ph - 6.6) ** 2
        tonnes += 1.1 * np.sin(rate / 130) + 0.02 * clay + rng.normal(0, 0.3)
        soil.append([f"plot{number}", *(round(v, 3) for v in (n, rain, ph, rate, clay))])
        harvest.append([f"plot{number}", round(tonnes, 3)])
    harvest.sort(key=lambda row: row[0])
    with open(folder / "soil.csv", "w", newline="") as f:
        csv.writer(f).writerows([["plot", *FIELDS], *soil])
    with open(folder / "harvest.csv", "w", newline="") as f:
        csv.writer(f).writerows([["plot", "tonnes_per_ha"], *harvest])


def read_tables(folder):
    with open(folder / "soil.csv", newline="") as f:
        soil = list(csv.DictReader(f))
    with open(folder / "harvest.csv", newline="") as f:
        harvest = list(csv.DictReader(f))
    x = np.array([[float(row[name]) for name in FIELDS] for row in soil], dtype=np.float32)
    y = np.array([float(row["tonnes_per_ha"]) for row in harvest], dtype=np.float32)
    return x, y.reshape(-1, 1)


with tempfile.TemporaryDirectory() as tmp:
    write_tables(Path(tmp))
    x, y = read_tables(Path(tmp))

x_tr, x_te, y_tr, y_te = train_test_split(x, y, test_size=0.25, random_state=0)
mean, std = x_tr.mean(axis=0), x_tr.std(axis=0)
x_tr, x_te = (x_tr - mean) / std, (x_te - mean) / std
y_mean, y_std = y_tr.mean(), y_tr.std()

torch.manual_seed(0)
data = TensorDataset(torch.from_numpy(x_tr), torch.from_numpy((y_tr - y_mean) / y_std))
loader = DataLoader(data, batch_size=45, shuffle=True)
model = nn.Sequential(nn.Linear(5, 32), nn.GELU(), nn.Linear(32, 16), nn.GELU(), nn.Linear(16, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
loss_fn = nn.MSELoss()

for epoch in range(1, 81):
    losses = []
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = loss_fn(model(xb), yb)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    if epoch % 10 == 0:
        print(f"epoch {epoch} loss {np.mean(losses):.4f}")

model.eval()
with torch.no_grad():
    guess = model(torch.from_numpy(x_te)).numpy() * y_std + y_mean
print("R2 on the held-out plots:", round(r2_score(y_te, guess), 3))
