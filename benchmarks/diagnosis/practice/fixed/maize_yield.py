"""Maize yield from plot records: soil, rain, nitrogen, variety."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


def plots(n, rng):
    rain = rng.normal(450, 90, n)
    nitrogen = rng.uniform(0, 220, n)
    ph = rng.normal(6.3, 0.5, n)
    clay = rng.uniform(8, 45, n)
    gdd = rng.normal(1500, 150, n)
    variety = rng.integers(0, 4, n)
    y = 4 + 4.5 * (1 - np.exp(-nitrogen / 70)) - 0.6 * ((rain - 480) / 90) ** 2 - 0.8 * (ph - 6.5) ** 2
    y = y + np.array([0.0, 0.5, -0.4, 0.9])[variety] + rng.normal(0, 1.2, n)
    x = np.column_stack(
        [
            (rain - 450) / 90,
            (nitrogen - 110) / 63,
            (ph - 6.3) / 0.5,
            (clay - 26) / 10.7,
            (gdd - 1500) / 150,
            np.eye(4)[variety],
        ]
    )
    return x.astype(np.float32), y.astype(np.float32)


def jitter(x, y, copies, rng):
    xs = np.concatenate([x + rng.normal(0, 0.02, x.shape).astype(np.float32) for _ in range(copies)])
    return xs, np.tile(y, copies)


def to_ds(x, y):
    return TensorDataset(torch.from_numpy(x), torch.from_numpy((y - 6.5) / 2.0))


def score(net, ds):
    x, y = ds[:] if isinstance(ds, TensorDataset) else ds.dataset[ds.indices]
    with torch.no_grad():
        p = net(x).squeeze(-1)
    return 1 - ((p - y) ** 2).sum().item() / ((y - y.mean()) ** 2).sum().item()


rng = np.random.default_rng(42)
torch.manual_seed(42)
x, y = plots(400, rng)
train_idx, val_idx = (s.indices for s in random_split(range(len(x)), [0.8, 0.2]))
train_ds = to_ds(*jitter(x[train_idx], y[train_idx], 6, rng))
val_ds = to_ds(x[val_idx], y[val_idx])

net = nn.Sequential(nn.Linear(9, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 1))
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
loader = DataLoader(train_ds, batch_size=64, shuffle=True)
best = -np.inf
for epoch in range(30):
    for xb, yb in loader:
        loss = nn.functional.mse_loss(net(xb).squeeze(-1), yb)
        opt.zero_grad()
        loss.backward()
        opt.step()
    r2 = score(net, val_ds)
    best = max(best, r2)
    if epoch % 10 == 9:
        print(f"{epoch + 1:3d} train R2 {score(net, train_ds):.3f} val R2 {r2:.3f}")
print(f"final validation R2 {r2:.3f} (best {best:.3f})")
