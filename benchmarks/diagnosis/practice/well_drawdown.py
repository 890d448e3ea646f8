"""Drawdown around a pumping well (Theis), surrogate with a normalising first layer."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def theis(q, trans, stor, r, t):
    u = r**2 * stor / (4 * trans * t)
    w = -0.5772 - np.log(u) + u - u**2 / 4 + u**3 / 18
    return q / (4 * np.pi * trans) * w


rng = np.random.default_rng(21)
n = 2000
q = rng.uniform(2000, 12000, n)  # m3/d
trans = rng.uniform(300, 1500, n)  # m2/d
stor = rng.uniform(1e-5, 4e-3, n)
r = rng.uniform(1, 100, n)  # m
t = rng.uniform(1, 30, n)  # d
s = theis(q, trans, stor, r, t) * (1 + rng.normal(0, 0.02, n))
inputs = torch.tensor(np.column_stack([q, trans, stor, r, t]), dtype=torch.float32)
target = torch.tensor(s, dtype=torch.float32).view(-1, 1)

torch.manual_seed(21)
model = nn.Sequential(
    nn.BatchNorm1d(5),
    nn.Linear(5, 32),
    nn.Tanh(),
    nn.Linear(32, 32),
    nn.Tanh(),
    nn.Linear(32, 1),
)
x_tr, y_tr, x_te, y_te = inputs[:1600], target[:1600], inputs[1600:], target[1600:]


def evaluate(x, y):
    model.eval()
    with torch.no_grad():
        p = model(x)
    return float(1 - ((y - p) ** 2).sum() / ((y - y.mean()) ** 2).sum())


print("before training:", round(evaluate(x_te, y_te), 3))
opt = torch.optim.Adam(model.parameters(), lr=8e-3)
for epoch in range(60):
    order = torch.randperm(len(x_tr))
    for idx in order.split(80):
        opt.zero_grad()
        loss = F.mse_loss(model(x_tr[idx]), y_tr[idx])
        loss.backward()
        opt.step()
    if epoch % 10 == 9:
        print(epoch + 1, loss.item())
print("after training:", round(evaluate(x_te, y_te), 3))
