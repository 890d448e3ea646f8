"""Leaf area from length, width and lobe depth of a leaf, cross-validated."""

import numpy as np
import torch
from sklearn.model_selection import KFold
from torch import nn

torch.set_default_dtype(torch.float64)


def leaves(n, rng):
    length = rng.uniform(2, 14, n)
    width = length * rng.uniform(0.3, 0.9, n)
    lobe = rng.uniform(0, 0.5, n)
    area = np.pi / 4 * length * width * (1 - 0.9 * lobe**1.5)
    return np.column_stack([length, width, lobe]), area * (1 + rng.normal(0, 0.03, n))


def fit(x, y, seed):
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(3, 10), nn.Tanh(), nn.Linear(10, 1))
    opt = torch.optim.LBFGS(net.parameters(), lr=1, max_iter=20, line_search_fn="strong_wolfe")

    def closure():
        opt.zero_grad()
        loss = torch.mean((net(x) - y) ** 2) + 1e-5 * sum((p**2).sum() for p in net.parameters())
        loss.backward()
        return loss

    for _ in range(8):
        last = opt.step(closure)
    return net, last.item()


rng = np.random.default_rng(90)
x, y = leaves(240, rng)
scores = []
for k, (tr, te) in enumerate(KFold(5, shuffle=True, random_state=1).split(x)):
    mx, sx, my, sy = x[tr].mean(0), x[tr].std(0), y[tr].mean(), y[tr].std()
    xa, ya = torch.from_numpy((x[tr] - mx) / sx), torch.from_numpy((y[tr] - my) / sy)[:, None]
    xb, yb = torch.from_numpy((x[te] - mx) / sx), torch.from_numpy((y[te] - my) / sy)[:, None]
    net, last = fit(xa, ya, k)
    with torch.no_grad():
        r2 = 1 - torch.sum((net(xb) - yb) ** 2) / torch.sum((yb - yb.mean()) ** 2)
    scores.append(r2.item())
    print(f"fold {k} loss {last:.5f} R2 {scores[-1]:.4f}")
print("mean R2", np.mean(scores))
