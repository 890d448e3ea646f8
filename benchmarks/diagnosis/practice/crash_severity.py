"""Which crashes are severe (about one in eight), from speed, angle, belt use and age."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(140)
torch.manual_seed(140)
n = 2400
speed = rng.uniform(10, 130, n)
angle = rng.uniform(0, 180, n)
belt = rng.random(n) < 0.85
age = rng.uniform(18, 90, n)
energy = (speed / 100) ** 2 * (1 + np.sin(np.radians(angle))) * np.where(belt, 1.0, 1.9) * (1 + age / 150)
severe = (energy + rng.normal(0, 0.12, n) > 3.2).astype(np.float32)
print("share of severe crashes", severe.mean())

x = np.column_stack([speed, angle, belt, age]).astype(np.float32)
x = (x - x.mean(0)) / x.std(0)
x, y = torch.from_numpy(x), torch.from_numpy(severe)
xa, ya, xb, yb = x[:1800], y[:1800], x[1800:], y[1800:]
weight = torch.sqrt((ya == 0).sum() / (ya == 1).sum())

net = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1), nn.Flatten(0))
criterion = nn.BCEWithLogitsLoss(pos_weight=weight)
opt = torch.optim.Adam(net.parameters(), lr=3e-3, weight_decay=1e-4)
for epoch in range(30):
    for xi, yi in DataLoader(TensorDataset(xa, ya), batch_size=60, shuffle=True):
        opt.zero_grad()
        loss = criterion(net(xi), yi)
        loss.backward()
        opt.step()
    if epoch % 6 == 0:
        print("epoch", epoch, "loss", loss.item())
with torch.no_grad():
    hit = (net(xb) > 0).float()
recall = (hit * yb).sum() / yb.sum()
precision = (hit * yb).sum() / hit.sum()
print("recall", recall.item(), "precision", precision.item())
print("accuracy", (hit == yb).float().mean().item())
