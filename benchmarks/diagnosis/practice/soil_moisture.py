"""Soil moisture from satellite backscatter and vegetation index, five folds."""

import numpy as np
import torch
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold
from torch import nn

rng = np.random.default_rng(33)
n = 1000
moisture = 0.06 + 0.36 * rng.beta(2, 2.5, n)
ndvi = rng.uniform(0.1, 0.85, n)
angle = rng.uniform(29, 46, n)
rough = rng.gamma(4, 0.3, n)
vv = -22 + 32 * moisture * np.exp(-0.9 * ndvi) - 0.12 * (angle - 37) + 1.5 * np.log(rough) + rng.normal(0, 1.0, n)
vh = vv - 7 + 4 * ndvi + rng.normal(0, 1.0, n)
x = np.column_stack([vv, vh, ndvi, angle]).astype("float32")
y = (100 * moisture).astype("float32")


def run_fold(tr, te, seed):
    torch.manual_seed(seed)
    mean, std = x[tr].mean(0), x[tr].std(0)
    xt, xe = torch.from_numpy((x[tr] - mean) / std), torch.from_numpy((x[te] - mean) / std)
    ym, ysd = float(y[tr].mean()), float(y[tr].std())
    yt = torch.from_numpy((y[tr] - ym) / ysd)
    net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
    opt = torch.optim.Adam(net.parameters(), lr=5e-3, weight_decay=1e-3)
    for _ in range(40):
        for idx in torch.randperm(len(tr)).split(80):
            opt.zero_grad()
            loss = nn.functional.mse_loss(net(xt[idx]).squeeze(1), yt[idx])
            loss.backward()
            opt.step()
    with torch.no_grad():
        return net(xe).squeeze(1).numpy() * ysd + ym, loss.item()


pred = np.zeros(n)
for k, (tr, te) in enumerate(KFold(5, shuffle=True, random_state=0).split(x)):
    pred[te], last = run_fold(tr, te, k)
    print(f"fold {k}: last batch loss {last:.3f}, R2 {r2_score(y[te], pred[te]):.3f}")
print(f"all folds: R2 {r2_score(y, pred):.3f}, RMSE {np.sqrt(np.mean((y - pred) ** 2)):.2f} vol%")
