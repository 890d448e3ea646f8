"""Hourly bicycle counts from hour, day type, weather and counter site."""

import copy

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def counts(n, rng):
    hour = rng.integers(0, 24, n)
    day = rng.choice(["work", "sat", "sun"], n, p=[0.7, 0.15, 0.15])
    sky = rng.choice(["dry", "showers", "rain"], n, p=[0.6, 0.25, 0.15])
    temp = rng.uniform(-3, 30, n)
    rush = np.exp(-((hour - 8) ** 2) / 4) + 0.9 * np.exp(-((hour - 17) ** 2) / 6)
    leisure = np.exp(-((hour - 14) ** 2) / 16)
    base = np.where(day == "work", 3.2 * rush + 0.8 * leisure, 1.6 * leisure)
    wet = np.select([sky == "dry", sky == "showers"], [1.0, 0.7], 0.4)
    y = np.log1p(120 * (base + 0.05) * wet * (0.5 + temp.clip(0, 25) / 25)) + rng.normal(0, 0.5, n)
    hot = [(day == d) for d in ("work", "sat", "sun")] + [(sky == s) for s in ("dry", "showers", "rain")]
    clock = [np.sin(hour * np.pi / 12), np.cos(hour * np.pi / 12), np.sin(hour * np.pi / 6), np.cos(hour * np.pi / 6)]
    x = np.column_stack([*clock, *hot, temp / 15 - 1])
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


class Net(nn.Module):
    def __init__(self, n_in):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(n_in, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1)
        )

    def forward(self, x):
        return self.net(x).squeeze(-1)


torch.manual_seed(5)
x, y = counts(2000, np.random.default_rng(5))
mean, std = y[:1400].mean(), y[:1400].std()
y = (y - mean) / std
loader = DataLoader(TensorDataset(x[:1400], y[:1400]), batch_size=70, shuffle=True)
xv, yv, xt, yt = x[1400:1700], y[1400:1700], x[1700:], y[1700:]
model = Net(x.shape[1])
opt = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
best, best_state, waited = float("inf"), None, 0
for epoch in range(200):
    model.train()
    for xb, yb in loader:
        opt.zero_grad(set_to_none=True)
        loss = nn.functional.mse_loss(model(xb), yb)
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        val = nn.functional.mse_loss(model(xv), yv).item()
    if val < best:
        best, best_state, waited = val, copy.deepcopy(model.state_dict()), 0
    else:
        waited += 1
    if epoch % 5 == 0:
        print(f"{epoch:3d} train {loss.item():.4f} val {val:.4f}")
    if waited >= 12:
        print("stopped at epoch", epoch)
        break
model.load_state_dict(best_state)
model.eval()
with torch.no_grad():
    r2 = 1 - (model(xt) - yt).pow(2).sum() / (yt - yt.mean()).pow(2).sum()
print("test R2", r2.item())
