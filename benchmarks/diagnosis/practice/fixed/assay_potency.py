"""Potency of compounds from descriptors. Few measurements, so replicates are simulated around each."""

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from torch import nn

rng = np.random.default_rng(33)
torch.manual_seed(33)


def measure(n, d=8):
    desc = rng.normal(size=(n, d))
    potency = desc[:, 0] - 0.8 * desc[:, 1] * desc[:, 2] + np.sin(2 * desc[:, 3]) + rng.normal(0, 0.6, n)
    return desc, potency


def replicate(desc, potency, copies=6, jitter=0.03):
    big_x = np.repeat(desc, copies, axis=0)
    big_y = np.repeat(potency, copies)
    return big_x + rng.normal(0, jitter, big_x.shape), big_y + rng.normal(0, jitter, big_y.shape)


def fit(x, y, epochs=80):
    net = nn.Sequential(nn.Linear(x.shape[1], 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 1))
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(epochs):
        for idx in torch.randperm(len(x)).chunk(12):
            opt.zero_grad()
            loss = nn.functional.mse_loss(net(x[idx]), y[idx])
            loss.backward()
            opt.step()
        if epoch % 20 == 0:
            print(f"epoch {epoch}: loss {loss.item():.4f}")
    return net


desc, potency = measure(260)
x_tr, x_te, y_tr, y_te = train_test_split(desc, potency, test_size=0.25, random_state=1)
x_tr, y_tr = replicate(x_tr, y_tr)

center, spread = y_tr.mean(), y_tr.std()
x_tr, x_te = torch.tensor(x_tr, dtype=torch.float32), torch.tensor(x_te, dtype=torch.float32)
y_tr = torch.tensor((y_tr - center) / spread, dtype=torch.float32)[:, None]

net = fit(x_tr, y_tr)
with torch.no_grad():
    pred = net(x_te)[:, 0].numpy() * spread + center
r2 = 1 - ((y_te - pred) ** 2).mean() / y_te.var()
print(f"{len(x_tr)} rows for training, {len(x_te)} for testing")
print(f"R2 on the test rows: {r2:.3f}")
