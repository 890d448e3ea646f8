"""Duty of a shell-and-tube exchanger from the four terminal temperatures and the area."""

import numpy as np
import torch
from torch import nn


def make_data(n, seed):
    g = np.random.default_rng(seed)
    th_in = g.uniform(110, 160, n)
    th_out = g.uniform(70, 100, n)
    tc_in = g.uniform(15, 30, n)
    tc_out = g.uniform(40, 65, n)
    area = g.uniform(2, 12, n)
    fouling = g.uniform(0, 8e-4, n)
    d1, d2 = th_in - tc_out, th_out - tc_in
    u = 1 / (1 / 900 + fouling)
    q = u * area * (d1 - d2) / np.log(d1 / d2) / 1000
    return np.column_stack([th_in, th_out, tc_in, tc_out, area, fouling]), q


def fit(net, x, y, epochs, lr, batch):
    loss_fn = nn.MSELoss(reduction="sum")
    sgd = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
    for ep in range(1, epochs + 1):
        perm = torch.randperm(len(x))
        acc = 0.0
        for i in range(0, len(x), batch):
            j = perm[i : i + batch]
            loss = loss_fn(net(x[j]), y[j])
            sgd.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 50.0)
            sgd.step()
            acc += loss.item()
        if ep % 10 == 0:
            print(f"  epoch {ep}: loss {acc / len(x):.4f}")


def main():
    torch.manual_seed(0)
    x, y = make_data(1000, 1)
    xv, yv = make_data(300, 2)
    m, s = x.mean(0), x.std(0)
    ym, ys = y.mean(), y.std()
    to = lambda a: torch.as_tensor(a, dtype=torch.float32)  # noqa: E731
    net = nn.Sequential(nn.Linear(6, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 1))
    fit(net, to((x - m) / s), to((y - ym) / ys)[:, None], epochs=60, lr=0.02, batch=50)
    with torch.no_grad():
        pred = net(to((xv - m) / s)).numpy().ravel() * ys + ym
    ss = np.sum((yv - yv.mean()) ** 2)
    print(f"validation R2 {1 - np.sum((yv - pred) ** 2) / ss:.4f}, RMSE {np.sqrt(np.mean((yv - pred) ** 2)):.1f} kW")


if __name__ == "__main__":
    main()
