import numpy as np
import torch
import torch.nn.functional as F
from sklearn.model_selection import KFold
from torch import nn


def plots(n, seed):
    rng = np.random.default_rng(seed)
    nitrogen = rng.uniform(0, 240, n)
    rain = rng.uniform(150, 550, n)
    sowing = rng.integers(260, 320, n)
    clay = rng.uniform(5, 45, n)
    ph = rng.uniform(5.2, 8.1, n)
    extra = rng.standard_normal((n, 3))
    tonnes = 2.5 + 0.035 * nitrogen - 9e-5 * nitrogen**2 + 0.008 * rain - 0.015 * (sowing - 260)
    tonnes = tonnes - 0.4 * np.abs(ph - 6.6) + 1.1 * rng.standard_normal(n)
    x = np.column_stack([nitrogen, rain, sowing, clay, ph, extra])
    x = (x - x.mean(0)) / x.std(0)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(tonnes, dtype=torch.float32)


def build():
    return nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))


def fit(model, x, y, epochs=12):
    opt = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2)
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(32):
            opt.zero_grad()
            loss = F.mse_loss(model(x[rows]).squeeze(-1), y[rows])
            loss.backward()
            opt.step()
    return loss.item()


def r2(model, x, y):
    with torch.no_grad():
        return 1 - (F.mse_loss(model(x).squeeze(-1), y) / y.var(unbiased=False)).item()


torch.manual_seed(29)
x, y = plots(400, 29)
y = (y - y.mean()) / y.std()
scores = []
for fold, (train, test) in enumerate(KFold(5, shuffle=True, random_state=1).split(x)):
    model = build()
    last = fit(model, x[train], y[train])
    scores.append(r2(model, x[test], y[test]))
    print(f"fold {fold}: loss {last:.4f}  R2 {scores[-1]:.3f}")
print(f"cross-validated R2 {np.mean(scores):.3f} +- {np.std(scores):.3f}")
